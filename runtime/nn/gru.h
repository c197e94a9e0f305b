#pragma once
#include <ATen/core/Tensor.h>

namespace multiviz {

// Gates in LibTorch's order: reset, update, new.
struct GruWeights {
  at::Tensor weight_ih, weight_hh;  // [3 U, E], [3 U, U]
  at::Tensor bias_ih, bias_hh;      // [3 U]
};

struct GruOutput {
  at::Tensor states;  // [B, T, U]; after a row's last real position its last state is repeated
  at::Tensor last;    // [B, U]
};

// A GRU over inputs [B, T, E]; `mask` is bool [B, T], true at real positions, which come first in a row, or undefined
// when all are. A row's result depends neither on padding nor on other rows. Differentiable any number of times: made
// of plain operations, no fused kernel.
GruOutput gru(const at::Tensor& inputs, const at::Tensor& mask, const GruWeights& weights);

}  // namespace multiviz
