#include "perturb/surrogate.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {

at::Tensor Surrogate::at_whole() const { return coefficients.sum(0) + intercept; }

Surrogate fit_surrogate(const at::Tensor& coalitions, const at::Tensor& values, const at::Tensor& weights, double alpha) {
  check(coalitions.dim() == 2 && values.dim() == 2 && weights.dim() == 1 && coalitions.size(0) == values.size(0) &&
            coalitions.size(0) == weights.size(0) && coalitions.size(0) > 0,
        "a surrogate needs as many values and weights as coalitions, and at least one");
  check(alpha >= 0, "alpha must not be negative, got {}", alpha);
  auto x = coalitions.to(at::kCPU, at::kDouble), y = values.to(at::kCPU, at::kDouble);
  auto w = weights.to(at::kCPU, at::kDouble);
  auto total = w.sum();
  check(total.item<double>() > 0 && w.min().item<double>() >= 0, "the kernel gives no sample a weight: widen kernel_width");
  w = (w / total).unsqueeze(1);
  auto x_mean = (x * w).sum(0, true), y_mean = (y * w).sum(0, true);
  auto weighted = (x - x_mean) * w, centered = y - y_mean;
  auto gram = weighted.t().matmul(x - x_mean), moment = weighted.t().matmul(centered);
  // Weights were divided by their sum, so the penalty is too.
  gram.diagonal().add_(alpha / total);

  Surrogate out;
  out.coefficients = alpha > 0 ? at::cholesky_solve(moment, at::linalg_cholesky(gram))
                               : at::linalg_pinv(gram, 1e-12, true).matmul(moment);
  out.intercept = (y_mean - x_mean.matmul(out.coefficients)).squeeze(0);
  auto residual = (w * (centered - (x - x_mean).matmul(out.coefficients)).square()).sum(0);
  auto variance = (w * centered.square()).sum(0);
  // A constant target is explained fully or not at all, as in scikit-learn's r2_score.
  auto constant = at::where(residual == 0, at::ones_like(residual), at::zeros_like(residual));
  out.r2 = at::where(variance > 0, 1 - residual / variance, constant);
  return out;
}

}  // namespace multiviz
