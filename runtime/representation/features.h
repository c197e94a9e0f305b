#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "models/model.h"
#include "models/target.h"
#include "prediction/elastic_net.h"
#include "representation/feature_store.h"

namespace multiviz {

struct FeaturesOptions {
  std::string tap;    // a tap of the model; empty for the penultimate features
  std::string path;   // the store's folder; empty: one in the user's cache, named after model, data set and tap
  bool store = true;  // false keeps them in memory only, as does a model without weights to tell its versions apart
  int64_t batch = 0;  // <= 0: default
};

// The features of every datapoint of a data set, M_z of the paper.
struct Features {
  std::string model;    // Signature::name
  std::string dataset;  // Dataset::name
  std::string tap;      // empty for the penultimate layer
  std::string folder;   // empty when kept in memory
  Task task = Task::classification;
  std::vector<std::string> names;  // C label names
  std::vector<int64_t> shape;      // of one datapoint's features before they were flattened to D
  at::Tensor z;                    // float32 [N, D] on the CPU
  std::vector<FeatureRow> rows;    // N

  int64_t size() const { return z.size(0); }
  int64_t width() const { return z.size(1); }
  // Row of the datapoint with this id. Throws Error when there is none.
  int64_t find(const std::string& id) const;
};

using FeaturesPtr = std::shared_ptr<const Features>;

// Runs the model over the data set, or over the part of it that the store does not hold yet. An image that several
// datapoints of a batch share is encoded once. Throws Error when the model has no such tap, when a feature is not
// finite, and as FeatureStore does.
Features compute_features(const Model& model, const Dataset& data, const FeaturesOptions& options);

// The k datapoints that activate feature f most, strongest first: (row, activation). Throws Error when k > N.
std::vector<std::pair<int64_t, double>> top_activating(const Features& features, int64_t f, int64_t k);

// Feature f as what a method explains: feature(f), or a unit of the tap.
Target feature_target(const Features& features, int64_t f);

// What stage P predicts from the features: the labels of the data set (`predicted` false) or those that the model
// gives. Several labels per datapoint become 0/1 targets, a regression value a single target. Throws Error when there
// are none.
Response response_of(const Features& features, bool predicted = false);

}  // namespace multiviz
