#include "prediction/class_path.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace multiviz {

void ClassPath::append(std::span<const int64_t> features, const double* b, const double* scale, double intercept) {
  std::vector<double> row;
  for (size_t i = 0; i < features.size(); ++i) {
    auto j = static_cast<size_t>(features[i]);
    if (row.size() <= j) row.resize(j + 1);
    row[j] = b[i] / scale[j];
  }
  for (size_t j = 0; j < row.size(); ++j) {
    if (row[j] == 0) continue;
    columns_.push_back(static_cast<int32_t>(j));
    values_.push_back(row[j]);
  }
  ends_.push_back(static_cast<int64_t>(columns_.size()));
  intercepts_.push_back(intercept);
}

void ClassPath::append_empty(double intercept) { append({}, nullptr, nullptr, intercept); }

void ClassPath::shorten(size_t lambdas) {
  if (lambdas >= ends_.size()) return;
  ends_.resize(lambdas);
  intercepts_.resize(lambdas);
  columns_.resize(lambdas ? static_cast<size_t>(ends_.back()) : 0);
  values_.resize(columns_.size());
}

void assemble(Fit fit, SparsePath& path) {
  int64_t classes = static_cast<int64_t>(fit.classes.size()), lambdas = static_cast<int64_t>(fit.lambdas.size());
  int64_t nonzeros = 0;
  for (const ClassPath& one : fit.classes) nonzeros += static_cast<int64_t>(one.columns().size());
  path.offsets = at::zeros({classes * lambdas + 1}, at::kLong);
  path.columns = at::empty({nonzeros}, at::kInt);
  path.values = at::empty({nonzeros}, at::kDouble);
  path.intercepts = at::empty({classes, lambdas}, at::kDouble);
  int64_t* offset = path.offsets.data_ptr<int64_t>() + 1;
  int32_t* column = path.columns.data_ptr<int32_t>();
  double* value = path.values.data_ptr<double>();
  double* intercept = path.intercepts.data_ptr<double>();
  int64_t begin = 0;
  for (ClassPath& each : fit.classes) {
    ClassPath one = std::move(each);
    for (int64_t end : one.ends()) *offset++ = begin + end;
    column = std::copy(one.columns().begin(), one.columns().end(), column);
    value = std::copy(one.values().begin(), one.values().end(), value);
    intercept = std::copy(one.intercepts().begin(), one.intercepts().end(), intercept);
    begin += static_cast<int64_t>(one.columns().size());
  }
  path.lambdas = std::move(fit.lambdas);
  path.deviance = std::move(fit.deviance);
  path.gap = std::move(fit.gap);
}

std::vector<double> lambda_grid(double largest, double epsilon, int64_t k) {
  std::vector<double> grid(static_cast<size_t>(k), largest);
  for (int64_t i = 1; i < k; ++i)
    grid[static_cast<size_t>(i)] = largest * std::pow(epsilon, static_cast<double>(i) / static_cast<double>(k - 1));
  return grid;
}

}  // namespace multiviz
