#include "nn/gru.h"

#include <ATen/ATen.h>

namespace multiviz {

GruOutput gru(const at::Tensor& inputs, const at::Tensor& mask, const GruWeights& weights) {
  const int64_t rows = inputs.size(0), steps = inputs.size(1), width = weights.weight_hh.size(1);
  // Taken apart at once: the gradient of one step's part alone would be as large as that of all.
  auto projected = at::linear(inputs.transpose(0, 1), weights.weight_ih, weights.bias_ih).unbind();  // T of [B, 3 U]
  auto weight_hh = weights.weight_hh.t();
  auto hidden = at::zeros({rows, width}, inputs.options());
  std::vector<at::Tensor> states;
  for (int64_t t = 0; t < steps; ++t) {
    auto from_input = projected[static_cast<size_t>(t)].chunk(3, 1);
    auto from_state = at::addmm(weights.bias_hh, hidden, weight_hh).unsafe_chunk(3, 1);
    auto reset = from_state[0].add_(from_input[0]).sigmoid_();
    auto update = from_state[1].add_(from_input[1]).sigmoid_();
    auto fresh = (from_state[2] * reset).add_(from_input[2]).tanh_();
    auto next = (hidden - fresh).mul_(update).add_(fresh);
    hidden = mask.defined() ? at::where(mask.select(1, t).unsqueeze(1), next, hidden) : next;
    states.push_back(hidden);
  }
  return {at::stack(states, 1), hidden};
}

}  // namespace multiviz
