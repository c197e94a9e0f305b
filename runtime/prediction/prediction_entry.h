#pragma once
#include <string>
#include <vector>

#include "prediction/sparse_path.h"
#include "present/page.h"
#include "representation/features.h"

namespace multiviz {

// Stage P of a page: what the selected linear model says about one of the datapoints that the features are of, for the
// label that the model predicts, the true labels and `also`, each with its `most` strongest features, by
// |beta z|. A regression shows all of its targets. Throws Error when the features do not hold the datapoint or are not
// those of the path.
PredictionEntry prediction_entry(const Selection& selection, const Features& features, const std::string& datapoint,
                                 const std::vector<int64_t>& also = {}, int64_t most = 5);

}  // namespace multiviz
