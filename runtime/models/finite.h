#pragma once
#include <span>

#include "models/model.h"

namespace multiviz {

// Throws Error naming the datapoint and the layer (the first tap, in the model's order, that holds NaN or infinity)
// when a row of an output of these datapoints is not finite; else returns quietly.
void check_finite(const Model& model, std::span<const Datapoint> datapoints, const Output& output);

}  // namespace multiviz
