#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "prediction/elastic_net.h"

namespace multiviz {

// The second moments of the rows of a fit, on the standardised scale x = (z - mean) / scale and centred response, all
// weighted means over rows. float64 on the CPU. Everything that the gaussian path needs of the data.
struct Moments {
  at::Tensor mean;             // [D], zero without an intercept
  at::Tensor scale;            // [D], 1 where not standardised
  at::Tensor gram;             // [D, D] = mean x x'; rows of constant features are zero
  at::Tensor cross;            // [C, D] = mean y x
  at::Tensor response_mean;    // [C], zero without an intercept
  at::Tensor response_square;  // [C] = mean y^2, centred
};

// In one pass over the rows, a block at a time in float64; no copy of the features is made. `rows` int64 [n] are the
// rows of the fit and `weights` float64 [n] sum to 1.
Moments moments(const at::Tensor& features, const Response& response, const at::Tensor& rows, const at::Tensor& weights,
                bool standardize, bool intercept);

}  // namespace multiviz
