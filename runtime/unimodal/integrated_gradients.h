#pragma once
#include <map>
#include <span>

#include "unimodal/leaf_gradient.h"

namespace multiviz {

// Where the path of integrated gradients starts, in one modality. `zero` is zero in the leaf's units (for pixels that
// are normalised that is the mean colour). `mean` is each colour's or channel's mean over the image or the frames, and
// the mean embedding over a text's tokens. `blur` is the image under a Gaussian. `given` is any value of the modality.
struct Baseline {
  enum class Kind { zero, mean, blur, given };
  Kind kind = Kind::zero;
  std::optional<Value> value;
};

struct IntegratedGradientsOptions {
  std::vector<std::string> modalities;        // by name; empty: all, moving from baseline to input together
  int64_t steps = 50;
  std::string rule = "gauss_legendre";        // or "riemann_middle"
  std::map<std::string, Baseline> baselines;  // by modality; zero for one that is not named
  double blur = 8;                            // standard deviation in leaf pixels, for Baseline::Kind::blur
  int64_t batch = 0;                          // steps at a time; <= 0: default
  PlayerOptions players;
};

// Nodes in (0, 1) and weights that add up to 1.
struct Quadrature {
  std::vector<double> nodes, weights;
};
Quadrature gauss_legendre(int64_t n);
Quadrature riemann_middle(int64_t n);

// Integrated gradients (Sundararajan et al. 2017): (x - x') * the integral of d target / d leaf along the straight line
// from the baseline x' to x, by `steps` points. A player's weight is the sum over its entries, so weights add up to
// f(x) - f(x'). fit has, per target: "change" f(x) - f(x'), "completeness_gap" (the sum of all attributions minus the
// change) and "unassigned" (what fell to no player). Memory does not grow with `steps`.
Explanation integrated_gradients(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                                 const IntegratedGradientsOptions& options = {});

}  // namespace multiviz
