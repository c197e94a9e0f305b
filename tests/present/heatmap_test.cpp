#include "present/heatmap.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <limits>

#include "core/error.h"

using namespace multiviz;

namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

at::Tensor doubles(std::vector<double> values, at::IntArrayRef shape) {
  return at::tensor(at::ArrayRef<double>(values), at::kDouble).view(shape);
}

}  // namespace

TEST_CASE("the range of a heat map") {
  CHECK(range_of(doubles({0, 1, 3}, {3})) == HeatmapRange{3, false});
  CHECK(range_of(doubles({-4, 1, 3}, {3})) == HeatmapRange{4, true});
  CHECK(range_of(doubles({kNan, 1, -2}, {3})) == HeatmapRange{2, true});
  CHECK(range_of(doubles({0, 0}, {2})) == HeatmapRange{1, false});
  CHECK(range_of(at::empty({0}, at::kDouble)) == HeatmapRange{1, false});
  CHECK(range_of(at::arange(1, 101, at::kDouble), 0.9) == HeatmapRange{90, false});
  CHECK(range_of(doubles({0, 0, 0, 5}, {4}), 0.5) == HeatmapRange{5, false});  // the quantile is 0: the largest instead
  CHECK(join({2, false}, {1, true}) == HeatmapRange{2, true});
}

TEST_CASE("a signed layer is blue below zero, red above, clear at zero and where nothing is known") {
  auto layer = colorize(doubles({-2, 0, 2, kNan}, {2, 2}), {2, true});
  auto at = [&](int64_t y, int64_t x, int64_t c) { return layer[y][x][c].item<int>(); };
  CHECK(at(0, 0, 2) > at(0, 0, 0));
  CHECK(at(0, 0, 3) == 255);
  CHECK(at(0, 1, 3) == 0);
  CHECK(at(1, 0, 0) > at(1, 0, 2));
  CHECK(at(1, 0, 3) > 250);
  CHECK(at(1, 1, 3) == 0);
  CHECK_THROWS_AS(colorize(at::zeros({2, 2, 3}), {1, true}), Error);
}

TEST_CASE("a layer of amounts runs along the sequential map") {
  auto layer = colorize(doubles({0, 1, 2, 9}, {1, 4}), {2, false});
  CHECK(layer[0][0][3].item<int>() == 0);
  CHECK(layer[0][2][0].item<int>() == Colormap::sequential().at(1).red);
  CHECK(layer[0][3].equal(layer[0][2]));  // beyond the limit
  auto colors = legend_colors({2, false}, 2);
  CHECK(colors.front() == "rgba(68, 1, 84, 0.000)");
  CHECK(colors.back() == "rgba(253, 231, 37, 1.000)");
}

TEST_CASE("blending keeps the image where the layer is clear") {
  auto image = at::full({1, 2, 3}, 100, at::kByte);
  auto layer = at::zeros({1, 2, 4}, at::kByte);
  layer[0][1].fill_(255);
  auto out = blend(image, layer, 0.5);
  CHECK(out[0][0][0].item<int>() == 100);
  CHECK(out[0][1][0].item<int>() == 178);  // 100 + (255 - 100) / 2, rounded to even
  CHECK_THROWS_WITH_AS(blend(image, at::zeros({2, 2, 4}, at::kByte)),
                       "the image is 2 x 1 px and the heat map 2 x 2: resize one of them", Error);
  CHECK_THROWS_AS(blend(image.to(at::kFloat), layer), Error);
}

TEST_CASE("resizing repeats segments and interpolates maps") {
  auto segments = at::arange(4, at::kLong).view({2, 2});
  auto large = resize(segments, 4, 6, false);
  CHECK(large[1][2].item<int64_t>() == 0);
  CHECK(large[1][3].item<int64_t>() == 1);
  CHECK(large[2][0].item<int64_t>() == 2);
  CHECK(resize(large, 2, 2, false).equal(segments));
  auto smooth = resize(at::tensor({0.0f, 1.0f}).view({1, 2}), 1, 4, true);
  CHECK(smooth[0][1].item<float>() == doctest::Approx(0.25));  // half-pixel centres: x = 1.5 / 2 - 0.5
  CHECK(resize(at::full({2, 2, 3}, 7, at::kByte), 5, 3, true).eq(7).all().item<bool>());
}

TEST_CASE("outlines run between segments") {
  auto segments = at::tensor({0, 0, 1, 0, 0, 1, 2, 2, 1}).to(at::kLong).view({3, 3});
  auto expected = at::tensor({0, 1, 0, 1, 1, 0, 0, 1, 0}).to(at::kBool).view({3, 3});
  CHECK(outlines(segments).equal(expected));
  auto drawn = draw_outlines(at::zeros({3, 3, 3}, at::kByte), segments, {255, 255, 255});
  CHECK(drawn.select(2, 0).eq(255).equal(expected));
}

TEST_CASE("boxes are clipped to the image") {
  auto image = at::zeros({5, 5, 3}, at::kByte);
  std::vector<Box> boxes = {{1, 1, 4, 4}, {-10, -10, 100, 100}, {3, 3, 2, 2}, {kNan, 0, kNan, 5}};
  auto drawn = draw_boxes(image, boxes, {9, 9, 9});
  CHECK(drawn[2][2][0].item<int>() == 0);
  CHECK(drawn.select(2, 0).eq(9).sum().item<int64_t>() == 16 + 8);
  CHECK(image.eq(0).all().item<bool>());
}
