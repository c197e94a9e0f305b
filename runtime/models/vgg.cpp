#include "models/vgg.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr int64_t cells = 7;  // a side of the map that the classifier reads

ImageProcessorOptions torchvision_processor() {
  ImageProcessorOptions out;
  out.resize = ImageProcessorOptions::Resize::shortest_edge;
  out.shortest_edge = 256;
  out.crop_height = out.crop_width = 224;
  out.mean = {0.485, 0.456, 0.406};
  out.deviation = {0.229, 0.224, 0.225};
  return out;
}

Pretrained& with_processor(Pretrained& from) {
  if (!from.process) from.process = ImageProcessor(torchvision_processor());
  return from;
}

}  // namespace

VggEncoder::VggEncoder(Pretrained from) : EncoderModel(with_processor(from)) {
  auto where = from.source + "/config.json";
  WeightReader weights(std::move(from.tensors), from.source, dtype());
  weights.ignore_ending(".num_batches_tracked");
  check(weights.has("features.0.weight") && weights.has("classifier.6.weight"),
        "{} does not hold the weights of a VGG: it has no features.0.weight or no classifier.6.weight", from.source);
  read_features(weights);
  int64_t hidden = weights.size("classifier.0.weight", 0), features = weights.size("classifier.3.weight", 0);
  first_ = weights.linear("classifier.0", width_ * cells * cells, hidden);
  second_ = weights.linear("classifier.3", hidden, features);
  read_classifier(weights, "classifier.6", features, where);
  finish(weights);

  signature_.name = "vgg";
  signature_.modalities = {{"image", ModalityKind::image}};
  int64_t stage = 0;
  for (const auto& layer : layers_)
    if (layer.pool) signature_.taps.push_back(fmt::format("image.stage.{}", ++stage));
  signature_.taps.insert(signature_.taps.end(), {"features", "logits"});
}

// torchvision numbers everything: convolution, normalisation where there is one, activation, pooling where there is
// one.
void VggEncoder::read_features(WeightReader& weights) {
  constexpr size_t most = 100;
  channels_ = weights.size("features.0.weight", 1);
  width_ = channels_;
  auto name = [](int64_t number) { return fmt::format("features.{}", number); };
  for (int64_t i = 0; weights.has(name(i) + ".weight") && layers_.size() < most;) {
    int64_t out = weights.size(name(i) + ".weight", 0);
    Layer layer;
    layer.convolution = {weights.take(name(i) + ".weight", {out, width_, 3, 3}),
                         weights.take(name(i) + ".bias", {out})};
    width_ = out;
    if (++i; weights.has(name(i) + ".running_mean")) {
      layer.scale = weights.take(name(i) + ".weight", {out});
      layer.shift = weights.take(name(i) + ".bias", {out});
      layer.mean = weights.take(name(i) + ".running_mean", {out});
      layer.variance = weights.take(name(i) + ".running_var", {out});
      ++i;
    }
    ++i;
    layer.pool = !weights.has(name(i) + ".weight");
    if (layer.pool) ++i;
    layers_.push_back(std::move(layer));
  }
}

Leaf VggEncoder::prepare(size_t modality, std::span<const Value> values) const {
  return prepare_images(modality, values);
}

at::Tensor VggEncoder::states(const Leaf& leaf, Trace* trace) const {
  const auto& pixels = leaf.tensor;
  check(pixels.dim() == 4 && pixels.size(1) == channels_ && pixels.size(2) > 0 && pixels.size(3) > 0,
        "the image leaf of {} is [B, {}, H, W], not [{}]", signature_.name, channels_, fmt::join(pixels.sizes(), ", "));
  auto x = for_convolutions(pixels.to(dtype()));
  int64_t stage = 0;
  for (const auto& layer : layers_) {
    x = at::conv2d(x, layer.convolution.weight, layer.convolution.bias, 1, 1);
    if (layer.scale.defined())
      x = batch_norm(x, layer.scale, layer.shift, layer.mean, layer.variance, batch_norm_epsilon);
    x = x.relu();
    if (!layer.pool) continue;
    check(x.size(2) > 1 && x.size(3) > 1, "an image of {} x {} is too small for {}", pixels.size(3), pixels.size(2),
          signature_.name);
    x = tap(trace, fmt::format("image.stage.{}", ++stage), at::max_pool2d(x, {2, 2}, {2, 2}));
  }
  return at::adaptive_avg_pool2d(x, {cells, cells}).flatten(2).transpose(1, 2);
}

at::Tensor VggEncoder::pool(const at::Tensor& states, const at::Tensor&, Trace*) const {
  auto map = states.transpose(1, 2).flatten(1);
  return linear(linear(map, first_).relu(), second_).relu();
}

RawOutputs VggEncoder::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name, {"pixel_values"}, {"pixel_values"});
  std::vector<Encoding> encodings = {encode(0, {raw_input(inputs, "pixel_values").to(device()), {}, {}, {}}, nullptr)};
  auto output = fuse(encodings, nullptr);
  RawOutputs out;
  out["features"].tensor = output.features;
  out["logits"].tensor = output.logits;
  return out;
}

}  // namespace multiviz
