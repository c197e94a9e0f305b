#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "data/modality.h"

namespace multiviz {

// Coalitions are rows of bool [S, P] on the CPU: true keeps a player.

// All 2^P of them; row r keeps player i when bit i of r is set. Throws Error for more than 24 players.
at::Tensor all_coalitions(int64_t players);

// As the `lime` package draws them: the first row keeps everyone; then, in an image (and in series and tables), each
// player stays with probability 1/2; in a text the number of words removed is uniform from 1 to P.
at::Tensor lime_coalitions(ModalityKind kind, int64_t samples, int64_t players, uint64_t seed);

// `lime`'s weights for them, float64 [S]: sqrt(exp(-d^2 / width^2)), with d the cosine distance between a row and the
// row that keeps everyone; for a table the Euclidean distance. width <= 0 takes `lime`'s default: 0.25 for an image and
// for a text (lime_text's 25 for distances times 100), 0.75 sqrt(P) for a table. 0.25 for time series.
at::Tensor lime_weights(ModalityKind kind, const at::Tensor& coalitions, double width);
double lime_width(ModalityKind kind, int64_t players, double width);

// The samples of KernelSHAP and the weights of its regression.
struct WeightedCoalitions {
  at::Tensor coalitions;  // bool [S, P], neither the empty one nor the whole
  at::Tensor weights;     // float64 [S], sum 1
};

// As the `shap` package draws them: all coalitions of the sizes that the budget covers, smallest and largest first,
// then pairs of a random coalition and its complement by the Shapley kernel's weight of their size. At most `samples`
// rows. P >= 2.
WeightedCoalitions shap_coalitions(int64_t samples, int64_t players, uint64_t seed);

}  // namespace multiviz
