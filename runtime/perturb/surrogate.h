#pragma once
#include <ATen/core/Tensor.h>

namespace multiviz {

// A linear model of a game near the whole input, one column per target: values ~ coalitions * coefficients + intercept.
// All float64 on the CPU.
struct Surrogate {
  at::Tensor coefficients;  // [P, K]
  at::Tensor intercept;     // [K]
  at::Tensor r2;            // [K], weighted, on the samples that it was fitted to
  at::Tensor at_whole() const;  // [K]: its value with every player left in
};

// Weighted ridge regression with a free intercept, as scikit-learn's Ridge(alpha, fit_intercept=True) computes it:
// minimises sum_s w_s (y_s - x_s b - c)^2 + alpha |b|^2 for every target at once. `coalitions` is [S, P] of any type,
// `values` [S, K], `weights` [S] and not negative. With alpha = 0 the solution of least norm. Throws Error when shapes
// disagree, alpha is negative, or all weights are zero.
Surrogate fit_surrogate(const at::Tensor& coalitions, const at::Tensor& values, const at::Tensor& weights, double alpha);

}  // namespace multiviz
