#include "present/colormap.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace multiviz {
namespace {

Color from_hex(uint32_t rgb) {
  return {static_cast<uint8_t>(rgb >> 16), static_cast<uint8_t>(rgb >> 8), static_cast<uint8_t>(rgb)};
}

std::vector<Color> from_hex(std::initializer_list<uint32_t> codes) {
  std::vector<Color> colors;
  for (uint32_t code : codes) colors.push_back(from_hex(code));
  return colors;
}

}  // namespace

const Colormap& Colormap::sequential() {
  static const Colormap map(
      from_hex({0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725}));
  return map;
}

const Colormap& Colormap::diverging() {
  static const Colormap map(
      from_hex({0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b}));
  return map;
}

Color Colormap::at(double t) const {
  if (std::isnan(t)) return {128, 128, 128};
  double position = std::clamp(t, 0.0, 1.0) * static_cast<double>(points_.size() - 1);
  auto low = std::min(static_cast<size_t>(position), points_.size() - 2);
  double part = position - static_cast<double>(low);
  auto mix = [&](uint8_t a, uint8_t b) { return static_cast<uint8_t>(std::lround(a + part * (b - a))); };
  const auto &a = points_[low], &b = points_[low + 1];
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

at::Tensor Colormap::table(int64_t n) const {
  auto rows = at::empty({n, 3}, at::kByte);
  auto* out = rows.data_ptr<uint8_t>();
  for (int64_t i = 0; i < n; ++i) {
    auto color = at(n == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(n - 1));
    *out++ = color.red, *out++ = color.green, *out++ = color.blue;
  }
  return rows;
}

std::string hex(Color color) { return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue); }

}  // namespace multiviz
