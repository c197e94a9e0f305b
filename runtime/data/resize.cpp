#include "data/resize.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

// The loops below need 32-bit products of vectors, which the smallest x86-64 lacks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define MULTIVIZ_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define MULTIVIZ_WIDE
#endif

namespace multiviz {
namespace {

constexpr int64_t colours = 3;
constexpr int precision = 32 - 8 - 2;  // bits behind the point: 8 for the pixel, 2 for weights outside [0, 1]
constexpr int32_t half = 1 << (precision - 1);

struct Filter {
  double (*weight)(double x);
  double support;
};

double box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

double hamming(double x) {
  x = std::abs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54 + 0.46 * std::cos(x));
}

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

Filter filter_of(Resample resample) {
  switch (resample) {
    case Resample::lanczos:
      return {lanczos, 3};
    case Resample::bicubic:
      return {cubic, 2};
    case Resample::box:
      return {box, 0.5};
    case Resample::hamming:
      return {hamming, 1};
    default:
      return {triangle, 1};
  }
}

// For each output position the inputs that it is made of, and their weights.
struct Taps {
  int64_t most = 0;              // inputs of one output, at most
  std::vector<int64_t> first;    // [outputs]
  std::vector<int64_t> count;    // [outputs]
  std::vector<int32_t> weights;  // [outputs, most], fixed point
};

Taps make_taps(int64_t inputs, int64_t outputs, const Filter& filter) {
  double scale = static_cast<double>(inputs) / static_cast<double>(outputs), stretch = std::max(scale, 1.0);
  double support = filter.support * stretch;
  Taps taps;
  taps.most = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  taps.weights.assign(static_cast<size_t>(outputs * taps.most), 0);
  std::vector<double> weights(static_cast<size_t>(taps.most));
  for (int64_t i = 0; i < outputs; ++i) {
    double centre = (static_cast<double>(i) + 0.5) * scale;
    auto first = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
    auto count = std::min<int64_t>(static_cast<int64_t>(centre + support + 0.5), inputs) - first;
    double sum = 0;
    for (int64_t t = 0; t < count; ++t) {
      weights[t] = filter.weight((static_cast<double>(t + first) - centre + 0.5) * (1.0 / stretch));
      sum += weights[t];
    }
    for (int64_t t = 0; t < count; ++t) {
      double weight = (sum != 0 ? weights[t] / sum : weights[t]) * (1 << precision);
      taps.weights[i * taps.most + t] = static_cast<int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    taps.first.push_back(first);
    taps.count.push_back(count);
  }
  return taps;
}

uint8_t clip(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> precision, 0, 255)); }

typedef int32_t Lanes __attribute__((vector_size(16)));  // one pixel, its fourth colour unused

MULTIVIZ_WIDE void resize_rows(const uint8_t* in, uint8_t* out, int64_t rows, int64_t from, int64_t to,
                               const Taps& taps) {
  std::vector<Lanes> row(static_cast<size_t>(from));
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < from; ++x, in += colours) row[x] = Lanes{in[0], in[1], in[2], 0};
    for (int64_t x = 0; x < to; ++x, out += colours) {
      Lanes sum = {half, half, half, half};
      const Lanes* pixel = row.data() + taps.first[x];
      const int32_t* weight = taps.weights.data() + x * taps.most;
      for (int64_t t = 0; t < taps.count[x]; ++t) sum += pixel[t] * weight[t];
      for (int64_t c = 0; c < colours; ++c) out[c] = clip(sum[c]);
    }
  }
}

MULTIVIZ_WIDE void resize_columns(const uint8_t* in, uint8_t* out, int64_t to, int64_t width, const Taps& taps) {
  const int64_t length = width * colours;
  std::vector<int32_t> sums(static_cast<size_t>(length));
  for (int64_t y = 0; y < to; ++y, out += length) {
    std::fill(sums.begin(), sums.end(), half);
    int32_t* sum = sums.data();
    for (int64_t t = 0; t < taps.count[y]; ++t) {
      const uint8_t* row = in + (taps.first[y] + t) * length;
      const int32_t weight = taps.weights[y * taps.most + t];
      for (int64_t i = 0; i < length; ++i) sum[i] += row[i] * weight;
    }
    for (int64_t i = 0; i < length; ++i) out[i] = clip(sum[i]);
  }
}

at::Tensor resize_width(const at::Tensor& in, int64_t width, const Filter& filter) {
  if (in.size(1) == width) return in;
  auto out = at::empty({in.size(0), width, colours}, at::kByte);
  resize_rows(in.const_data_ptr<uint8_t>(), out.data_ptr<uint8_t>(), in.size(0), in.size(1), width,
              make_taps(in.size(1), width, filter));
  return out;
}

at::Tensor resize_height(const at::Tensor& in, int64_t height, const Filter& filter) {
  if (in.size(0) == height) return in;
  auto out = at::empty({height, in.size(1), colours}, at::kByte);
  resize_columns(in.const_data_ptr<uint8_t>(), out.data_ptr<uint8_t>(), height, in.size(1),
                 make_taps(in.size(0), height, filter));
  return out;
}

// The inputs that Pillow's nearest takes: it adds up the step, so that rounding is its own.
std::vector<int64_t> nearest_inputs(int64_t inputs, int64_t outputs) {
  double step = static_cast<double>(inputs) / static_cast<double>(outputs), at = step * 0.5;
  std::vector<int64_t> out;
  for (int64_t i = 0; i < outputs; ++i, at += step)
    out.push_back(std::clamp<int64_t>(static_cast<int64_t>(at), 0, inputs - 1));
  return out;
}

at::Tensor resize_nearest(const at::Tensor& pixels, int64_t height, int64_t width) {
  auto rows = nearest_inputs(pixels.size(0), height), columns = nearest_inputs(pixels.size(1), width);
  return pixels.index_select(0, at::tensor(rows)).index_select(1, at::tensor(columns));
}

}  // namespace

at::Tensor resize_pixels(const at::Tensor& pixels, int64_t height, int64_t width, Resample resample) {
  check(height > 0 && width > 0, "an image cannot be resized to {} x {} pixels", width, height);
  check(pixels.dim() == 3 && pixels.size(2) == colours && pixels.numel() > 0 && pixels.scalar_type() == at::kByte,
        "pixels to resize must be uint8 [H, W, 3] of at least one pixel");
  if (pixels.size(0) == height && pixels.size(1) == width) return pixels;
  if (resample == Resample::nearest) return resize_nearest(pixels, height, width);
  auto filter = filter_of(resample);
  auto in = pixels.contiguous();
  // Pillow 13's rule for what comes first.
  int64_t shorter = in.size(0) - height, narrower = in.size(1) - width;
  if (shorter > 0 && shorter > 2 * narrower) return resize_width(resize_height(in, height, filter), width, filter);
  return resize_height(resize_width(in, width, filter), height, filter);
}

}  // namespace multiviz
