#pragma once
#include <optional>
#include <span>

#include "crossmodal/pair_grid.h"

namespace multiviz {

struct EmapOptions {
  std::vector<std::string> modalities;  // the pair, by name; empty for a model of two
  int64_t batch = 0;                    // rows encoded at a time; <= 0: default
  int64_t chunk = 0;                    // pairs fused at a time; <= 0: default
};

// EMAP of one datapoint (Hessel and Lee 2020; the paper's section 2.2): the closest additive model of the two
// modalities, on the context together with the datapoint itself, N datapoints. With f split into
//   f(x_1, x_2) = mean + g_1(x_1) + g_2(x_2) + g_12(x_1, x_2),   mean = E f,
//   g_1 = E_{x_2'} f(x_1, x_2') - E f,  g_2 = E_{x_1'} f(x_1', x_2) - E f,  g_12 = f - E_{x_1} f - E_{x_2} f + E f,
// fit has, per target, "value" f, "projected" f - g_12, "interaction" g_12, "mean", and per modality "unimodal" g_m.
// There are no attributions: EMAP has no parts. 2 N encodes and N^2 fuses; memory grows with N.
// A context datapoint with the id of the one explained is not counted twice. Throws Error for a context of fewer than
// two others.
Explanation emap(const Model& model, const Datapoint& datapoint, const Dataset& context,
                 std::span<const Target> targets, const EmapOptions& options = {});

// EMAP of a whole data set of N datapoints.
struct EmapResult {
  at::Tensor logits;     // float64 [N, C], of the model
  at::Tensor projected;  // float64 [N, C], of its additive projection
  // "accuracy" over the labelled datapoints (a prediction among several labels is right), or for regression
  // "mean absolute error"; before (the model) and after (its projection). Empty when nothing is labelled.
  std::string metric;
  std::optional<double> before, after;
  // How the variance of the logits over all N^2 pairs divides (two-way analysis of variance, over classes together):
  // due to the first modality alone, the second alone, and their interaction. Adds up to 1; zeros when f is constant.
  double first = 0, second = 0, interaction = 0;
  std::vector<std::string> modalities;  // the pair
  Cost cost;
};

// 2 N encodes and N^2 fuses; memory grows with N (C + the size of an encoding), not with N^2. A model of more than two
// modalities is refused: a data set fixes no value for the others.
EmapResult emap(const Model& model, const Dataset& data, const EmapOptions& options = {});

}  // namespace multiviz
