#pragma once
#include "prediction/class_path.h"
#include "prediction/elastic_net.h"
#include "prediction/moments.h"

namespace multiviz {

// The multinomial family of elastic_net. `rows` int64 [n], their labels int64 [n] in [0, C) with every class present,
// and weights float64 [n] that sum to 1; `moments` are theirs. Uses options.grid when it is given, else makes the grid.
//
// The logistic loss is majorised around an extrapolated point by a quadratic whose metric for class c is
// L mean(p_c (1 - p_c)) times the Gram matrix; it then falls apart into one elastic net per class, which coordinate
// descent on the Gram matrix solves without touching the rows. L is found by backtracking, the extrapolation is
// Nesterov's with restarts (Beck and Teboulle, 2009; O'Donoghue and Candes, 2015).
Fit multinomial_path(const at::Tensor& features, const at::Tensor& rows, const at::Tensor& labels,
                     const at::Tensor& weights, int64_t classes, const Moments& moments,
                     const ElasticNetOptions& options);

}  // namespace multiviz
