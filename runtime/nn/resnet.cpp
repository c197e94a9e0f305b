#include "nn/resnet.h"

#include <ATen/ATen.h>

namespace multiviz {
namespace {

// The names of a layer's convolution, counted from 0, and of its normalisation.
std::pair<std::string, std::string> names_of(ResnetNames names, const std::string& layer, size_t number) {
  switch (names) {
    case ResnetNames::transformers:
      return {fmt::format("{}.layer.{}.convolution", layer, number),
              fmt::format("{}.layer.{}.normalization", layer, number)};
    case ResnetNames::detectron:
      return {fmt::format("{}.conv{}", layer, number + 1), fmt::format("{}.conv{}.norm", layer, number + 1)};
    default:
      return {fmt::format("{}.conv{}", layer, number + 1), fmt::format("{}.bn{}", layer, number + 1)};
  }
}

std::pair<std::string, std::string> shortcut_names(ResnetNames names, const std::string& layer) {
  switch (names) {
    case ResnetNames::transformers:
      return {layer + ".shortcut.convolution", layer + ".shortcut.normalization"};
    case ResnetNames::detectron:
      return {layer + ".shortcut", layer + ".shortcut.norm"};
    default:
      return {layer + ".downsample.0", layer + ".downsample.1"};
  }
}

std::string layer_name(ResnetNames names, int64_t stage, int64_t layer) {
  switch (names) {
    case ResnetNames::transformers:
      return fmt::format("encoder.stages.{}.layers.{}", stage - 1, layer);
    case ResnetNames::detectron:
      return fmt::format("res{}.{}", stage + 1, layer);
    default:
      return fmt::format("layer{}.{}", stage, layer);
  }
}

at::Tensor shrink(const at::Tensor& x, int64_t stride) {
  return stride == 1 ? x : at::avg_pool2d(x, {stride, stride}, {stride, stride});
}

}  // namespace

at::Tensor conv_norm(const at::Tensor& x, const ConvNormWeights& weights, double epsilon, int64_t stride,
                     int64_t dilation) {
  int64_t padding = weights.weight.size(2) / 2 * dilation;
  auto y = at::conv2d(x, weights.weight, {}, stride, padding, dilation);
  return batch_norm(y, weights.scale, weights.shift, weights.running_mean, weights.running_var, epsilon);
}

ConvNormWeights read_conv_norm(WeightReader& weights, const std::string& convolution, const std::string& norm,
                               int64_t in, int64_t out, int64_t kernel) {
  return {weights.take(convolution + ".weight", {out, in, kernel, kernel}), weights.take(norm + ".weight", {out}),
          weights.take(norm + ".bias", {out}), weights.take(norm + ".running_mean", {out}),
          weights.take(norm + ".running_var", {out})};
}

ConvNormWeights read_resnet_stem(WeightReader& weights, const std::string& prefix, int64_t in, int64_t out,
                                 const ResnetOptions& options) {
  auto names = [&]() -> std::pair<const char*, const char*> {
    switch (options.names) {
      case ResnetNames::transformers:
        return {"embedder.embedder.convolution", "embedder.embedder.normalization"};
      case ResnetNames::detectron:
        return {"stem.conv1", "stem.conv1.norm"};
      default:
        return {"conv1", "bn1"};
    }
  }();
  return read_conv_norm(weights, prefix + names.first, prefix + names.second, in, out, 7);
}

at::Tensor resnet_stem(const at::Tensor& pixels, const ConvNormWeights& weights, const ResnetOptions& options,
                       bool caffe_pool) {
  auto x = options.activation(conv_norm(for_convolutions(pixels), weights, options.epsilon, 2));
  int64_t border = caffe_pool ? 0 : 1;
  return at::max_pool2d(x, {3, 3}, {2, 2}, {border, border}, {1, 1}, /*ceil_mode=*/caffe_pool);
}

ResnetStage::ResnetStage(WeightReader& weights, const std::string& prefix, int64_t number, const ResnetShape& shape,
                         const ResnetOptions& options)
    : shape_(shape), options_(options) {
  int64_t in = shape.in;
  for (int64_t l = 0; l < shape.layers; ++l) {
    auto name = prefix + layer_name(options.names, number, l);
    Layer layer;
    layer.stride = l == 0 ? shape.stride : 1;
    layer.dilation = l == 0 ? shape.first_dilation : shape.dilation;
    layer.convolutions = read_convolutions(weights, name, in);
    if (in != shape.out || layer.stride != 1) {
      auto [convolution, norm] = shortcut_names(options.names, name);
      layer.shortcut = read_conv_norm(weights, convolution, norm, in, shape.out, 1);
    }
    layers_.push_back(std::move(layer));
    in = shape.out;
  }
}

std::vector<ConvNormWeights> ResnetStage::read_convolutions(WeightReader& weights, const std::string& layer,
                                                            int64_t in) const {
  std::vector<ConvNormWeights> out;
  auto read = [&](int64_t from, int64_t to, int64_t kernel) {
    auto [convolution, norm] = names_of(options_.names, layer, out.size());
    out.push_back(read_conv_norm(weights, convolution, norm, from, to, kernel));
  };
  if (!options_.bottleneck) {
    read(in, shape_.out, 3);
    read(shape_.out, shape_.out, 3);
    return out;
  }
  int64_t narrow = std::max<int64_t>(shape_.out / 4, 1);
  read(in, narrow, 1);
  read(narrow, narrow, 3);
  read(narrow, shape_.out, 1);
  return out;
}

at::Tensor ResnetStage::basic(const Layer& layer, const at::Tensor& x) const {
  auto y = conv_norm(x, layer.convolutions[0], options_.epsilon, layer.stride).relu_();
  return conv_norm(y, layer.convolutions[1], options_.epsilon);
}

at::Tensor ResnetStage::bottleneck(const Layer& layer, const at::Tensor& x) const {
  auto at_stride = [&](ResnetStride where) { return options_.stride == where ? layer.stride : 1; };
  auto y = conv_norm(x, layer.convolutions[0], options_.epsilon, at_stride(ResnetStride::in_1x1));
  y = conv_norm(y.relu_(), layer.convolutions[1], options_.epsilon, at_stride(ResnetStride::in_3x3), layer.dilation);
  y = shrink(y.relu_(), at_stride(ResnetStride::mean));
  return conv_norm(y, layer.convolutions[2], options_.epsilon);
}

at::Tensor ResnetStage::run(const Layer& layer, const at::Tensor& x) const {
  auto y = options_.bottleneck ? bottleneck(layer, x) : basic(layer, x);
  if (!layer.shortcut.weight.defined()) return options_.activation(y.add_(x));
  bool means = options_.bottleneck && options_.stride == ResnetStride::mean;
  auto seen = means ? shrink(x, layer.stride) : x;
  return options_.activation(y.add_(conv_norm(seen, layer.shortcut, options_.epsilon, means ? 1 : layer.stride)));
}

at::Tensor ResnetStage::operator()(at::Tensor x) const {
  for (const auto& layer : layers_) x = run(layer, x);
  return x;
}

}  // namespace multiviz
