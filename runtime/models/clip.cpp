#include "models/clip.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/batch.h"
#include "core/error.h"

namespace multiviz {
namespace {

at::Tensor unit_length(const at::Tensor& x) { return x / x.pow(2).sum(-1, true).sqrt(); }

// additive [1, 1, T, T]: a position sees itself and what stands before it.
at::Tensor causal_mask(int64_t length, const at::TensorOptions& options) {
  auto hidden = at::ones({length, length}, options.dtype(at::kBool)).tril();
  return additive_mask(hidden, options.dtype().toScalarType()).view({1, 1, length, length});
}

bool is_statistic(const std::string& name) { return name.find(".running_") != std::string::npos; }

std::string last_layer(const std::string& name, int64_t layers) { return fmt::format("{}.layer.{}", name, layers); }

RawOutput tower_output(const Trace& trace, const std::string& name, const std::string& first, int64_t layers) {
  RawOutput out;
  auto hidden = traced_layers(trace, name + ".layer", layers, "hidden");
  hidden.insert(hidden.begin(), trace.at(first));
  out.fields["last_hidden_state"].tensor = trace.at(name + ".output");
  out.fields["pooler_output"].tensor = trace.at(name + ".embedding");
  out.fields["hidden_states"] = raw_list(hidden);
  out.fields["attentions"] = raw_list(traced_layers(trace, name + ".layer", layers, "attention"));
  return out;
}

}  // namespace

Leaf Clip::prepare(size_t modality, std::span<const Value> values) const {
  return modality == 0 ? prepare_images(modality, values) : prepare_text(modality, values, words_, length_);
}

Encoding Clip::encode(size_t modality, const Leaf& leaf, Trace* trace) const {
  if (modality == 0) return {{unit_length(embed_image(leaf.tensor, trace))}};
  const auto& words = leaf.tensor;
  check(words.dim() == 3 && words.size(2) == text_.width, "the text leaf of {} is [B, T, {}], not [{}]",
        signature_.name, text_.width, fmt::join(words.sizes(), ", "));
  // What stands behind the end is padding, which no earlier position sees: it needs no mask.
  auto last = leaf.mask.defined() ? leaf.mask.to(at::kLong).sum(1) - 1
                                  : at::full({words.size(0)}, words.size(1) - 1, words.options().dtype(at::kLong));
  return {{unit_length(embed_words(words, last, {}, trace))}};
}

at::Tensor Clip::run(const Tower& tower, at::Tensor x, const at::Tensor& mask, Trace* trace,
                     const std::string& name) const {
  for (size_t i = 0; i + 1 < tower.blocks.size(); ++i)
    x = pre_norm_block(x, tower.blocks[i], mask, trace, fmt::format("{}.layer.{}", name, i + 1));
  return x;
}

bool Clip::wants_all(const Tower& tower, const Trace* trace, const std::string& name) const {
  return wants_block(trace, last_layer(name, tower.layers)) || (trace && trace->wants(name + ".output"));
}

at::Tensor Clip::project(const Tower& tower, const at::Tensor& pooled, Trace* trace, const std::string& name) const {
  auto x = tap(trace, name + ".pooled", pooled);
  return tap(trace, name + ".embedding", linear(x, tower.projection)).to(at::kFloat);
}

at::Tensor Clip::embed_image(const at::Tensor& pixels, Trace* trace) const {
  check(pixels.dim() == 4 && pixels.size(1) == channels_ && pixels.size(2) == image_size_ &&
            pixels.size(3) == image_size_,
        "the image leaf of {} is [B, {}, {}, {}], not [{}]", signature_.name, channels_, image_size_, image_size_,
        fmt::join(pixels.sizes(), ", "));
  if (resnet_) return tap(trace, "image.embedding", (*resnet_)(pixels.to(dtype()), trace, "image")).to(at::kFloat);
  auto patches = embed_patches(pixels.to(dtype()), patches_);
  auto first = class_token_.expand({patches.size(0), 1, image_.width});
  auto x =
      tap(trace, "image.embeddings", layer_norm(at::cat({first, patches}, 1) + image_positions_, image_first_norm_));
  x = run(image_, x, {}, trace, "image");
  auto rows = wants_all(image_, trace, "image") ? at::Tensor() : x.slice(1, 0, 1);
  x = pre_norm_block(x, image_.blocks.back(), {}, trace, last_layer("image", image_.layers), rows);
  x = tap(trace, "image.output", x);
  return project(image_, layer_norm(x.select(1, 0), image_.norm), trace, "image");
}

at::Tensor Clip::embed_words(const at::Tensor& words, const at::Tensor& last, const at::Tensor& mask,
                             Trace* trace) const {
  int64_t length = words.size(1);
  check(length <= length_, "'{}' has {} tokens, and the model has positions for {}: shorten it", "text", length,
        length_);
  auto x = tap(trace, "text.embeddings", words.to(dtype()) + text_positions_.slice(0, 0, length));
  auto seen = causal_mask(length, x.options());
  if (auto padding = additive_mask(mask, dtype()); padding.defined()) seen = at::minimum(seen, padding);
  x = run(text_, x, seen, trace, "text");
  auto rows = at::arange(x.size(0), last.options());
  auto name = last_layer("text", text_.layers);
  if (!wants_all(text_, trace, "text")) {
    auto before = at::arange(length, last.options()).unsqueeze(0).le(last.unsqueeze(1));
    if (mask.defined()) before = before.logical_and(mask);
    x = pre_norm_block(x, text_.blocks.back(), additive_mask(before, dtype()), trace, name,
                       x.index({rows, last}).unsqueeze(1));
    return project(text_, layer_norm(x.select(1, 0), text_.norm), trace, "text");
  }
  x = pre_norm_block(x, text_.blocks.back(), seen, trace, name);
  x = tap(trace, "text.output", layer_norm(x, text_.norm));
  return project(text_, x.index({rows, last}), trace, "text");
}

Output Clip::similarity(const at::Tensor& image, const at::Tensor& text, Trace* trace) const {
  auto scale = scale_.to(at::kFloat).exp();
  if (captions_.defined()) {
    auto features = tap(trace, "features", image);
    return {tap(trace, "logits", features.matmul(captions_.t()) * scale), features};
  }
  int64_t batch = std::max(image.size(0), text.size(0));
  auto features = tap(trace, "features", at::cat({expand_batch(image, batch), expand_batch(text, batch)}, 1));
  auto score = (features.slice(1, 0, embedding_) * features.slice(1, embedding_)).sum(1, true) * scale;
  return {tap(trace, "logits", at::cat({at::zeros_like(score), score}, 1)), features};
}

Output Clip::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == signature_.modalities.size(), "{} fuses {} encodings, not {}", signature_.name,
        signature_.modalities.size(), encodings.size());
  if (captions_.defined()) return similarity(encodings[0].tensors[0], {}, trace);
  const auto &image = encodings[0].tensors[0], &text = encodings[1].tensors[0];
  check(image.size(0) == text.size(0) || image.size(0) == 1 || text.size(0) == 1,
        "{} fuses encodings of the same batch, not {} images and {} texts", signature_.name, image.size(0),
        text.size(0));
  return similarity(image, text, trace);
}

