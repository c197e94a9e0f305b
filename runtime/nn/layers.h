#pragma once
#include <ATen/core/Tensor.h>

namespace multiviz {

struct LinearWeights {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]
};

// x [..., in] -> [..., out].
at::Tensor linear(const at::Tensor& x, const LinearWeights& weights);

// fresh + x, in the memory of fresh where no gradient is recorded. Where one is, a change in place of what `linear`
// gives, a view, costs three copies in the backward pass.
at::Tensor add_onto(const at::Tensor& fresh, const at::Tensor& x);

// The same images [B, C, H, W] with the channels last in memory, as convolutions are fastest.
at::Tensor for_convolutions(const at::Tensor& images);

inline constexpr double batch_norm_epsilon = 1e-5;  // PyTorch's default

// A convolution without bias and the normalisation that follows it.
struct ConvNormWeights {
  at::Tensor weight;                     // [out, in, k, k]
  at::Tensor scale, shift;               // [out]
  at::Tensor running_mean, running_var;  // [out]
};

// at::batch_norm of x [B, C, ...] whose gradients are right at batch 1 too.
at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift,
                      const at::Tensor& running_mean, const at::Tensor& running_var, double epsilon,
                      bool training = false, double momentum = 0);

// relu(batch_norm(conv(x))), padded to keep the size at stride 1: [B, in, H, W] -> [B, out, ceil(H / stride), ...]. In
// training the batch's statistics normalise and update the running ones; otherwise the running ones do, so that rows do
// not depend on one another.
at::Tensor conv_norm_relu(const at::Tensor& x, const ConvNormWeights& weights, int64_t stride, bool training);

// x and y in [-1, 1] as two more channels: [B, C, H, W] -> [B, C + 2, H, W].
at::Tensor append_coordinates(const at::Tensor& x);

}  // namespace multiviz
