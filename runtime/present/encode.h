#pragma once
#include "present/archive.h"
#include "present/explanation.h"
#include "present/page.h"

namespace multiviz {

// Between what a page holds and JSON that refers to tensors by name. Decoding checks shapes, ranges and sizes, so that
// what it returns can be drawn.
nlohmann::json encode(const Explanation& explanation, TensorTable& table);
nlohmann::json encode(const Example& example, TensorTable& table);
nlohmann::json encode(const PredictionEntry& entry);
nlohmann::json encode(const FeatureEntry& entry, TensorTable& table);

Explanation decode_explanation(const Node& node);
Example decode_example(const Node& node);
PredictionEntry decode_prediction_entry(const Node& node);
FeatureEntry decode_feature_entry(const Node& node);

nlohmann::json encode(const Cost& cost);
Cost decode_cost(const Node& node);

// Throws Error when the explanation is not one of this example: sizes that differ from the image's, words outside the
// text, a modality that the model does not have.
void check_fits(const Explanation& explanation, const std::vector<Modality>& modalities, const Example& example);

}  // namespace multiviz
