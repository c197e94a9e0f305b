#pragma once
#include <ATen/core/Tensor.h>

namespace multiviz {

// softmax(q k^T / sqrt(D) + mask) v for q [B, H, T, D], k and v [B, H, S, D]; mask is additive and broadcasts to
// [B, H, T, S], undefined for none. Made of plain operations; `map` receives the softmax [B, H, T, S] when it is given.
at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask,
                           at::Tensor* map = nullptr);

// The same by LibTorch's fused kernels, which never store the map. They have no second derivative, so a gradient that
// is itself to be differentiated is taken through the plain operations.
at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask);

}  // namespace multiviz
