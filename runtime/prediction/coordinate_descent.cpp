#include "prediction/coordinate_descent.h"

#include <algorithm>
#include <cmath>

namespace multiviz {
namespace {

struct Block {
  const float* h;
  int64_t stride, size;
};

template <typename T>
[[gnu::always_inline]] inline void add_scaled_body(T a, const T* __restrict x, T* __restrict y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

[[gnu::always_inline]] inline double sweep_body(Block block, double scale, Penalty penalty, double* b,
                                                float* residual) {
  double largest = 0;
  for (int64_t j = 0; j < block.size; ++j) {
    const float* row = block.h + j * block.stride;
    double curvature = scale * row[j];
    double pull = residual[j] + curvature * b[j];
    double shrunk = std::abs(pull) - penalty.l1;
    double updated = shrunk > 0 ? std::copysign(shrunk, pull) / (curvature + penalty.l2) : 0.0;
    double change = updated - b[j];
    if (change == 0) continue;
    b[j] = updated;
    add_scaled_body(static_cast<float>(-scale * change), row, residual, block.size);
    largest = std::max(largest, curvature * change * change);
  }
  return largest;
}

using Sweep = double (*)(Block, double, Penalty, double*, float*);
template <typename T>
using AddScaled = void (*)(T, const T*, T*, int64_t);

double sweep_plain(Block block, double scale, Penalty penalty, double* b, float* residual) {
  return sweep_body(block, scale, penalty, b, residual);
}
template <typename T>
void add_scaled_plain(T a, const T* x, T* y, int64_t n) {
  add_scaled_body(a, x, y, n);
}

// The build is for the baseline CPU of the architecture; these loops are where it pays to look at the one that runs.
#if defined(__x86_64__)
[[gnu::target("avx2")]] double sweep_avx2(Block block, double scale, Penalty penalty, double* b, float* residual) {
  return sweep_body(block, scale, penalty, b, residual);
}
template <typename T>
[[gnu::target("avx2")]] void add_scaled_avx2(T a, const T* x, T* y, int64_t n) {
  add_scaled_body(a, x, y, n);
}
[[gnu::target("avx512f,prefer-vector-width=512")]] double sweep_avx512(Block block, double scale, Penalty penalty,
                                                                       double* b, float* residual) {
  return sweep_body(block, scale, penalty, b, residual);
}
template <typename T>
[[gnu::target("avx512f,prefer-vector-width=512")]] void add_scaled_avx512(T a, const T* x, T* y, int64_t n) {
  add_scaled_body(a, x, y, n);
}
template <typename Function>
Function widest(Function plain, Function avx2, Function avx512) {
  if (__builtin_cpu_supports("avx512f")) return avx512;
  return __builtin_cpu_supports("avx2") ? avx2 : plain;
}
Sweep best_sweep() { return widest(sweep_plain, sweep_avx2, sweep_avx512); }
template <typename T>
AddScaled<T> best_add_scaled() {
  return widest<AddScaled<T>>(add_scaled_plain<T>, add_scaled_avx2<T>, add_scaled_avx512<T>);
}
#else
Sweep best_sweep() { return sweep_plain; }
template <typename T>
AddScaled<T> best_add_scaled() {
  return add_scaled_plain<T>;
}
#endif

}  // namespace

WorkingSet::WorkingSet(const double* gram, int64_t width)
    : gram_(gram), width_(width), member_(static_cast<size_t>(width), 0) {}

void WorkingSet::reserve(int64_t capacity) {
  std::vector<float> block(static_cast<size_t>(capacity * capacity));
  for (int64_t row = 0; row < size(); ++row)
    std::copy_n(block_.data() + row * capacity_, size(), block.data() + row * capacity);
  block_ = std::move(block);
  capacity_ = capacity;
}

void WorkingSet::add(int64_t feature) {
  if (contains(feature)) return;
  if (size() == capacity_) reserve(std::min(width_, std::max<int64_t>(32, capacity_ * 2)));
  int64_t last = size();
  features_.push_back(feature);
  member_[static_cast<size_t>(feature)] = 1;
  const double* row = gram_ + feature * width_;
  for (int64_t i = 0; i <= last; ++i) {
    auto value = static_cast<float>(row[features_[static_cast<size_t>(i)]]);
    block_[static_cast<size_t>(last * capacity_ + i)] = value;
    block_[static_cast<size_t>(i * capacity_ + last)] = value;
  }
}

void WorkingSet::clear() {
  for (int64_t feature : features_) member_[static_cast<size_t>(feature)] = 0;
  features_.clear();
}

double sweep(const WorkingSet& set, double scale, Penalty penalty, double* b, float* residual) {
  static const Sweep best = best_sweep();
  return best({set.gram(), set.stride(), set.size()}, scale, penalty, b, residual);
}

void add_scaled(double a, const double* x, double* y, int64_t n) {
  static const AddScaled<double> best = best_add_scaled<double>();
  best(a, x, y, n);
}

void add_scaled(float a, const float* x, float* y, int64_t n) {
  static const AddScaled<float> best = best_add_scaled<float>();
  best(a, x, y, n);
}

}  // namespace multiviz
