#include "present/colormap.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

using namespace multiviz;

namespace {

std::array<double, 3> linear(Color color) {
  auto decode = [](uint8_t value) {
    double c = value / 255.0;  // IEC 61966-2-1
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  return {decode(color.red), decode(color.green), decode(color.blue)};
}

double lightness(Color color) {  // CIE 1976 L*
  auto [r, g, b] = linear(color);
  double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

// Linear RGB as seen with deuteranopia: Machado, Oliveira and Fernandes 2009, severity 1.0.
std::array<double, 3> deuteranope(Color color) {
  auto [r, g, b] = linear(color);
  return {0.367322 * r + 0.860646 * g - 0.227968 * b, 0.280085 * r + 0.672501 * g + 0.047413 * b,
          -0.011820 * r + 0.042940 * g + 0.968881 * b};
}

}  // namespace

TEST_CASE("the sequential map rises evenly in lightness") {
  const auto& map = Colormap::sequential();
  CHECK(hex(map.at(0)) == "#440154");  // viridis' ends, as published with matplotlib
  CHECK(hex(map.at(1)) == "#fde725");
  double whole = lightness(map.at(1)) - lightness(map.at(0));
  for (int i = 0; i < 20; ++i) {
    double step = lightness(map.at((i + 1) / 20.0)) - lightness(map.at(i / 20.0));
    CHECK(step > 0.5 * whole / 20);
    CHECK(step < 1.6 * whole / 20);
  }
}

TEST_CASE("the diverging map is lightest in the middle and its sides differ without red-green vision") {
  const auto& map = Colormap::diverging();
  for (int i = 0; i < 10; ++i) {
    CHECK(lightness(map.at(i / 20.0)) < lightness(map.at((i + 1) / 20.0)));
    CHECK(lightness(map.at(1 - i / 20.0)) < lightness(map.at(1 - (i + 1) / 20.0)));
    if (i > 7) continue;  // near the middle both sides fade to the same white
    auto low = deuteranope(map.at(i / 20.0)), high = deuteranope(map.at(1 - i / 20.0));
    CHECK(low[2] - low[0] > 0.05);   // bluish
    CHECK(high[2] - high[0] < 0.0);  // yellowish
  }
}

TEST_CASE("colour maps clamp and mark what is missing") {
  const auto& map = Colormap::diverging();
  CHECK(map.at(-3) == map.at(0));
  CHECK(map.at(7) == map.at(1));
  CHECK(map.at(std::nan("")) == Color{128, 128, 128});
  auto table = map.table(5);
  CHECK(table.sizes() == at::IntArrayRef({5, 3}));
  CHECK(table[2][0].item<int>() == 0xf7);
}
