#include "models/vilt.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {
namespace {

// The first patches outside the corner of h x w, from the start again where there are fewer: [count, E].
at::Tensor padding_of(const at::Tensor& patches, int64_t rows, int64_t columns, int64_t h, int64_t w, int64_t count) {
  auto outside = at::ones({rows, columns}, patches.options().dtype(at::kBool));
  outside.slice(0, 0, h).slice(1, 0, w).fill_(false);
  auto places = outside.flatten().nonzero().squeeze(1);
  return patches.index_select(0, places.index_select(0, at::arange(count, places.options()).remainder(places.size(0))));
}

}  // namespace

std::string Vilt::image_name(int64_t image) const {
  return head_ == Head::images ? fmt::format("image{}", image + 1) : "image";
}

std::string Vilt::fusion_name(int64_t image) const {
  return head_ == Head::images ? fmt::format("fusion.image{}", image + 1) : "fusion";
}

Leaf Vilt::prepare(size_t modality, std::span<const Value> values) const {
  return is_text(modality) ? prepare_text(modality, values, text_.words, length_) : prepare_images(modality, values);
}

Encoding Vilt::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (is_text(modality)) return encode_text(leaf.tensor, leaf.mask, {}, trace);
  return encode_image(static_cast<int64_t>(modality), leaf.tensor, leaf.mask, trace);
}

Encoding Vilt::encode_text(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& types,
                           Trace* trace) const {
  check(words.dim() == 3 && words.size(2) == width_, "the text leaf of {} is [B, T, {}], not [{}]", signature_.name,
        width_, fmt::join(words.sizes(), ", "));
  auto x = embed_text(words.to(dtype()), types, text_, signature_.modalities.back().name);
  x = tap(trace, "text.embeddings", x + modality_types_[0]);
  return {{x, mask.defined() ? mask : at::ones({words.size(0), words.size(1)}, words.options().dtype(at::kBool))}};
}

// The learned grid of positions, stretched over so many rows and columns of patches: [rows, columns, E].
at::Tensor Vilt::positions_of(int64_t rows, int64_t columns) const {
  int64_t side = image_size_ / patch_;
  auto grid = positions_.slice(1, 1).transpose(1, 2).reshape({1, width_, side, side});
  if (rows != side || columns != side) grid = at::upsample_bilinear2d(grid, {rows, columns}, /*align_corners=*/true);
  return grid.squeeze(0).permute({1, 2, 0});
}

// Adds positions to patches [B, rows * columns, E] and takes those of padding, which have none, only to fill up shorter
// rows: [B, N, E], N the most that an image has. `real` receives which are of no padding: bool [B, N].
at::Tensor Vilt::place_patches(const at::Tensor& patches, int64_t rows, int64_t columns, const at::Tensor& mask,
                               at::Tensor& real) const {
  int64_t batch = patches.size(0);
  auto heights = at::full({batch}, rows, at::kLong), widths = at::full({batch}, columns, at::kLong);
  if (mask.defined()) {
    auto small = at::upsample_nearest2d(mask.unsqueeze(1).to(at::kFloat), {rows, columns}).squeeze(1);
    heights = small.select(2, 0).sum(1).to(at::kCPU, at::kLong);
    widths = small.select(1, 0).sum(1).to(at::kCPU, at::kLong);
  }
  bool whole = heights.eq(rows).all().item<bool>() && widths.eq(columns).all().item<bool>();
  bool capped = most_patches_ > 0;
  real = at::ones({batch, rows * columns}, patches.options().dtype(at::kBool));
  if (whole && !(capped && rows * columns > most_patches_))
    return patches + positions_of(rows, columns).reshape({1, rows * columns, width_});
  int64_t longest = (heights * widths).max().item<int64_t>();
  if (capped) longest = std::min(longest, most_patches_);
  std::vector<at::Tensor> placed;
  for (int64_t b = 0; b < batch; ++b) {
    int64_t h = heights[b].item<int64_t>(), w = widths[b].item<int64_t>();
    check(h > 0 && w > 0, "an image of '{}' has no patch that is not padding", signature_.name);
    auto grid = patches[b].view({rows, columns, width_}).slice(0, 0, h).slice(1, 0, w) + positions_of(h, w);
    auto one = grid.reshape({h * w, width_});
    if (h * w > longest)
      one = one.index_select(
          0, at::linspace(0, h * w - 1, longest, one.options().dtype(at::kDouble)).round().to(at::kLong));
    real[b].slice(0, one.size(0)).fill_(false);
    if (h * w < longest) one = at::cat({one, padding_of(patches[b], rows, columns, h, w, longest - h * w)});
    placed.push_back(one);
  }
  real = real.slice(1, 0, longest);
  return at::stack(placed);
}

Encoding Vilt::encode_image(int64_t image, const at::Tensor& pixels, const at::Tensor& mask, Trace* trace) const {
  check(pixels.dim() == 4 && pixels.size(1) == channels_ && pixels.size(2) >= patch_ && pixels.size(3) >= patch_,
        "the image leaf of {} is [B, {}, H, W], of at least one {} x {} patch, not [{}]", signature_.name, channels_,
        patch_, patch_, fmt::join(pixels.sizes(), ", "));
  at::Tensor real;
  auto patches = embed_patches(pixels.to(dtype()), patches_);
  auto x = place_patches(patches, pixels.size(2) / patch_, pixels.size(3) / patch_, mask, real);
  int64_t batch = x.size(0);
  auto first = (class_token_ + positions_.slice(1, 0, 1)).expand({batch, 1, width_});
  x = at::cat({first, x}, 1) + modality_types_[std::min(image + 1, image_types_ - 1)];
  return {{tap(trace, image_name(image) + ".embeddings", x), at::cat({at::ones({batch, 1}, real.options()), real}, 1)}};
}

