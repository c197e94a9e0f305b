#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/random.h"
#include "perturb/superpixels.h"

namespace multiviz {
namespace {

// exp(x) for x <= 0 to about 2e-7 relative, written so that compilers vectorize it: 2^n from the exponent bits, the rest
// by a polynomial. Below -80 it gives 0, which no density can tell from the truth.
inline float exp_negative(float x) {
  float clamped = std::max(x, -80.0f), t = clamped * 1.44269504f;
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number.
  float n = (t + 12582912.0f) - 12582912.0f, f = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * f + 1.3981999507e-3f;
  p = p * f + 8.3334519073e-3f;
  p = p * f + 4.1665795894e-2f;
  p = p * f + 1.6666665459e-1f;
  p = p * f + 5.0000001201e-1f;
  p = p * f * f + f + 1.0f;
  auto power = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
  return x < -80.0f ? 0.0f : p * power;
}

// An offset to a neighbour and its squared length.
struct Offset {
  int64_t dy, dx, squared;
};

class Quickshift {
 public:
  Quickshift(const at::Tensor& lab, const QuickshiftOptions& options)
      : options_(options),
        height_(lab.size(0)),
        width_(lab.size(1)),
        reach_(static_cast<int64_t>(std::ceil(std::min(3 * options.kernel_size, static_cast<double>(height_ + width_))))),
        planes_(lab.mul(options.ratio).permute({2, 0, 1}).to(at::kFloat).contiguous()),
        density_(static_cast<size_t>(height_ * width_), 0) {}

  at::Tensor run() {
    measure_density();
    auto out = at::empty({height_, width_}, at::kLong);
    int64_t* parent = out.mutable_data_ptr<int64_t>();
    link(parent);
    for (int64_t pixel = 0; pixel < out.numel(); ++pixel) {
      int64_t root = pixel;
      while (parent[root] != root) root = parent[root];
      for (int64_t p = pixel; parent[p] != root;) p = std::exchange(parent[p], root);
    }
    return std::get<1>(at::_unique(out, true, true));
  }

 private:
  // Parzen density in colour and place. Each pair of pixels is visited once, from the one that comes first; the inner
  // loop runs along a row.
  void measure_density() {
    float falloff = static_cast<float>(-0.5 / (options_.kernel_size * options_.kernel_size));
    std::vector<float> row(static_cast<size_t>(width_));
    for (auto& d : density_) d += 1;
    for (int64_t dy = 0; dy <= std::min(reach_, height_ - 1); ++dy)
      for (int64_t dx = dy == 0 ? 1 : -std::min(reach_, width_ - 1); dx <= std::min(reach_, width_ - 1); ++dx)
        for (int64_t y = 0; y + dy < height_; ++y) add_pairs(y, dy, dx, falloff, row.data());
    Random random(options_.seed);
    for (auto& d : density_) d += 1e-5 * gaussian(random);
  }

  void add_pairs(int64_t y, int64_t dy, int64_t dx, float falloff, float* row) {
    int64_t x0 = std::max<int64_t>(0, -dx), count = std::min(width_, width_ - dx) - x0, plane = height_ * width_;
    const float* here = planes_.const_data_ptr<float>() + y * width_ + x0;
    const float* there = here + dy * width_ + dx;
    auto place = static_cast<float>(dy * dy + dx * dx);
    for (int64_t i = 0; i < count; ++i) {
      float l = here[i] - there[i], a = here[i + plane] - there[i + plane];
      float b = here[i + 2 * plane] - there[i + 2 * plane];
      row[i] = exp_negative((l * l + a * a + b * b + place) * falloff);
    }
    double* mine = density_.data() + y * width_ + x0;
    double* theirs = mine + dy * width_ + dx;
    for (int64_t i = 0; i < count; ++i) mine[i] += static_cast<double>(row[i]);
    for (int64_t i = 0; i < count; ++i) theirs[i] += static_cast<double>(row[i]);
  }

  // Box and Muller's transform of two uniform numbers.
  static double gaussian(Random& random) {
    double u = 1 - random.uniform(), v = random.uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.141592653589793 * v);
  }

  // Neighbours, nearest first: a search can stop once place alone is farther than the best so far. Among equally far
  // ones the order is by row and column, as scikit-image scans.
  std::vector<Offset> neighbours() const {
    std::vector<Offset> offsets;
    for (int64_t dy = -reach_; dy <= reach_; ++dy)
      for (int64_t dx = -reach_; dx <= reach_; ++dx) offsets.push_back({dy, dx, dy * dy + dx * dx});
    std::stable_sort(offsets.begin(), offsets.end(), [](auto& a, auto& b) { return a.squared < b.squared; });
    return offsets;
  }

  // Each pixel's parent is the nearest pixel of higher density in its window; a pixel without one, or with one farther
  // than max_dist, is a root.
  void link(int64_t* parent) const {
    const auto offsets = neighbours();
    double limit = options_.max_dist * options_.max_dist;
    for (int64_t y = 0; y < height_; ++y)
      for (int64_t x = 0; x < width_; ++x) {
        int64_t pixel = y * width_ + x;
        auto [nearest, squared] = nearest_denser(y, x, offsets);
        parent[pixel] = squared > limit ? pixel : nearest;
      }
  }

  std::pair<int64_t, double> nearest_denser(int64_t y, int64_t x, const std::vector<Offset>& offsets) const {
    const float* color = planes_.const_data_ptr<float>();
    int64_t pixel = y * width_ + x, best = pixel, plane = height_ * width_;
    double closest = std::numeric_limits<double>::max();
    for (const auto& offset : offsets) {
      if (static_cast<double>(offset.squared) > closest) break;
      int64_t ny = y + offset.dy, nx = x + offset.dx, other = ny * width_ + nx;
      if (ny < 0 || ny >= height_ || nx < 0 || nx >= width_) continue;
      if (density_[static_cast<size_t>(other)] <= density_[static_cast<size_t>(pixel)]) continue;
      auto squared = static_cast<double>(offset.squared);
      for (int64_t c = 0; c < 3; ++c) {
        double t = static_cast<double>(color[pixel + c * plane]) - static_cast<double>(color[other + c * plane]);
        squared += t * t;
      }
      if (squared < closest || (squared == closest && other < best)) {
        closest = squared;
        best = other;
      }
    }
    return {best, closest};
  }

  QuickshiftOptions options_;
  int64_t height_, width_, reach_;
  at::Tensor planes_;  // ratio * L*a*b*, float32 [3, H, W]
  std::vector<double> density_;
};

}  // namespace

at::Tensor quickshift(const at::Tensor& pixels, const QuickshiftOptions& options) {
  check(options.kernel_size >= 1, "kernel_size must be at least 1, got {}", options.kernel_size);
  check(options.max_dist > 0 && options.ratio >= 0, "max_dist must be positive and ratio not negative");
  return Quickshift(rgb_to_lab(pixels), options).run();
}

}  // namespace multiviz
