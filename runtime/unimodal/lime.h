#pragma once
#include <string>
#include <vector>

#include "models/model.h"
#include "perturb/maskers.h"

namespace multiviz {

struct LimeOptions {
  std::vector<std::string> modalities;  // by name; empty: all, each explained on its own
  ModalityMaskers masker;
  int64_t samples = 1000;
  double kernel_width = 0;  // <= 0: `lime`'s, see lime_weights
  double alpha = 1;         // ridge penalty
  uint64_t seed = 0;
  int64_t batch = 0;        // <= 0: default
  at::Tensor coalitions;    // bool [S, P] to use instead of drawing them; one modality only
};

// LIME (Ribeiro et al. 2016): hides random parts of one modality, the others being whole, and fits a weighted ridge
// regression to the targets. Sampling, kernel, distances and regression are the `lime` package's, so that the same
// coalitions give the same weights; no features are selected. All targets share the samples. fit has, per modality and
// there per target: "r2" (weighted), "intercept" and "local_prediction" (the surrogate's value at the whole input).
// Throws Error for an unknown modality, options that do not fit the input, and values that are not finite.
Explanation lime(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                 const std::vector<Target>& targets, const LimeOptions& options = {});

}  // namespace multiviz
