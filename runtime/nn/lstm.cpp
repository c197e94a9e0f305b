#include "nn/lstm.h"

#include <ATen/ATen.h>

namespace multiviz {
namespace {

struct State {
  at::Tensor hidden, cell;
};

// One step for the rows of `projected` [B, 4 U]. Sequences are taken apart into these at once: the gradient of one
// step's part alone would be as large as that of all.
State advance(const at::Tensor& projected, const State& state, const at::Tensor& weight_hh) {
  auto gates = at::addmm(projected, state.hidden, weight_hh).unsafe_chunk(4, 1);
  auto cell = (gates[1].sigmoid_() * state.cell).add_(gates[0].sigmoid_() * gates[2].tanh_());
  return {gates[3].sigmoid_() * cell.tanh(), cell};
}

struct Order {
  at::Tensor sorted, back;      // rows by falling length, and the way back
  std::vector<int64_t> active;  // how many rows still run at step t
};

Order by_length(const at::Tensor& mask) {
  auto [lengths, sorted] = mask.sum(1).sort(/*dim=*/0, /*descending=*/true);
  auto steps = at::arange(mask.size(1), lengths.options());
  auto active = (lengths.unsqueeze(0) > steps.unsqueeze(1)).sum(1).to(at::kCPU);
  Order order{sorted, sorted.argsort(), {}};
  for (int64_t t = 0; t < active.numel(); ++t) order.active.push_back(active.data_ptr<int64_t>()[t]);
  return order;
}

}  // namespace

at::Tensor lstm_last(const at::Tensor& inputs, const at::Tensor& mask, const LstmWeights& weights) {
  int64_t rows = inputs.size(0), steps = inputs.size(1), width = weights.weight_hh.size(1);
  bool ragged = mask.defined();
  Order order;
  if (ragged) order = by_length(mask);
  auto sequence = (ragged ? inputs.index_select(0, order.sorted) : inputs).transpose(0, 1);
  auto projected = at::linear(sequence, weights.weight_ih, weights.bias).unbind();  // T of [B, 4 U]
  State state{at::zeros({rows, width}, inputs.options()), at::zeros({rows, width}, inputs.options())};
  auto weight_hh = weights.weight_hh.t();
  std::vector<at::Tensor> finished;  // final states of the rows that ended, last ended first
  for (int64_t t = 0; t < steps; ++t) {
    int64_t active = ragged ? order.active[t] : rows;
    if (active == 0) break;
    if (active < state.hidden.size(0)) {
      finished.push_back(state.hidden.slice(0, active));
      state = {state.hidden.slice(0, 0, active), state.cell.slice(0, 0, active)};
    }
    state = advance(projected[static_cast<size_t>(t)].slice(0, 0, active), state, weight_hh);
  }
  if (!ragged) return state.hidden;
  finished.push_back(state.hidden);
  std::reverse(finished.begin(), finished.end());
  return at::cat(finished, 0).index_select(0, order.back);
}

at::Tensor lstm_states(const at::Tensor& inputs, const LstmWeights& weights) {
  auto projected = at::linear(inputs.transpose(0, 1), weights.weight_ih, weights.bias).unbind();  // T of [B, 4 U]
  auto start = at::zeros({inputs.size(0), weights.weight_hh.size(1)}, inputs.options());
  State state{start, start};
  auto weight_hh = weights.weight_hh.t();
  std::vector<at::Tensor> states;
  for (int64_t t = 0; t < inputs.size(1); ++t) {
    state = advance(projected[static_cast<size_t>(t)], state, weight_hh);
    states.push_back(state.hidden);
  }
  return at::stack(states, 1);
}

}  // namespace multiviz
