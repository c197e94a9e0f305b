#pragma once
#include <string>
#include <vector>

#include "models/model.h"
#include "perturb/maskers.h"

namespace multiviz {

struct ShapleyInteractionOptions {
  std::vector<std::string> modalities;  // two names: rows, then columns; empty: the model's, when it has two
  ModalityMaskers masker;
  int64_t rounds = 32;  // pairs of random orders; twice the precision for four times as many
  int64_t exact = 12;   // up to so many players in all, every coalition is tried
  uint64_t seed = 0;
  int64_t batch = 0;    // <= 0: default
};

// Pairwise Shapley interaction indices (Grabisch and Roubens 1999; see perturb/shapley.h) between the players of two
// modalities, words and regions say: positive where two parts do more together than each alone. The players of both
// modalities form one game; other modalities stay whole. Beyond `exact` players they are estimated without bias: a round
// draws an order of each modality's players and evaluates all pairs (first a rows, first b columns), of which every
// (row, column) pair takes one mixed difference, weighed by how probable its coalition is in the definition. That takes
// P encodes and P_rows x P_columns fuses a round. fit has "exact", "rounds" and "standard_error" (mean over pairs).
// Throws Error unless there are exactly two modalities, else as lime does.
Explanation shapley_interactions(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                                 const Target& target, const ShapleyInteractionOptions& options = {});

}  // namespace multiviz
