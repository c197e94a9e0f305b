#include "nn/modulated_score.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <limits>

namespace multiviz {
namespace {

struct Case {
  int64_t rows, cells, keys, glimpses;
};

// The definition, in float64.
at::Tensor expected(const at::Tensor& modulation, const at::Tensor& map, const LinearWeights& score) {
  auto parts = modulation.to(at::kDouble).unsqueeze(1).chunk(2, 2);
  auto seen = (parts[0] * map.to(at::kDouble) + parts[1]).relu();
  return (seen.matmul(score.weight.to(at::kDouble).t()) + score.bias.to(at::kDouble)).transpose(1, 2);
}

// Sizes on either side of the tile of 64 cells, of the rows that one thread takes at once, and of the most glimpses.
const Case cases[] = {{1, 1, 1, 1}, {3, 63, 5, 2}, {8, 64, 16, 1}, {21, 200, 7, 8}, {4, 65, 6, 9}};

TEST_CASE("scores of a map that rows share, and of one map a row, are those of the definition") {
  for (const auto& [rows, cells, keys, glimpses] : cases) {
    LinearWeights score{at::randn({glimpses, keys}), at::randn({glimpses})};
    auto modulation = at::randn({rows, 2 * keys});
    for (int64_t maps : {int64_t{1}, rows}) {
      auto map = at::randn({maps, cells, keys});
      auto scores = modulated_score(modulation, map, score);
      CHECK(scores.sizes() == at::IntArrayRef{rows, glimpses, cells});
      CHECK((scores - expected(modulation, map, score)).abs().max().item<double>() < 1e-4);
    }
  }
}

TEST_CASE("scores that a gradient follows are the same ones") {
  LinearWeights score{at::randn({2, 6}), at::randn({2})};
  auto map = at::randn({1, 70, 6});
  auto modulation = at::randn({5, 12});
  auto plain = modulated_score(modulation, map, score);
  auto followed = modulated_score(modulation.clone().set_requires_grad(true), map, score);
  CHECK(followed.requires_grad());
  CHECK((followed - plain).abs().max().item<double>() < 1e-5);
}

TEST_CASE("a map that is not finite shows in the scores") {
  LinearWeights score{at::ones({1, 4}), at::zeros({1})};
  auto map = at::ones({1, 70, 4});
  map[0][65][2] = std::numeric_limits<float>::quiet_NaN();
  auto scores = modulated_score(at::ones({2, 8}), map, score);
  CHECK(scores[1][0][65].isnan().item<bool>());
  CHECK(scores.isnan().sum().item<int64_t>() == 2);
}

}  // namespace
}  // namespace multiviz
