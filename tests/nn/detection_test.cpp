#include "nn/detection.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

namespace multiviz {
namespace {

at::Tensor boxes(std::vector<float> numbers) { return at::tensor(numbers, at::kFloat).view({-1, 4}); }

TEST_CASE("the best of boxes that overlap is kept") {
  // Intersections over unions: 1 and 2 50 / 150, 1 and 3 none, 2 and 3 25 / 175.
  auto given = boxes({0, 0, 10, 10, 5, 0, 15, 10, 10, 5, 20, 15});
  auto scores = at::tensor({.3F, .9F, .5F});
  auto kept = [&](double threshold, int64_t most) {
    auto found = non_maximum_suppression(given, scores, threshold, most);
    return std::vector<int64_t>(found.data_ptr<int64_t>(), found.data_ptr<int64_t>() + found.numel());
  };
  CHECK(kept(0.5, 9) == std::vector<int64_t>{1, 2, 0});
  CHECK(kept(0.3, 9) == std::vector<int64_t>{1, 2});
  CHECK(kept(0.1, 9) == std::vector<int64_t>{1});
  CHECK(kept(0.5, 2) == std::vector<int64_t>{1, 2});
}

TEST_CASE("RoIPool takes the largest of whole cells, and its gradient goes there") {
  auto map = at::arange(24, at::kFloat).view({1, 1, 4, 6}).set_requires_grad(true);
  // Cells 1 to 4 across and 0 to 2 down, in halves that share the middle row: the larger halves end at column 4.
  auto pooled = roi_pool(map, boxes({16, 0, 64, 32}), 1.0 / 16, 2);
  CHECK(at::equal(pooled.flatten(), at::tensor({8.F, 10.F, 14.F, 16.F})));
  auto gradient = torch::autograd::grad({pooled.sum()}, {map})[0];
  CHECK(gradient.sum().item<float>() == 4);
  CHECK(gradient[0][0][2][4].item<float>() == 1);
  // Beyond the map there is nothing.
  CHECK(roi_pool(map, boxes({200, 200, 300, 300}), 1.0 / 16, 2).abs().sum().item<float>() == 0);
}

TEST_CASE("anchors and deltas") {
  auto cells = cell_anchors({8}, {1, 4});
  CHECK(at::equal(cells, boxes({-4, -4, 4, 4, -2, -8, 2, 8})));
  auto grid = grid_anchors(cells, 1, 2, 16, 0.5);
  CHECK(at::equal(grid, boxes({4, 4, 12, 12, 6, 0, 10, 16, 20, 4, 28, 12, 22, 0, 26, 16})));
  auto moved = apply_deltas(at::tensor({5.F, 0.F, 0.F, 100.F}).view({1, 4}), boxes({0, 0, 10, 16}), {10, 10, 1, 1});
  CHECK(at::allclose(moved, boxes({5, 8 - 500, 15, 8 + 500}), 1e-4));  // heights grow to 1000 / 16 at most
  CHECK(at::allclose(clip_boxes(moved, 20, 12), boxes({5, 0, 12, 20})));
}

}  // namespace
}  // namespace multiviz
