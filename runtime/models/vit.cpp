#include "models/vit.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "io/json.h"

namespace multiviz {

VitEncoder::VitEncoder(Pretrained from) : EncoderModel(from) {
  auto settings = config();
  auto where = from.source + "/config.json";
  read_settings(settings, where);
  WeightReader weights(std::move(from.tensors), from.source, dtype());
  const std::string prefix = weights.has("vit.embeddings.cls_token") ? "vit." : "";
  read_network(weights, prefix);
  weights.ignore("decoder.");
  weights.ignore(prefix + "embeddings.mask_token");
  if (!may_classify(settings, where)) weights.ignore("classifier.");
  bool classifies = weights.has("classifier.weight") && may_classify(settings, where);
  if (!classifies && weights.has(prefix + "pooler.dense.weight"))
    pooler_ = weights.linear(prefix + "pooler.dense", width_, pooled_);
  read_classifier(weights, "classifier", pooler_.weight.defined() ? pooled_ : width_, where);
  finish(weights);

  signature_.name = "vit";
  signature_.modalities = {{"image", ModalityKind::image}};
  signature_.taps.push_back("image.embeddings");
  add_layer_taps(signature_.taps, "image.layer", layers_);
  signature_.taps.insert(signature_.taps.end(), {"image.output", "features", "logits"});
}

void VitEncoder::read_settings(const nlohmann::json& config, const std::string& where) {
  auto size = [&](const char* key, int64_t otherwise) { return config_size(config, key, otherwise, where); };
  width_ = size("hidden_size", 768);
  layers_ = size("num_hidden_layers", 12);
  heads_ = size("num_attention_heads", 12);
  inner_ = size("intermediate_size", 3072);
  patch_ = size("patch_size", 16);
  channels_ = size("num_channels", 3);
  pooled_ = size("pooler_output_size", width_);
  epsilon_ = get_or<double>(config, "layer_norm_eps", 1e-12, where);
  qkv_bias_ = get_or<bool>(config, "qkv_bias", true, where);
  activation_ = find_activation(get_or<std::string>(config, "hidden_act", "gelu", where));
  pooler_activation_ = find_activation(get_or<std::string>(config, "pooler_act", "tanh", where));
  check(width_ % heads_ == 0, "{}: hidden_size {} is not a multiple of the {} attention heads", where, width_, heads_);
  check(layers_ <= 1000, "{}: num_hidden_layers is {}: it must be at most 1000", where, layers_);
  std::vector<int64_t> sides;
  if (config.contains("image_size") && config["image_size"].is_array()) {
    sides = as<std::vector<int64_t>>(config["image_size"], where + ": image_size");
    check(sides.size() == 2, "{}: image_size has {} numbers: it must be height and width", where, sides.size());
  } else {
    sides.assign(2, size("image_size", 224));
  }
  constexpr int64_t largest = 1 << 16;
  for (int64_t side : sides)
    check(side >= patch_ && side <= largest, "{}: image_size {} must be from the patch size {} to {}", where, side,
          patch_, largest);
  rows_ = sides[0] / patch_;
  columns_ = sides[1] / patch_;
}

void VitEncoder::read_network(WeightReader& weights, const std::string& prefix) {
  const std::string embeddings = prefix + "embeddings.", projection = embeddings + "patch_embeddings.projection";
  class_token_ = weights.take(embeddings + "cls_token", {1, 1, width_});
  positions_ = weights.take(embeddings + "position_embeddings", {1, 1 + rows_ * columns_, width_});
  patches_ = {weights.take(projection + ".weight", {width_, channels_, patch_, patch_}),
              weights.take(projection + ".bias", {width_})};
  for (int64_t i = 0; i < layers_; ++i) blocks_.push_back(read_block(weights, prefix, i));
  norm_ = weights.norm(prefix + "layernorm", width_, epsilon_);
}

BlockWeights VitEncoder::read_block(WeightReader& weights, const std::string& prefix, int64_t number) const {
  auto old = fmt::format("{}encoder.layer.{}.", prefix, number), now = fmt::format("{}layers.{}.", prefix, number);
  bool is_new = weights.has(now + "layernorm_before.weight");
  auto layer = is_new ? now : old;
  auto name = [&](const char* recent, const char* earlier) { return layer + (is_new ? recent : earlier); };
  BlockWeights block;
  block.attention_norm = weights.norm(layer + "layernorm_before", width_, epsilon_);
  block.attention = {weights.linear(name("attention.q_proj", "attention.attention.query"), width_, width_, qkv_bias_),
                     weights.linear(name("attention.k_proj", "attention.attention.key"), width_, width_, qkv_bias_),
                     weights.linear(name("attention.v_proj", "attention.attention.value"), width_, width_, qkv_bias_),
                     weights.linear(name("attention.o_proj", "attention.output.dense"), width_, width_), heads_};
  block.feed_norm = weights.norm(layer + "layernorm_after", width_, epsilon_);
  block.feed = {weights.linear(name("mlp.fc1", "intermediate.dense"), width_, inner_),
                weights.linear(name("mlp.fc2", "output.dense"), inner_, width_), activation_};
  return block;
}

Leaf VitEncoder::prepare(size_t modality, std::span<const Value> values) const {
  return prepare_images(modality, values);
}

// [1, 1 + rows columns, E].
at::Tensor VitEncoder::positions_of(int64_t rows, int64_t columns) const {
  if (rows == rows_ && columns == columns_) return positions_;
  auto grid = positions_.slice(1, 1).reshape({1, rows_, columns_, width_}).permute({0, 3, 1, 2});
  grid = at::upsample_bicubic2d(grid, {rows, columns}, /*align_corners=*/false);
  return at::cat({positions_.slice(1, 0, 1), grid.flatten(2).transpose(1, 2)}, 1);
}

at::Tensor VitEncoder::states(const Leaf& leaf, Trace* trace) const {
  const auto& pixels = leaf.tensor;
  check(pixels.dim() == 4 && pixels.size(1) == channels_ && pixels.size(2) >= patch_ && pixels.size(3) >= patch_,
        "the image leaf of {} is [B, {}, H, W], of at least one {} x {} patch, not [{}]", signature_.name, channels_,
        patch_, patch_, fmt::join(pixels.sizes(), ", "));
  auto patches = embed_patches(pixels.to(dtype()), patches_);
  auto x = at::cat({class_token_.expand({pixels.size(0), 1, width_}), patches}, 1) +
           positions_of(pixels.size(2) / patch_, pixels.size(3) / patch_);
  x = tap(trace, "image.embeddings", x);
  for (size_t i = 0; i < blocks_.size(); ++i)
    x = pre_norm_block(x, blocks_[i], {}, trace, fmt::format("image.layer.{}", i + 1));
  return tap(trace, "image.output", layer_norm(x, norm_));
}

at::Tensor VitEncoder::pool(const at::Tensor& states, const at::Tensor&, Trace*) const {
  auto first = states.select(1, 0);
  return pooler_.weight.defined() ? pooler_activation_(linear(first, pooler_)) : first;
}

RawOutputs VitEncoder::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name, {"pixel_values"}, {"pixel_values"});
  Trace trace;
  trace.record("image.*");
  auto features = pool(states({raw_input(inputs, "pixel_values").to(device()), {}, {}, {}}, &trace), {}, nullptr);
  auto out = raw_outputs(features, trace, "image", layers_);
  out["last_hidden_state"].tensor = trace.at("image.output");
  if (pooler_.weight.defined()) out["pooler_output"].tensor = features;
  return out;
}

}  // namespace multiviz
