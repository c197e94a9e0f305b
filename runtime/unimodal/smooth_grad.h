#pragma once
#include <span>

#include "unimodal/leaf_gradient.h"

namespace multiviz {

struct SmoothGradOptions {
  std::vector<std::string> modalities;  // by name; empty: all, with noise on each
  int64_t samples = 50;
  double noise = 0.15;  // standard deviation, as a part of the leaf's range (largest minus smallest entry)
  uint64_t seed = 0;
  int64_t batch = 0;  // samples at a time; <= 0: default
  PlayerOptions players;
};

// SmoothGrad (Smilkov et al. 2017): the gradient averaged over inputs with Gaussian noise, then reduced as `gradient`
// does. Sample i depends on the seed and i alone, and memory does not grow with `samples`.
Explanation smooth_grad(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                        const SmoothGradOptions& options = {});

}  // namespace multiviz
