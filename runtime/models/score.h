#pragma once
#include <functional>

#include "models/model.h"

namespace multiviz {

// Logits and features of datapoints whose values are in the model's order (see adapt). Images that are the same tensor,
// as questions about one scene have it, are prepared and encoded once.
Output forward_shared(const Model& model, std::span<const Datapoint> datapoints, Trace* trace = nullptr);

// The mean loss that training lowers: cross entropy for classification (one label a datapoint), binary cross entropy
// over the labels for multi-label, squared error for regression. Scalar, differentiable. Throws Error naming the
// datapoint whose label the model does not have, or that has none or too many.
at::Tensor loss(const Model& model, std::span<const Datapoint> datapoints, const Output& output);

struct Score {
  double loss = 0;
  // Classification: the share of datapoints whose best logit is their label. Multi-label: the share of (datapoint,
  // label) pairs on the right side of one half. Regression: the negative mean absolute error. More is better in all
  // three.
  double accuracy = 0;
};

// Over a whole data set, without gradients. `each`, if given, is called for every datapoint (as adapt returns it) with
// its row of logits [C] on the CPU.
Score score(const Model& model, const Dataset& data, int64_t batch = 0,
            const std::function<void(const Datapoint&, const at::Tensor&)>& each = {});

}  // namespace multiviz
