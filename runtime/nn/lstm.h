#pragma once
#include <ATen/core/Tensor.h>

namespace multiviz {

// Gates in LibTorch's order: input, forget, cell, output.
struct LstmWeights {
  at::Tensor weight_ih;  // [4 U, E]
  at::Tensor weight_hh;  // [4 U, U]
  at::Tensor bias;       // [4 U]
};

// The hidden state [B, U] after the last real position of each row of inputs [B, T, E]; `mask` is bool [B, T], true at
// real positions, which come first in a row, or undefined when all are. A row's result depends neither on padding nor
// on other rows. Differentiable any number of times: made of plain operations, no fused kernel.
at::Tensor lstm_last(const at::Tensor& inputs, const at::Tensor& mask, const LstmWeights& weights);

// The hidden states at every position, [B, T, U].
at::Tensor lstm_states(const at::Tensor& inputs, const LstmWeights& weights);

}  // namespace multiviz
