#include "models/mdetr.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {

Leaf Mdetr::prepare(size_t modality, std::span<const Value> values) const {
  return modality == 0 ? prepare_images(modality, values)
                       : prepare_text(modality, values, text_.words(), text_.length());
}

Encoding Mdetr::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (modality == 0) return encode_image(leaf.tensor, leaf.mask, trace);
  return encode_text(leaf.tensor, leaf.mask, leaf.mask, trace);
}

// bool [B, h, w] -> [B, h, w, E].
at::Tensor Mdetr::positions_of(const at::Tensor& real) const {
  if (!row_positions_.defined()) return sine_positions(real, width_).to(dtype());
  int64_t rows = real.size(1), columns = real.size(2);
  check(rows <= row_positions_.size(0) && columns <= column_positions_.size(0),
        "{} has places for {} x {} cells, and the image has {} x {}: make it smaller", signature_.name,
        column_positions_.size(0), row_positions_.size(0), columns, rows);
  auto across = column_positions_.slice(0, 0, columns).unsqueeze(0).expand({rows, columns, -1});
  auto down = row_positions_.slice(0, 0, rows).unsqueeze(1).expand({rows, columns, -1});
  return expand_batch(at::cat({across, down}, 2).unsqueeze(0), real.size(0));
}

// What the backbone saw, [B, C, h, w], as cells [B, h w, E] with their positions and which of them are real.
Encoding Mdetr::place(const at::Tensor& features, const at::Tensor& real, Trace* trace) const {
  auto x = tap(trace, "image.features", at::conv2d(features, projection_.weight, projection_.bias));
  auto cells = real.defined() ? real : at::ones({x.size(0), x.size(2), x.size(3)}, x.options().dtype(at::kBool));
  return {{x.flatten(2).transpose(1, 2), positions_of(cells).flatten(1, 2), cells.flatten(1)}};
}

Encoding Mdetr::encode_image(const at::Tensor& pixels, at::Tensor real, Trace* trace) const {
  check(pixels.dim() == 4 && pixels.size(1) == 3 && pixels.numel() > 0,
        "the image leaf of {} is [B, 3, H, W], not [{}]", signature_.name, fmt::join(pixels.sizes(), ", "));
  auto features = backbone_(pixels.to(dtype()), real, trace);
  return place(features, real, trace);
}

Encoding Mdetr::encode_text(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& real,
                            Trace* trace) const {
  check(words.dim() == 3 && words.size(2) == text_.width(), "the text leaf of {} is [B, T, {}], not [{}]",
        signature_.name, text_.width(), fmt::join(words.sizes(), ", "));
  auto x = text_(words.to(dtype()), mask, real, trace, "text");
  x = tap(trace, "text.resized", layer_norm(linear(x, resizer_), resizer_norm_));
  return {{x, mask.defined() ? mask : at::ones({x.size(0), x.size(1)}, x.options().dtype(at::kBool))}};
}

bool Mdetr::wants_all(const Trace* trace) const {
  return detects_only() || (trace && std::any_of(late_taps_.begin(), late_taps_.end(),
                                                 [&](const auto& name) { return trace->wants(name); }));
}

Mdetr::Decoded Mdetr::decode(const Encoding& image, const Encoding& text, Trace* trace) const {
  check(image.tensors.size() == 3 && text.tensors.size() == 2, "{} fuses encodings that it made", signature_.name);
  int64_t batch = std::max(image.batch(), text.batch());
  for (const auto* one : {&image, &text})
    check(one->batch() == batch || one->batch() == 1, "{} fuses encodings of the same batch, not {} and {}",
          signature_.name, one->batch(), batch);
  std::vector<at::Tensor> cells, places, reals;
  auto add = [&](const at::Tensor& x, const at::Tensor& place, const at::Tensor& real) {
    cells.push_back(expand_batch(x, batch));
    places.push_back(expand_batch(place, batch));
    reals.push_back(expand_batch(real, batch));
  };
  if (cls_.defined())
    add(cls_.unsqueeze(0), at::zeros_like(cls_).unsqueeze(0), at::ones({1, 1}, cls_.options().dtype(at::kBool)));
  add(image.tensors[0], image.tensors[1], image.tensors[2]);
  add(text.tensors[0], at::zeros_like(text.tensors[0]), text.tensors[1]);
  auto x = tap(trace, "fusion.embeddings", at::cat(cells, 1)), positions = at::cat(places, 1);
  auto mask = additive_mask(at::cat(reals, 1), dtype());
  for (size_t i = 0; i < encoder_.size(); ++i)
    x = detr_encode(x, positions, encoder_[i], mask, trace, fmt::format("fusion.encoder.layer.{}", i + 1));

  Decoded out{x, {}};
  DetrMemory memory{x, x + positions, mask};
  auto queries = (detects_only() ? queries_ : at::cat({queries_, answers_.queries()})).unsqueeze(0);
  auto slots = at::zeros({batch, queries.size(1), width_}, x.options());
  size_t layers = wants_all(trace) ? decoder_.size() : 1;
  for (size_t i = 0; i < layers; ++i) {
    auto name = fmt::format("fusion.decoder.layer.{}", i + 1);
    slots = detr_decode(slots, queries, memory, decoder_[i], trace, name);
    out.states.push_back(tap(trace, name + ".state", layer_norm(slots, decoder_norm_)));
  }
  return out;
}

