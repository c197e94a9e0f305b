#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace multiviz {

// The problem that both families of stage P come down to, on a working set of W features that grows as screening lets
// features in:
//
//   min over b of  1/2 s b'Hb - q'b + l1 |b|_1 + l2/2 b'b        H = gram[features, features], s > 0
//
// Rows of H are copied out of the full Gram matrix as features enter, so that a sweep costs the working set squared and
// never the full width. They are kept in float32, half the memory to go through: callers bring the residual up to date
// in float64 after some sweeps and go on from there, which takes the rounding away again.
class WorkingSet {
 public:
  // `gram` is row-major [D, D], symmetric, and outlives this object.
  WorkingSet(const double* gram, int64_t width);

  void add(int64_t feature);
  void clear();
  bool contains(int64_t feature) const { return member_[static_cast<size_t>(feature)]; }
  int64_t size() const { return static_cast<int64_t>(features_.size()); }
  std::span<const int64_t> features() const { return features_; }
  const float* gram() const { return block_.data(); }
  int64_t stride() const { return capacity_; }

 private:
  void reserve(int64_t capacity);

  const double* gram_;
  int64_t width_;
  int64_t capacity_ = 0;
  std::vector<int64_t> features_;
  std::vector<char> member_;
  std::vector<float> block_;  // [capacity, capacity]
};

struct Penalty {
  double l1, l2;
};

// One sweep of coordinate descent over the working set: updates b [W] and residual = q - s H b [W] in place. Returns
// the largest of s H_jj (change of b_j)^2, twice the objective's largest decrease by one coordinate.
double sweep(const WorkingSet& set, double scale, Penalty penalty, double* b, float* residual);

// y += a x. With the widest vector instructions that this CPU has, and the same result on all.
void add_scaled(double a, const double* x, double* y, int64_t n);
void add_scaled(float a, const float* x, float* y, int64_t n);

}  // namespace multiviz
