#include "perturb/shapley.h"

#include <ATen/ATen.h>

#include <bit>
#include <cmath>
#include <vector>

namespace multiviz {
namespace {

// s! (n - s)! / (n + 1)! for s = 0 .. n: the weight of one coalition of size s among n others.
std::vector<double> size_weights(int64_t n) {
  std::vector<double> out;
  double log_all = std::lgamma(static_cast<double>(n) + 2);
  for (int64_t s = 0; s <= n; ++s)
    out.push_back(std::exp(std::lgamma(static_cast<double>(s) + 1) + std::lgamma(static_cast<double>(n - s) + 1) - log_all));
  return out;
}

int64_t players_of(const at::Tensor& values) { return std::countr_zero(static_cast<uint64_t>(values.size(0))); }

}  // namespace

at::Tensor shapley_values(const at::Tensor& values) {
  auto table = values.to(at::kCPU, at::kDouble).contiguous();
  int64_t players = players_of(table), targets = table.size(1);
  auto weights = size_weights(players - 1);
  auto out = at::zeros({players, targets}, at::kDouble);
  const double* v = table.const_data_ptr<double>();
  double* phi = out.mutable_data_ptr<double>();
  for (int64_t i = 0; i < players; ++i) {
    int64_t bit = int64_t{1} << i;
    for (int64_t s = 0; s < table.size(0); ++s) {
      if (s & bit) continue;
      double weight = weights[static_cast<size_t>(std::popcount(static_cast<uint64_t>(s)))];
      for (int64_t k = 0; k < targets; ++k)
        phi[i * targets + k] += weight * (v[(s | bit) * targets + k] - v[s * targets + k]);
    }
  }
  return out;
}

at::Tensor shapley_interaction_index(const at::Tensor& values, int64_t rows) {
  auto table = values.to(at::kCPU, at::kDouble).contiguous();
  int64_t players = players_of(table), columns = players - rows, targets = table.size(1);
  auto weights = size_weights(players - 2);
  auto out = at::zeros({rows, columns, targets}, at::kDouble);
  const double* v = table.const_data_ptr<double>();
  double* index = out.mutable_data_ptr<double>();
  for (int64_t pair = 0; pair < rows * columns; ++pair) {
    int64_t i = int64_t{1} << (pair / columns), j = int64_t{1} << (rows + pair % columns);
    for (int64_t s = 0; s < table.size(0); ++s) {
      if (s & (i | j)) continue;
      double weight = weights[static_cast<size_t>(std::popcount(static_cast<uint64_t>(s)))];
      for (int64_t k = 0; k < targets; ++k)
        index[pair * targets + k] += weight * (v[(s | i | j) * targets + k] - v[(s | i) * targets + k] -
                                               v[(s | j) * targets + k] + v[s * targets + k]);
    }
  }
  return out;
}

at::Tensor solve_shap(const at::Tensor& coalitions, const at::Tensor& weights, const at::Tensor& values,
                      const at::Tensor& whole, const at::Tensor& empty) {
  auto z = coalitions.to(at::kDouble), change = (whole - empty).unsqueeze(0);
  int64_t last = z.size(1) - 1;
  if (last == 0) return change.clone();
  auto z_last = z.slice(1, last);
  // The last player's weight is what the others leave of the change, which takes it out of the regression.
  auto x = z.slice(1, 0, last) - z_last, y = values - empty.unsqueeze(0) - z_last.matmul(change);
  auto weighted = (x * weights.unsqueeze(1)).t();
  auto others = at::linalg_pinv(weighted.matmul(x), 1e-12, true).matmul(weighted.matmul(y));
  return at::cat({others, change - others.sum(0, true)});
}

}  // namespace multiviz
