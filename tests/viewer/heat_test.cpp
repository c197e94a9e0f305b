#include "viewer/heat.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

using namespace multiviz;

namespace {
const HeatmapRange signed_range{2, true};
at::Tensor row() { return at::tensor({-2.0F, -0.5F, 0.0F, 1.0F, 2.0F}).reshape({1, 5}); }
}  // namespace

TEST_CASE("viewer: signs and a threshold choose the values of a heat map") {
  HeatSettings settings;
  CHECK(shown_values(row(), settings, signed_range).equal(row()));
  settings.threshold = 0.5;
  CHECK(shown_values(row(), settings, signed_range).equal(at::tensor({-2.0F, 0.0F, 0.0F, 1.0F, 2.0F}).reshape({1, 5})));
  settings.sign = HeatSettings::Sign::negative;
  CHECK(shown_values(row(), settings, signed_range).equal(at::tensor({-2.0F, 0.0F, 0.0F, 0.0F, 0.0F}).reshape({1, 5})));
  settings.sign = HeatSettings::Sign::absolute;
  CHECK(shown_values(row(), settings, signed_range).equal(at::tensor({2.0F, 0.0F, 0.0F, 1.0F, 2.0F}).reshape({1, 5})));
}

TEST_CASE("viewer: a heat map is laid over its image in the report's colours") {
  auto image = at::full({1, 5, 3}, 100, at::kByte);
  HeatSettings settings;
  settings.opacity = 1;
  auto over = compose(image, row(), settings, signed_range);
  CHECK(over.slice(1, 2, 3).equal(image.slice(1, 2, 3)));  // weight 0 is clear
  auto red = Colormap::diverging().at(1);
  CHECK(over[0][4].equal(at::tensor({red.red, red.green, red.blue})));
  settings.opacity = 0;
  CHECK(compose(image, row(), settings, signed_range).equal(image));
  settings.opacity = 1;
  settings.blend = HeatSettings::Blend::spotlight;
  auto spot = compose(image, row(), settings, signed_range);
  CHECK(spot[0][4][0].item<int>() == 100);
  CHECK(spot[0][2][0].item<int>() == 0);
  CHECK(spot[0][3][0].item<int>() == 50);
  CHECK(compose(image, {}, settings, {}).is_same(image));
  CHECK(compose({}, row(), settings, signed_range).sizes() == at::IntArrayRef({1, 5, 3}));
}

TEST_CASE("viewer: a weight has the colour that the report gives it") {
  CHECK(weight_color(2, signed_range) == Colormap::diverging().at(1));
  CHECK(weight_color(-9, signed_range) == Colormap::diverging().at(0));
  CHECK(weight_color(1, {2, false}) == Colormap::sequential().at(0.5));
  CHECK(weight_alpha(-1, signed_range) == doctest::Approx(0.5));
  CHECK(weight_alpha(NAN, signed_range) == 0);
}
