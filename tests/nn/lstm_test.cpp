#include "nn/lstm.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

namespace multiviz {
namespace {

// LibTorch's own LSTM is the reference, one row at a time without padding.
TEST_CASE("the last state of each row is LibTorch's, whatever the padding holds") {
  LstmWeights weights{at::randn({20, 4}) * 0.5, at::randn({20, 5}) * 0.5, at::randn({20})};
  std::vector<int64_t> lengths = {3, 6, 1, 6, 2};
  auto inputs = at::randn({5, 6, 4});
  auto mask = at::arange(6).unsqueeze(0) < at::tensor(lengths, at::kLong).unsqueeze(1);
  auto states = lstm_last(inputs, mask, weights);
  auto zero = at::zeros({1, 1, 5});
  for (int64_t i = 0; i < 5; ++i) {
    auto row = inputs.slice(0, i, i + 1).slice(1, 0, lengths[static_cast<size_t>(i)]);
    auto expected =
        std::get<1>(at::lstm(row, {zero, zero}, {weights.weight_ih, weights.weight_hh, weights.bias, at::zeros({20})},
                             /*has_biases=*/true, 1, 0, false, false, /*batch_first=*/true));
    CHECK((states[i] - expected.squeeze()).abs().max().item<double>() < 1e-6);
    CHECK((lstm_last(row, {}, weights)[0] - states[i]).abs().max().item<double>() < 1e-6);
  }
}

}  // namespace
}  // namespace multiviz