void Clip::fuse_grid(std::span<const Encoding> encodings, size_t a, size_t b,
                     const std::function<void(const GridBlock&)>& consumer, int64_t chunk) const {
  constexpr int64_t default_chunk = 4096;
  check(a < 2 && b < 2 && a != b && encodings.size() == 2, "{} has no pair of modalities {} and {}", signature_.name,
        a + 1, b + 1);
  if (chunk <= 0) chunk = default_chunk;
  const auto &first = encodings[a].tensors[0], &second = encodings[b].tensors[0];
  int64_t columns = second.size(0), width = std::min(columns, chunk), height = std::max<int64_t>(1, chunk / width);
  auto scale = scale_.to(at::kFloat).exp();
  for_each_batch(first.size(0), height, [&](int64_t i0, int64_t i1) {
    for (int64_t j0 = 0; j0 < columns; j0 += width) {
      int64_t j1 = std::min(columns, j0 + width), rows = i1 - i0, across = j1 - j0;
      auto left = first.slice(0, i0, i1), right = second.slice(0, j0, j1);
      auto score = (left.matmul(right.t()) * scale).view({rows * across, 1});
      std::vector<at::Tensor> sides = {left.unsqueeze(1).expand({rows, across, embedding_}),
                                       right.unsqueeze(0).expand({rows, across, embedding_})};
      if (a == 1) std::swap(sides[0], sides[1]);
      Output output{at::cat({at::zeros_like(score), score}, 1),
                    at::cat(sides, 2).view({rows * across, 2 * embedding_})};
      consumer({i0, i1, j0, j1, std::move(output)});
    }
  });
}

