#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace multiviz {

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};

// Colours for numbers, told apart with any common colour vision. Between control points sRGB is interpolated linearly.
class Colormap {
 public:
  explicit Colormap(std::vector<Color> points) : points_(std::move(points)) {}

  // Viridis: dark to light, lightness rising evenly. For amounts.
  static const Colormap& sequential();
  // Blue over near-white to red (ColorBrewer's RdBu), lightness falling evenly to both sides. For signed weights.
  static const Colormap& diverging();

  // t in [0, 1], clamped; NaN gives grey.
  Color at(double t) const;
  // uint8 [n, 3], the map sampled at n evenly spaced points from 0 to 1.
  at::Tensor table(int64_t n = 256) const;

 private:
  std::vector<Color> points_;
};

std::string hex(Color color);  // "#2166ac"

}  // namespace multiviz