at::Tensor Vilt::pooled(const Encoding& text, const Encoding& image, int64_t number, Trace* trace) const {
  check(text.tensors.size() == 2 && image.tensors.size() == 2, "{} fuses encodings that it made", signature_.name);
  auto name = fusion_name(number);
  int64_t batch = std::max(text.batch(), image.batch());
  auto join = [&](size_t i) {
    return at::cat({expand_batch(text.tensors[i], batch), expand_batch(image.tensors[i], batch)}, 1);
  };
  auto x = tap(trace, name + ".embeddings", join(0));
  auto mask = additive_mask(join(1), dtype());
  auto last = fmt::format("{}.layer.{}", name, blocks_.size());
  // The head reads the first position; the last layer makes others only for a trace that wants them.
  bool all = wants_block(trace, last) || (trace && trace->wants(name + ".output"));
  for (size_t i = 0; i + 1 < blocks_.size(); ++i)
    x = pre_norm_block(x, blocks_[i], mask, trace, fmt::format("{}.layer.{}", name, i + 1));
  x = pre_norm_block(x, blocks_.back(), mask, trace, last, all ? at::Tensor() : x.slice(1, 0, 1));
  x = tap(trace, name + ".output", layer_norm(x, norm_));
  return tap(trace, name + ".pooled", linear(x.select(1, 0), pooler_).tanh());
}

Output Vilt::classify(const at::Tensor& pooled, Trace* trace) const {
  auto x = pooled;
  if (head_ != Head::retrieval) x = at::gelu(layer_norm(linear(x, hidden_), hidden_norm_));
  auto features = tap(trace, "features", x);
  auto logits = linear(features, classifier_).to(at::kFloat);
  if (head_ == Head::retrieval) logits = at::cat({at::zeros_like(logits), logits}, 1);
  return {tap(trace, "logits", logits), features.to(at::kFloat)};
}

Output Vilt::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(std::ssize(encodings) == images_ + 1, "{} fuses {} encodings, not {}", signature_.name, images_ + 1,
        encodings.size());
  int64_t batch = 1;
  for (const auto& encoding : encodings) batch = std::max(batch, encoding.batch());
  for (const auto& encoding : encodings)
    check(encoding.batch() == batch || encoding.batch() == 1, "{} fuses encodings of the same batch, not {} and {}",
          signature_.name, encoding.batch(), batch);
  std::vector<at::Tensor> parts;
  for (int64_t i = 0; i < images_; ++i)
    parts.push_back(expand_batch(pooled(encodings.back(), encodings[static_cast<size_t>(i)], i, trace), batch));
  return classify(parts.size() == 1 ? parts.front() : at::cat(parts, 1), trace);
}

RawOutputs Vilt::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name,
                   {"input_ids", "inputs_embeds", "attention_mask", "token_type_ids", "pixel_values", "pixel_mask"},
                   {"pixel_values"});
  auto ids = raw_input(inputs, "input_ids"), words = raw_input(inputs, "inputs_embeds");
  check(ids.defined() != words.defined(), "{} takes either input_ids or inputs_embeds", signature_.name);
  if (ids.defined()) words = at::embedding(text_.words, ids.to(device(), at::kLong));
  auto on_device = [&](const char* name, at::ScalarType type) {
    auto tensor = raw_input(inputs, name);
    return tensor.defined() ? tensor.to(device(), type) : tensor;
  };
  auto pixels = raw_input(inputs, "pixel_values").to(device()), mask = on_device("pixel_mask", at::kBool);
  bool several = head_ == Head::images;
  if (several && pixels.dim() == 4) pixels = pixels.unsqueeze(1);
  check(pixels.dim() == (several ? 5 : 4) && (!several || pixels.size(1) == images_),
        "pixel_values of {} are [B, {}{}, H, W], not [{}]", signature_.name,
        several ? fmt::format("{}, ", images_) : "", channels_, fmt::join(pixels.sizes(), ", "));
  if (several && mask.defined() && mask.dim() == 3) mask = mask.unsqueeze(1);

  Trace trace;
  trace.record("fusion*");
  std::vector<Encoding> encodings;
  for (int64_t i = 0; i < images_; ++i)
    encodings.push_back(encode_image(i, several ? pixels.select(1, i) : pixels,
                                     several && mask.defined() ? mask.select(1, i) : mask, nullptr));
  encodings.push_back(encode_text(words.to(device()), on_device("attention_mask", at::kBool),
                                  on_device("token_type_ids", at::kLong), nullptr));
  auto output = fuse(encodings, &trace);
  RawOutputs out;
  out["logits"].tensor = head_ == Head::retrieval ? output.logits.slice(1, 1) : output.logits;
  out["features"].tensor = output.features;
  for (int64_t i = 0; i < images_; ++i) {
    auto layers = fusion_name(i) + ".layer";
    auto hidden = traced_layers(trace, layers, layers_, "hidden");
    hidden.insert(hidden.begin(), trace.at(fusion_name(i) + ".embeddings"));
    auto states = raw_list(hidden), maps = raw_list(traced_layers(trace, layers, layers_, "attention"));
    auto last = trace.at(fusion_name(i) + ".output"), pool = trace.at(fusion_name(i) + ".pooled");
    if (several) {
      out["hidden_states"].items.push_back(std::move(states));
      out["attentions"].items.push_back(std::move(maps));
      out["last_hidden_state"].items.push_back({last, {}, {}});
      out["pooler_output"].items.push_back({pool, {}, {}});
    } else {
      out["hidden_states"] = std::move(states);
      out["attentions"] = std::move(maps);
      out["last_hidden_state"].tensor = last;
      out["pooler_output"].tensor = pool;
    }
  }
  return out;
}

}  // namespace multiviz
