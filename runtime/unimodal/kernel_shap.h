#pragma once
#include <string>
#include <vector>

#include "models/model.h"
#include "perturb/maskers.h"

namespace multiviz {

class Game;

struct KernelShapOptions {
  std::vector<std::string> modalities;  // by name; empty: all, each explained on its own
  ModalityMaskers masker;
  int64_t samples = 2048;
  int64_t exact = 12;  // up to so many players, or when the samples suffice, all coalitions are tried
  uint64_t seed = 0;
  int64_t batch = 0;   // <= 0: default
};

// Shapley values (Lundberg and Lee 2017) of the parts of one modality, the others being whole. With few players exact;
// else KernelSHAP with paired sampling as the `shap` package's, without its feature selection. Weights add up to
// f(x) - f(everything hidden) in either case. fit has, per modality: "exact", and per target "base_value" (everything
// hidden) and "efficiency_gap" (what the sum of weights misses). Throws as lime does.
Explanation kernel_shap(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                        const std::vector<Target>& targets, const KernelShapOptions& options = {});

// The Shapley values [P, K] of any game, exact or sampled.
struct ShapleyEstimate {
  at::Tensor values;          // [P, K]
  at::Tensor base;            // [K], everything hidden
  at::Tensor efficiency_gap;  // [K]
  bool exact = false;
};
ShapleyEstimate estimate_shapley(Game& game, int64_t samples, int64_t exact, uint64_t seed);

}  // namespace multiviz
