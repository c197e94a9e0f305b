#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "prediction/coordinate_descent.h"
#include "prediction/moments.h"

namespace multiviz {

// What softmax regression sees of the rows of a fit, in the features' dtype and on their device: X standardised, [D,
// n], with the features that are in use first, so that products with them need no copy.
class MultinomialProblem {
 public:
  // State of the model at some fits F [n, C].
  struct Point {
    at::Tensor fits;             // [n, C]
    at::Tensor log_probability;  // [n, C]
    double loss = 0;             // weighted mean cross-entropy
  };

  // labels int64 [n] in [0, C), every class present; weights float64 [n] sum to 1.
  MultinomialProblem(const at::Tensor& features, const at::Tensor& rows, const at::Tensor& labels,
                     const at::Tensor& weights, int64_t classes, const Moments& moments);

  int64_t rows() const { return x_.size(1); }
  int64_t features() const { return x_.size(0); }
  int64_t classes() const { return classes_; }
  int64_t used() const { return used_; }
  void use(int64_t feature);  // nothing happens when it is in use already
  // Where a feature lies among those in use, and which feature lies there.
  int64_t position(int64_t feature) const { return position_[static_cast<size_t>(feature)]; }
  int64_t feature_at(int64_t position) const { return order_[static_cast<size_t>(position)]; }

  Point at(at::Tensor fits) const;
  // X' B + b_0 for B float64 [C, used], by position, and b_0 float64 [C].
  at::Tensor fits(const at::Tensor& b, const at::Tensor& intercepts) const;
  // Weighted residual probabilities w (P - Y): [n, C].
  at::Tensor residual(const Point& point) const;
  // X residual over the features in use, or over all: float64 [C, used or D], by position, on the CPU.
  at::Tensor gradient(const at::Tensor& residual, bool all) const;
  // Primal minus dual objective at a point whose gradient over all features (by position) and intercept gradient [C]
  // are given, `penalty` being the value of the penalty there.
  double gap(const Point& point, const at::Tensor& gradient, const at::Tensor& intercept_gradient, Penalty weights,
             double penalty, bool intercept) const;

 private:
  double entropy(const at::Tensor& probability, const at::Tensor& prior, double share, double mix) const;

  at::Tensor x_;        // [D, n]
  at::Tensor labels_;   // [n, 1]
  at::Tensor weights_;  // [n, 1]
  at::Tensor share_;    // float64 [C]: mean of Y
  at::Tensor cross_;    // float64 [C, D]: mean of Y x, by feature
  int64_t classes_;
  int64_t used_ = 0;
  std::vector<int64_t> order_, position_;
};

}  // namespace multiviz
