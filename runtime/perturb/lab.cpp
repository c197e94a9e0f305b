#include <ATen/ATen.h>

#include <array>
#include <cmath>

#include "perturb/superpixels.h"

namespace multiviz {
namespace {

// sRGB's transfer function for the 256 values that a channel takes, stretched from [low, high] to [0, 1].
std::array<double, 256> linear_light(double low, double high) {
  std::array<double, 256> table;
  for (size_t i = 0; i < table.size(); ++i) {
    double v = high > low ? (static_cast<double>(i) - low) / (high - low) : 0;
    table[i] = v > 0.04045 ? std::pow((v + 0.055) / 1.055, 2.4) : v / 12.92;
  }
  return table;
}

double lab_curve(double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; }

}  // namespace

at::Tensor rgb_to_lab(const at::Tensor& pixels, double low, double high) {
  const std::array<double, 256> table = linear_light(low, high);
  auto source = pixels.cpu().contiguous();
  auto lab = at::empty(source.sizes(), at::kDouble);
  const uint8_t* in = source.const_data_ptr<uint8_t>();
  double* out = lab.mutable_data_ptr<double>();
  for (int64_t i = 0; i < source.numel(); i += 3) {
    double r = table[in[i]], g = table[in[i + 1]], b = table[in[i + 2]];
    // scikit-image's sRGB matrix and D65 white.
    double x = lab_curve((0.412453 * r + 0.357580 * g + 0.180423 * b) / 0.95047);
    double y = lab_curve(0.212671 * r + 0.715160 * g + 0.072169 * b);
    double z = lab_curve((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883);
    out[i] = 116 * y - 16;
    out[i + 1] = 500 * (x - y);
    out[i + 2] = 200 * (y - z);
  }
  return lab;
}

}  // namespace multiviz
