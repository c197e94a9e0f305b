#include "models/resnet.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "io/json.h"

namespace multiviz {

ResnetEncoder::ResnetEncoder(Pretrained from) : EncoderModel(from) {
  auto settings = config();
  auto where = from.source + "/config.json";
  read_settings(settings, where);
  WeightReader weights(std::move(from.tensors), from.source, dtype());
  weights.ignore_ending(".num_batches_tracked");  // counters of training steps
  bool torchvision = weights.has("conv1.weight");
  if (torchvision) options_.names = ResnetNames::torchvision;
  const std::string prefix = weights.has("resnet.embedder.embedder.convolution.weight") ? "resnet." : "";
  read_network(weights, prefix);
  const std::string head = torchvision ? "fc" : "classifier.1";
  if (!may_classify(settings, where)) weights.ignore(head + ".");
  read_classifier(weights, head, widths_.back(), where);
  finish(weights);

  signature_.name = "resnet";
  signature_.modalities = {{"image", ModalityKind::image}};
  signature_.taps.push_back("image.embeddings");
  for (size_t s = 1; s <= widths_.size(); ++s) signature_.taps.push_back(fmt::format("image.stage.{}", s));
  signature_.taps.insert(signature_.taps.end(), {"features", "logits"});
}

void ResnetEncoder::read_network(WeightReader& weights, const std::string& prefix) {
  stem_ = read_resnet_stem(weights, prefix, channels_, first_, options_);
  int64_t in = first_;
  for (size_t s = 0; s < widths_.size(); ++s) {
    bool shrinks = s > 0 || first_stride_;
    ResnetShape shape{in, widths_[s], depths_[s], shrinks ? 2 : 1};
    stages_.emplace_back(weights, prefix, static_cast<int64_t>(s) + 1, shape, options_);
    in = widths_[s];
  }
}

void ResnetEncoder::read_settings(const nlohmann::json& config, const std::string& where) {
  auto sizes = [&](const char* key, std::vector<int64_t> otherwise) {
    auto values = config.contains(key) ? as<std::vector<int64_t>>(config[key], where + ": " + key) : otherwise;
    check(!values.empty() && values.size() <= 16, "{}: {} has {} stages: it must have 1 to 16", where, key,
          values.size());
    constexpr int64_t largest = 1 << 16;
    for (int64_t value : values)
      check(value >= 1 && value <= largest, "{}: {} holds {}: it must hold numbers from 1 to {}", where, key, value,
            largest);
    return values;
  };
  widths_ = sizes("hidden_sizes", {256, 512, 1024, 2048});
  depths_ = sizes("depths", {3, 4, 6, 3});
  check(widths_.size() == depths_.size(), "{}: there are {} hidden_sizes and {} depths: give one of each per stage",
        where, widths_.size(), depths_.size());
  channels_ = config_size(config, "num_channels", 3, where);
  first_ = config_size(config, "embedding_size", 64, where);
  auto kind = get_or<std::string>(config, "layer_type", "bottleneck", where);
  check(kind == "bottleneck" || kind == "basic", "{}: layer_type is '{}': it must be bottleneck or basic", where, kind);
  options_.names = ResnetNames::transformers;
  options_.bottleneck = kind == "bottleneck";
  if (get_or(config, "downsample_in_bottleneck", false, where)) options_.stride = ResnetStride::in_1x1;
  first_stride_ = get_or(config, "downsample_in_first_stage", false, where);
  options_.activation = find_activation(get_or<std::string>(config, "hidden_act", "relu", where));
}

Leaf ResnetEncoder::prepare(size_t modality, std::span<const Value> values) const {
  return prepare_images(modality, values);
}

at::Tensor ResnetEncoder::states(const Leaf& leaf, Trace* trace) const {
  const auto& pixels = leaf.tensor;
  check(pixels.dim() == 4 && pixels.size(1) == channels_ && pixels.size(2) > 0 && pixels.size(3) > 0,
        "the image leaf of {} is [B, {}, H, W], not [{}]", signature_.name, channels_, fmt::join(pixels.sizes(), ", "));
  auto x = tap(trace, "image.embeddings", resnet_stem(pixels.to(dtype()), stem_, options_));
  for (size_t s = 0; s < stages_.size(); ++s) x = tap(trace, fmt::format("image.stage.{}", s + 1), stages_[s](x));
  return x.flatten(2).transpose(1, 2);
}

at::Tensor ResnetEncoder::pool(const at::Tensor& states, const at::Tensor&, Trace*) const { return states.mean(1); }

RawOutputs ResnetEncoder::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name, {"pixel_values"}, {"pixel_values"});
  Trace trace;
  trace.record("image.*");
  std::vector<Encoding> encodings = {encode(0, {raw_input(inputs, "pixel_values").to(device()), {}, {}, {}}, &trace)};
  auto output = fuse(encodings, nullptr);
  std::vector<at::Tensor> hidden = {trace.at("image.embeddings")};
  for (size_t s = 1; s <= stages_.size(); ++s) hidden.push_back(trace.at(fmt::format("image.stage.{}", s)));
  RawOutputs out;
  out["last_hidden_state"].tensor = hidden.back();
  out["pooler_output"].tensor = encodings[0].tensors[0].unsqueeze(2).unsqueeze(3);
  out["hidden_states"] = raw_list(hidden);
  out["features"].tensor = output.features;
  if (classifier_.weight.defined()) out["logits"].tensor = output.logits;
  return out;
}

}  // namespace multiviz