at::Tensor Mdetr::found(const Decoded& decoded, size_t layer) const {
  return decoded.states[layer].slice(1, 0, slots_);
}

at::Tensor Mdetr::boxes(const at::Tensor& states) const {
  auto x = states;
  for (size_t i = 0; i < boxes_.size(); ++i) x = linear(i == 0 ? x : x.relu(), boxes_[i]);
  return x.sigmoid();
}

Output Mdetr::answer(const Decoded& decoded, Trace* trace) const {
  at::Tensor odds, last;
  if (wants_all(trace)) {
    last = found(decoded, decoder_.size() - 1);
    auto alignment = tap(trace, "alignment", linear(last, classes_)).to(at::kFloat);
    odds = alignment.slice(2, 0, -1).logsumexp(2) - alignment.select(2, -1);
    tap(trace, "boxes", boxes(last));
    if (final_.weight.defined()) tap(trace, "final", linear(last, final_));
  }
  if (detects_only()) {
    auto features = tap(trace, "features", last.mean(1));
    return {tap(trace, "logits", odds), features.to(at::kFloat)};
  }
  auto states = decoded.states.front().slice(1, slots_);
  auto features = tap(trace, "features", states.flatten(1));
  auto logits = answers_(features.view(states.sizes()), trace);
  return {tap(trace, "logits", logits), features.to(at::kFloat)};
}

Output Mdetr::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == 2, "{} fuses one encoding of an image and one of a text", signature_.name);
  return answer(decode(encodings[0], encodings[1], trace), trace);
}

namespace {

// What a row of an image leaf shows of the original image without its padding.
Box real_area(const Leaf& image, int64_t row) {
  if (image.areas.empty()) return {0, 0, 1, 1};
  auto area = image.areas[static_cast<size_t>(row)];
  if (!image.mask.defined()) return area;
  auto real = image.mask[row];
  auto share = [&](int64_t dim) {
    return static_cast<double>(real.any(dim).sum().item<int64_t>()) / static_cast<double>(real.size(1 - dim));
  };
  area.x1 = area.x0 + (area.x1 - area.x0) * share(0);
  area.y1 = area.y0 + (area.y1 - area.y0) * share(1);
  return area;
}

// Probabilities [Q, K] of tokens, and the words [T] that they belong to -> [Q, words].
at::Tensor by_word(const at::Tensor& probabilities, const at::Tensor& atoms) {
  int64_t tokens = std::min(atoms.size(0), probabilities.size(1) - 1);
  auto words = atoms.slice(0, 0, tokens).to(at::kCPU);
  int64_t count = atoms.numel() == 0 ? 0 : std::max<int64_t>(atoms.max().item<int64_t>() + 1, 0);
  auto member = words.unsqueeze(1).eq(at::arange(count)).to(probabilities.scalar_type());
  return at::matmul(probabilities.slice(1, 0, tokens), member);
}

}  // namespace

std::vector<std::vector<Detection>> Mdetr::detect(std::span<const Leaf> leaves, double threshold) const {
  Trace trace;
  for (const char* name : {"alignment", "boxes", "final"}) trace.record(name);
  forward(leaves, &trace);
  auto on_cpu = [&](const char* name) { return trace.at(name).detach().to(at::kCPU, at::kDouble); };
  auto all = on_cpu("alignment").softmax(2), places = on_cpu("boxes");
  at::Tensor final = final_.weight.defined() ? on_cpu("final").sigmoid() : at::Tensor();
  std::vector<std::vector<Detection>> out;
  for (int64_t b = 0; b < all.size(0); ++b) {
    auto scores = 1 - all[b].select(1, -1), order = scores.argsort(0, /*descending=*/true);
    auto area = real_area(leaves[0], b);
    auto shares = by_word(all[b], leaves[1].atoms.defined() ? leaves[1].atoms[b] : at::empty({0}, at::kLong));
    std::vector<Detection> row;
    for (int64_t i = 0; i < order.size(0); ++i) {
      int64_t q = order[i].item<int64_t>();
      double score = scores[q].item<double>();
      if (score < threshold) break;
      auto at = [&](int64_t k) { return places[b][q][k].item<double>(); };
      double across = area.x1 - area.x0, down = area.y1 - area.y0;
      Box box{area.x0 + (at(0) - at(2) / 2) * across, area.y0 + (at(1) - at(3) / 2) * down,
              area.x0 + (at(0) + at(2) / 2) * across, area.y0 + (at(1) + at(3) / 2) * down};
      auto words = shares[q].contiguous();
      const double* first = words.const_data_ptr<double>();
      Detection one{box, score, {}, {first, first + words.numel()}};
      if (final.defined()) one.referred = final[b][q][0].item<double>();
      row.push_back(std::move(one));
    }
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace multiviz
