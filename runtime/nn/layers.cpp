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

at::Tensor for_convolutions(const at::Tensor& images) { return images.contiguous(at::MemoryFormat::ChannelsLast); }

at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift,
                      const at::Tensor& running_mean, const at::Tensor& running_var, double epsilon, bool training,
                      double momentum) {
  auto y = at::batch_norm(x, scale, shift, running_mean, running_var, training, momentum, epsilon,
                          /*cudnn_enabled=*/true);
  // The backward of PyTorch 2.11 takes a gradient that lies in memory as [1, H, W, C] for [1, C, H, W] when the stride
  // of its one row is not H W C, as after a transpose.
  if (y.requires_grad() && y.dim() == 4 && y.size(0) == 1)
    y.register_hook([](const at::Tensor& grad) { return grad.contiguous(grad.suggest_memory_format()); });
  return y;
}

at::Tensor conv_norm_relu(const at::Tensor& x, const ConvNormWeights& weights, int64_t stride, bool training) {
  constexpr double momentum = 0.05;
  int64_t padding = weights.weight.size(2) / 2;
  auto y = at::conv2d(x, weights.weight, {}, stride, padding);
  return batch_norm(y, weights.scale, weights.shift, weights.running_mean, weights.running_var, batch_norm_epsilon,
                    training, momentum)
      .relu();
}

at::Tensor append_coordinates(const at::Tensor& x) {
  int64_t rows = x.size(0), height = x.size(2), width = x.size(3);
  auto columns = at::linspace(-1, 1, width, x.options()).view({1, 1, 1, width}).expand({rows, 1, height, width});
  auto lines = at::linspace(-1, 1, height, x.options()).view({1, 1, height, 1}).expand({rows, 1, height, width});
  return at::cat({x, columns, lines}, 1).contiguous(x.suggest_memory_format());
}

}  // namespace multiviz
