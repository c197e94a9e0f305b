#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "prediction/sparse_path.h"

namespace multiviz {

// The coefficients of one class along the grid, as a solver finds them.
class ClassPath {
 public:
  // Appends the next lambda: the nonzero entries of b (standardised scale), divided by the features' scale.
  void append(std::span<const int64_t> features, const double* b, const double* scale, double intercept);

  void append_empty(double intercept);
  void shorten(size_t lambdas);  // keeps the first ones

  const std::vector<int64_t>& ends() const { return ends_; }  // [L]: entries up to the end of each lambda
  const std::vector<int32_t>& columns() const { return columns_; }
  const std::vector<double>& values() const { return values_; }
  const std::vector<double>& intercepts() const { return intercepts_; }

 private:
  std::vector<int64_t> ends_;
  std::vector<int32_t> columns_;
  std::vector<double> values_, intercepts_;
};

// What a solver returns: one ClassPath per class, all for the same lambdas.
struct Fit {
  std::vector<double> lambdas;
  std::vector<ClassPath> classes;
  std::vector<double> deviance, gap;  // [L]
};

// Moves the coefficients into the path's tensors; each class's are freed as it goes.
void assemble(Fit fit, SparsePath& path);

// k values from `largest` to epsilon * largest, evenly spaced in log lambda.
std::vector<double> lambda_grid(double largest, double epsilon, int64_t k);

}  // namespace multiviz
