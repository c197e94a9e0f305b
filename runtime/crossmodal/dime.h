#pragma once
#include <memory>
#include <span>

#include "crossmodal/pair_grid.h"
#include "perturb/maskers.h"

namespace multiviz {

struct DimeOptions {
  std::vector<std::string> modalities;  // the pair, by name; empty for a model of two
  ModalityMaskers masker;
  int64_t samples = 100;    // perturbations of each modality
  double kernel_width = 0;  // <= 0: `lime`'s, see lime_weights
  double alpha = 1;         // ridge penalty
  uint64_t seed = 0;
  int64_t batch = 0;        // rows encoded at a time; <= 0: default
  int64_t chunk = 0;        // pairs fused at a time; <= 0: default
};

// DIME (Lyu et al. 2022): LIME on the two parts of f = UC + MI, for each modality. On the context together with the
// datapoint itself, N datapoints,
//   UC(x_1, x_2) = E_{x_2'} f(x_1, x_2') + E_{x_1'} f(x_1', x_2) - E f   (unimodal contributions),
//   MI = f - UC                                                          (multimodal interaction),
// where a perturbed x_1 stands in for the datapoint's in every expectation, as in the authors' code. Any number of
// targets share the samples. Attributions have component "unimodal" or "multimodal"; fit has, per modality, component
// and target, "r2", and per target "unimodal" UC and "multimodal" MI of the datapoint itself.
// 2 N + S encodes and N^2 + S N fuses for S distinct perturbations; memory does not grow with S N.
// Throws Error for a context of fewer than two others.
Explanation dime(const std::shared_ptr<const Model>& model, const Datapoint& datapoint, const Dataset& context,
                 std::span<const Target> targets, const DimeOptions& options = {});

}  // namespace multiviz
