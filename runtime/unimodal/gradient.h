#pragma once
#include <span>

#include "unimodal/leaf_gradient.h"

namespace multiviz {

struct GradientOptions {
  std::vector<std::string> modalities;  // by name; empty: all
  PlayerOptions players;
};

// d target / d leaf (Simonyan et al. 2013), all modalities in one forward pass and one backward pass per target. The
// image's heatmap is max |.| over the colours unless options.players.reduction says otherwise; a word's weight is the
// norm over the embedding's dimensions, summed over the word's tokens.
// Throws Error when the model is not differentiable or its output not finite.
Explanation gradient(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                     const GradientOptions& options = {});

// leaf * d target / d leaf, summed over colours and embedding dimensions: each player's contribution to first order.
Explanation gradient_x_input(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                             const GradientOptions& options = {});

}  // namespace multiviz
