#pragma once
#include <functional>
#include <vector>

#include "present/page.h"
#include "representation/features.h"

namespace multiviz {

// Any method of stages U and C, ready to run on a datapoint (in the model's order) towards a target. One call may give
// several explanations, one per modality.
using Method = std::function<std::vector<Explanation>(const Datapoint&, const Target&)>;

// R_l of the paper: what in this datapoint makes feature f of the penultimate layer.
// Throws Error when the model has no such feature.
FeatureEntry local_feature(const Model& model, const Datapoint& datapoint, int64_t f, const Method& method);

// The same for a feature of `features`, which may be a unit of a tap.
FeatureEntry local_feature(const Model& model, const Features& features, const Datapoint& datapoint, int64_t f,
                           const Method& method);

// R_g of the paper: the datapoints that activate feature f most, each analysed locally. `data` is what the features
// were computed from. Throws Error when examples > N or when it is other data.
FeatureEntry global_feature(const Model& model, const Dataset& data, const Features& features, int64_t f,
                            int64_t examples, const Method& method);

}  // namespace multiviz
