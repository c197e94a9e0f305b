#pragma once
#include <ATen/core/Tensor.h>

#include "nn/layers.h"

namespace multiviz {

// How well each cell of a map answers to what a query asks for: s[b, g, n] = w_g . relu(gain_b * V[n] + offset_b) +
// c_g. `modulation` [B, 2 K]: gain, then offset; `map` [B, N, K], or [1, N, K] for all rows; w [G, K] and c [G] are
// `score`. Returns [B, G, N]. Differentiable any number of times; without a gradient to follow, on a CPU, [B, N, K] is
// never made.
at::Tensor modulated_score(const at::Tensor& modulation, const at::Tensor& map, const LinearWeights& score);

}  // namespace multiviz
