#include "perturb/superpixels.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/json.h"

using namespace multiviz;

namespace {

// tests/fixtures/perturb/make_segments.py
struct Fixture {
  nlohmann::json json = load_json("tests/fixtures/perturb/segments.json");
  at::Tensor pixels, quickshift_map, quickshift_small, slic_map, slic_square;
  Fixture() {
    int64_t height = json["height"], width = json["width"];
    pixels = tensor("pixels").to(at::kByte).reshape({height, width, 3});
    quickshift_map = tensor("quickshift").reshape({height, width});
    quickshift_small = tensor("quickshift_small").reshape({height, width});
    slic_map = tensor("slic").reshape({height, width});
    slic_square = tensor("slic_square").reshape({height, width});
  }
  at::Tensor tensor(const char* key) const { return at::tensor(json[key].get<std::vector<int64_t>>(), at::kLong); }
};

double pairs(const at::Tensor& counts) {
  auto n = counts.to(at::kDouble);
  return (n * (n - 1) / 2).sum().item<double>();
}

// Hubert and Arabie 1985: 1 for the same partition, 0 for chance.
double adjusted_rand_index(const at::Tensor& a, const at::Tensor& b) {
  int64_t width = b.max().item<int64_t>() + 1;
  double both = pairs(at::bincount((a * width + b).flatten())), in_a = pairs(at::bincount(a.flatten()));
  double in_b = pairs(at::bincount(b.flatten())), all = pairs(at::tensor({a.numel()}));
  double expected = in_a * in_b / all;
  return (both - expected) / ((in_a + in_b) / 2 - expected);
}

void check_numbering(const at::Tensor& segments) {
  auto counts = at::bincount(segments.flatten());
  CHECK(counts.min().item<int64_t>() > 0);
}

at::Tensor flat(int64_t height, int64_t width, int64_t value) { return at::full({height, width, 3}, value, at::kByte); }

}  // namespace

TEST_CASE("Lab is scikit-image's") {
  Fixture fixture;
  auto lab = rgb_to_lab(fixture.pixels);
  auto first = at::tensor(fixture.json["lab_first"].get<std::vector<double>>(), at::kDouble);
  auto mean = at::tensor(fixture.json["lab_mean"].get<std::vector<double>>(), at::kDouble);
  CHECK(at::allclose(lab[0][0], first, 1e-10, 1e-10));
  CHECK(at::allclose(lab.flatten(0, 1).mean(0), mean, 1e-10, 1e-10));
}

TEST_CASE("quickshift finds scikit-image's segments") {
  Fixture fixture;
  auto segments = quickshift(fixture.pixels, {});
  CHECK(adjusted_rand_index(segments, fixture.quickshift_map) == 1);
  check_numbering(segments);
  CHECK(adjusted_rand_index(quickshift(fixture.pixels, {2, 6, 0.5}), fixture.quickshift_small) == 1);
}

TEST_CASE("quickshift breaks ties by its seed") {
  auto image = flat(20, 30, 128);
  QuickshiftOptions options;
  auto first = quickshift(image, options);
  CHECK(at::equal(first, quickshift(image, options)));
  check_numbering(first);
}

TEST_CASE("SLIC finds scikit-image's segments") {
  Fixture fixture;
  auto segments = slic(fixture.pixels, 50, 10);
  CHECK(adjusted_rand_index(segments, fixture.slic_map) == 1);
  check_numbering(segments);
  CHECK(adjusted_rand_index(slic(fixture.pixels, 20, 30), fixture.slic_square) == 1);
}

TEST_CASE("superpixels of extreme images") {
  for (auto [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {1, 40}, {40, 2}, {3, 3}}) {
    auto image = flat(height, width, 200);
    auto segments = slic(image, 50, 10);
    CHECK(segments.sizes() == at::IntArrayRef({height, width}));
    check_numbering(segments);
    check_numbering(quickshift(image, {}));
  }
  CHECK_THROWS_WITH_AS(slic(flat(4, 4, 0), 0, 10), doctest::Contains("segments must be at least 1"), Error);
  CHECK_THROWS_WITH_AS(slic(flat(4, 4, 0), 5, 0), doctest::Contains("compactness"), Error);
  CHECK_THROWS_WITH_AS(quickshift(flat(4, 4, 0), {0.5}), doctest::Contains("kernel_size"), Error);
}

TEST_CASE("a grid's cells are numbered by row") {
  auto cells = grid_cells(flat(4, 6, 0), 2, 3);
  CHECK(at::equal(cells, at::tensor({0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 3, 3, 4, 4, 5, 5}, at::kLong)
                             .reshape({4, 6})));
  CHECK_THROWS_WITH_AS(grid_cells(flat(4, 6, 0), 5, 3), doctest::Contains("does not fit"), Error);
}

TEST_CASE("a pixel of several regions belongs to the smallest") {
  auto mask = at::zeros({4, 6}, at::kBool);
  mask[3][5] = true;
  std::vector<Region> regions = {{"cup", {1, 1, 3, 3}, {}}, {"table", {0, 0, 6, 3}, {}}, {"crumb", {0, 0, 1, 1}, mask}};
  auto segments = region_segments(flat(4, 6, 0), regions);
  auto expected = at::tensor({1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, -1, -1, -1, -1, -1, 2}, at::kLong);
  CHECK(at::equal(segments, expected.reshape({4, 6})));
  regions[0].box = {7, 1, 9, 3};
  CHECK_THROWS_WITH_AS(region_segments(flat(4, 6, 0), regions), doctest::Contains("'cup' does not lie in the image"),
                       Error);
  regions[0] = {"cup", {}, at::zeros({2, 2}, at::kBool)};
  CHECK_THROWS_WITH_AS(region_segments(flat(4, 6, 0), regions), doctest::Contains("mask of 'cup'"), Error);
}