RawOutput Clip::image_output(const Trace& trace) const {
  if (!resnet_) return tower_output(trace, "image", "image.embeddings", image_.layers);
  constexpr int64_t stages = 4;
  RawOutput out;
  std::vector<at::Tensor> hidden = {trace.at("image.embeddings")};
  for (int64_t s = 1; s <= stages; ++s) hidden.push_back(trace.at(fmt::format("image.stage.{}", s)));
  out.fields["last_hidden_state"].tensor = hidden.back();
  out.fields["pooler_output"].tensor = trace.at("image.embedding");
  out.fields["hidden_states"] = raw_list(hidden);
  out.fields["attentions"] = raw_list({trace.at("image.pool.attention")});
  return out;
}

NamedTensors Clip::parameters() const {
  NamedTensors out;
  for (const auto& entry : weights_)
    if (!is_statistic(entry.first)) out.push_back(entry);
  return out;
}

NamedTensors Clip::buffers() const {
  auto out = PretrainedModel::buffers();
  for (const auto& entry : weights_)
    if (is_statistic(entry.first)) out.push_back(entry);
  return out;
}

void Clip::to(at::Device device) {
  PretrainedModel::to(device);
  if (captions_.defined()) captions_ = captions_.to(device);
}

at::Tensor Clip::last_positions(const at::Tensor& ids) const {
  // Configurations from before 2023 say 2, which is wrong: there the end is the largest number.
  constexpr int64_t wrong_end = 2;
  return end_ == wrong_end ? ids.argmax(1) : ids.eq(end_).to(at::kLong).argmax(1);
}

RawOutputs Clip::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name, {"input_ids", "attention_mask", "pixel_values"},
                   {"input_ids", "pixel_values"});
  auto ids = raw_input(inputs, "input_ids").to(device(), at::kLong), mask = raw_input(inputs, "attention_mask");
  check(ids.dim() == 2 && ids.numel() > 0, "input_ids are [B, T], not [{}]", fmt::join(ids.sizes(), ", "));
  if (mask.defined()) mask = mask.to(device(), at::kBool);
  Trace trace;
  for (const char* pattern : {"image.*", "text.*"}) trace.record(pattern);
  auto image = unit_length(embed_image(raw_input(inputs, "pixel_values").to(device()), &trace));
  auto text = unit_length(embed_words(at::embedding(words_, ids), last_positions(ids), mask, &trace));
  RawOutputs out;
  auto logits = text.matmul(image.t()) * scale_.to(at::kFloat).exp();
  out["logits_per_text"].tensor = logits;
  out["logits_per_image"].tensor = logits.t();
  out["image_embeds"].tensor = image;
  out["text_embeds"].tensor = text;
  out["vision_model_output"] = image_output(trace);
  out["text_model_output"] = tower_output(trace, "text", "text.embeddings", text_.layers);
  if (image.size(0) == text.size(0)) out["features"].tensor = at::cat({image, text}, 1);
  return out;
}

}  // namespace multiviz
