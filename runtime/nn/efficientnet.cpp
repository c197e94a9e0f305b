#include "nn/efficientnet.h"

#include <ATen/ATen.h>

#include <array>

namespace multiviz {
namespace {

constexpr std::array<int64_t, 7> strides = {1, 2, 2, 2, 1, 2, 1};

// `in` counts the channels that each filter sees, 1 for depthwise convolutions.
ConvNormWeights read_convolution(WeightReader& weights, const std::string& convolution, const std::string& norm,
                                 int64_t in) {
  auto name = convolution + ".weight";
  int64_t out = weights.size(name, 0), kernel = weights.size(name, 2);
  return {weights.take(name, {out, in, kernel, kernel}), weights.take(norm + ".weight", {out}),
          weights.take(norm + ".bias", {out}), weights.take(norm + ".running_mean", {out}),
          weights.take(norm + ".running_var", {out})};
}

// What surrounds a side of n so that ceil(n / stride) windows of the kernel fit.
int64_t border(int64_t n, int64_t kernel, int64_t stride) {
  return std::max<int64_t>(((n + stride - 1) / stride - 1) * stride + kernel - n, 0);
}

}  // namespace

EfficientNet::EfficientNet(WeightReader& weights, const std::string& prefix, bool same) : same_(same) {
  stem_ = read_convolution(weights, prefix + "conv_stem", prefix + "bn1", 3);
  int64_t in = weights.size(prefix + "conv_stem.weight", 0);
  for (size_t s = 0; s < strides.size(); ++s) {
    std::vector<Block> stage;
    for (int64_t l = 0;; ++l) {
      auto name = fmt::format("{}blocks.{}.{}.", prefix, s, l);
      if (l > 0 && !weights.has(name + "conv_dw.weight")) break;
      stage.push_back(read_block(weights, name, in, l == 0 ? strides[s] : 1));
      const char* last = weights.has(name + "conv_pwl.weight") ? "conv_pwl.weight" : "conv_pw.weight";
      in = weights.size(name + last, 0);
    }
    stages_.push_back(std::move(stage));
    channels_.push_back(in);
  }
}

EfficientNet::Block EfficientNet::read_block(WeightReader& weights, const std::string& name, int64_t in,
                                             int64_t stride) const {
  Block block;
  block.stride = stride;
  int64_t wide = in;
  bool expands = weights.has(name + "conv_pwl.weight");
  if (expands) {
    block.expand = read_convolution(weights, name + "conv_pw", name + "bn1", in);
    wide = weights.size(name + "conv_pw.weight", 0);
  }
  block.depthwise = read_convolution(weights, name + "conv_dw", name + (expands ? "bn2" : "bn1"), 1);
  block.project =
      read_convolution(weights, name + (expands ? "conv_pwl" : "conv_pw"), name + (expands ? "bn3" : "bn2"), wide);
  int64_t narrow = weights.size(name + "se.conv_reduce.weight", 0);
  block.reduce = {weights.take(name + "se.conv_reduce.weight", {narrow, wide, 1, 1}),
                  weights.take(name + "se.conv_reduce.bias", {narrow})};
  block.restore = {weights.take(name + "se.conv_expand.weight", {wide, narrow, 1, 1}),
                   weights.take(name + "se.conv_expand.bias", {wide})};
  return block;
}

at::Tensor EfficientNet::convolve(const at::Tensor& x, const ConvNormWeights& weights, int64_t stride) const {
  int64_t kernel = weights.weight.size(2), groups = x.size(1) / weights.weight.size(1);
  int64_t down = kernel / 2 * 2, across = down;
  if (same_) down = border(x.size(2), kernel, stride), across = border(x.size(3), kernel, stride);
  bool even = down % 2 == 0 && across % 2 == 0;
  auto given = even ? x : at::constant_pad_nd(x, {across / 2, across - across / 2, down / 2, down - down / 2});
  auto padding = even ? std::array{down / 2, across / 2} : std::array<int64_t, 2>{0, 0};
  auto y = at::conv2d(given, weights.weight, {}, {stride, stride}, padding, {1, 1}, groups);
  return batch_norm(y, weights.scale, weights.shift, weights.running_mean, weights.running_var, batch_norm_epsilon);
}

at::Tensor EfficientNet::stem(const at::Tensor& pixels) const {
  return at::silu(convolve(for_convolutions(pixels), stem_, 2));
}

at::Tensor EfficientNet::run(const Block& block, const at::Tensor& x) const {
  auto y = x;
  if (block.expand.weight.defined()) y = at::silu(convolve(y, block.expand, 1));
  y = at::silu(convolve(y, block.depthwise, block.stride));
  auto squeezed = at::silu(at::conv2d(y.mean({2, 3}, true), block.reduce.weight, block.reduce.bias));
  y = y * at::conv2d(squeezed, block.restore.weight, block.restore.bias).sigmoid();
  y = convolve(y, block.project, 1);
  return block.stride == 1 && y.size(1) == x.size(1) ? y + x : y;
}

at::Tensor EfficientNet::stage(size_t number, at::Tensor x) const {
  for (const auto& block : stages_[number]) x = run(block, x);
  return x;
}

}  // namespace multiviz
