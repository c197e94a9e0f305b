#pragma once
#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "prediction/sparse_path.h"

namespace multiviz {

struct ElasticNetOptions {
  Family family = Family::gaussian;
  int64_t lambdas = 100;  // k: the grid runs from lambda_max to epsilon * lambda_max, evenly in log lambda
  double epsilon = 1e-3;
  std::vector<double> grid;  // the lambdas themselves, instead of k and epsilon
  double alpha = 0.99;       // share of the l1 penalty, in [0, 1]
  bool standardize = true;   // penalise coefficients of features scaled to unit variance; reported unscaled
  bool intercept = true;
  std::optional<double> tolerance;  // a lambda is solved when its duality gap is below this times the null deviance;
                                    // 1e-8 for gaussian (each class), 1e-4 for multinomial
  int64_t max_iterations = 5000;    // sweeps (gaussian) or proximal steps (multinomial) per lambda
  double holdout = 0.2;             // share of the rows kept out of the fit, in [0, 1)
  uint64_t seed = 0;                // of that split
  double saturation = 0;            // > 0: end the path when a lambda explains less than this share of the null
                                    // deviance more than the one before it (glmnet uses 1e-5)
};

// What the features are to predict: a label per row, or K targets per row (regression, soft or several labels).
struct Response {
  at::Tensor labels;               // int64 [N] in [0, C); -1 leaves the row out
  at::Tensor targets;              // float [N, C]; undefined when labels is given. gaussian only
  std::vector<std::string> names;  // C; label names, or of the targets
};

// Stage P, equation (2) of the paper, fitted for a whole grid of lambda (Wong et al., 2021):
//
//   gaussian     min over b_0, b of  1/(2N) |y - Z b - b_0|^2 + lambda (alpha |b|_1 + (1 - alpha)/2 |b|_2^2)
//                for each class on its own, y being 1 for the class and 0 for the rest (or the target). In the paper's
//                letters lambda_1 = lambda alpha and lambda_2 = lambda (1 - alpha) / 2.
//   multinomial  min over B_0, B of  1/N sum_n CE(y_n, softmax(z_n B + B_0)) + lambda (alpha |B|_1 + (1 - alpha)/2
//   |B|_2^2)
//                for all classes together.
//
// One grid serves all classes; lambda_max is the smallest lambda at which every coefficient is zero. `weights` [N] >= 0
// count rows (undefined: 1 each) and replace N by their sum. Features of zero variance get the coefficient 0.
//
// gaussian: coordinate descent with covariance updates on the [D, D] Gram matrix (made once, shared by all classes), so
// that work after it does not depend on N. multinomial: accelerated proximal steps in the metric of the Gram matrix,
// each solved by the same coordinate descent. Both use warm starts, sequential strong rules and a check of the
// optimality conditions over all features, and report a duality gap.
//
// `features` is [N, D], float32 or float64, on any device; the multinomial fit computes in its dtype and on its device.
// Throws Error when a feature is not finite, when sizes disagree, when labels hold fewer than two classes, or when an
// option is out of its range.
SparsePath elastic_net(const at::Tensor& features, const Response& response, const at::Tensor& weights,
                       const ElasticNetOptions& options);

// For each lambda of a path, on rows int64 [n] of the features: accuracy for labels, R^2 over all targets otherwise.
std::vector<double> score_path(const SparsePath& path, const at::Tensor& features, const Response& response,
                               const at::Tensor& rows);

}  // namespace multiviz
