#include "nn/layers.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace multiviz {

at::Tensor linear(const at::Tensor& x, const LinearWeights& weights) {
  return at::linear(x, weights.weight, weights.bias);
}

at::Tensor add_onto(const at::Tensor& fresh, const at::Tensor& x) {
  return at::GradMode::is_enabled() ? fresh + x : fresh.add_(x);
}

at::Tensor for_convolutions(const at::Tensor& images) {
  return images.contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor conv_norm_relu(const at::Tensor& x, const ConvNormWeights& weights, int64_t stride, bool training) {
  constexpr double momentum = 0.05;
  int64_t padding = weights.weight.size(2) / 2;
  auto y = at::conv2d(x, weights.weight, {}, stride, padding);
  return at::batch_norm(y, weights.scale, weights.shift, weights.running_mean, weights.running_var, training, momentum,
                        batch_norm_epsilon, /*cudnn_enabled=*/true)
      .relu();
}

at::Tensor append_coordinates(const at::Tensor& x) {
  int64_t rows = x.size(0), height = x.size(2), width = x.size(3);
  auto columns = at::linspace(-1, 1, width, x.options()).view({1, 1, 1, width}).expand({rows, 1, height, width});
  auto lines = at::linspace(-1, 1, height, x.options()).view({1, 1, height, 1}).expand({rows, 1, height, width});
  return at::cat({x, columns, lines}, 1).contiguous(x.suggest_memory_format());
}

}  // namespace multiviz
