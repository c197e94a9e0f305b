#include "prediction/prediction_entry.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"

namespace multiviz {
namespace {

std::vector<int64_t> shown_classes(const SparsePath& path, const FeatureRow& row, const std::vector<int64_t>& also) {
  std::vector<int64_t> candidates;
  if (path.classification) {
    candidates = {row.prediction};
    candidates.insert(candidates.end(), also.begin(), also.end());
    candidates.insert(candidates.end(), row.labels.begin(), row.labels.end());
  } else {
    for (int64_t label = 0; label < std::min<int64_t>(path.classes(), 10); ++label) candidates.push_back(label);
  }
  std::vector<int64_t> shown;
  for (int64_t label : candidates)
    if (label >= 0 && label < path.classes() && std::find(shown.begin(), shown.end(), label) == shown.end())
      shown.push_back(label);
  return shown;
}

ClassGraph graph_of(const Selection& selection, const at::Tensor& z, int64_t label, int64_t most) {
  const SparsePath& path = *selection.path;
  ClassGraph graph;
  graph.label = label;
  graph.name = path.names[static_cast<size_t>(label)];
  graph.bias = path.intercepts[label][selection.index].item<double>();
  graph.nonzeros = static_cast<int64_t>(selection.top(label, path.features).size());
  for (const Contribution& one : selection.top(label, z, std::min(most, path.features)))
    graph.features.push_back({one.feature, one.weight, one.value, one.contribution});
  return graph;
}

// Of the model itself on the labelled datapoints.
std::optional<double> model_accuracy(const Features& features) {
  if (features.task != Task::classification) return std::nullopt;
  int64_t right = 0, labelled = 0;
  for (const FeatureRow& row : features.rows) {
    if (row.labels.empty() || row.labels.front() < 0) continue;
    ++labelled;
    right += row.labels.front() == row.prediction;
  }
  if (labelled == 0) return std::nullopt;
  return static_cast<double>(right) / static_cast<double>(labelled);
}

}  // namespace

PredictionEntry prediction_entry(const Selection& selection, const Features& features, const std::string& datapoint,
                                 const std::vector<int64_t>& also, int64_t most) {
  const SparsePath& path = *selection.path;
  check(features.width() == path.features,
        "the sparse path is over {} features and these are {}: give those it was fitted to", path.features,
        features.width());
  int64_t row = features.find(datapoint);
  at::Tensor z = features.z[row];
  PredictionEntry entry;
  entry.model = features.model;
  entry.datapoint = datapoint;
  entry.family = family_name(path.family);
  entry.tap = features.tap;
  entry.lambda = selection.lambda();
  entry.accuracy = path.score()[static_cast<size_t>(selection.index)];
  entry.dense_accuracy = model_accuracy(features);
  entry.nonzeros_per_class = selection.nonzeros_per_class();
  for (int64_t label : shown_classes(path, features.rows[static_cast<size_t>(row)], also))
    entry.classes.push_back(graph_of(selection, z, label, most));
  for (int64_t l = 0; l < path.size(); ++l)
    entry.curve.push_back({path.lambdas[static_cast<size_t>(l)], path.score()[static_cast<size_t>(l)],
                           Selection{selection.path, l}.nonzeros_per_class()});
  entry.options = path.options;
  entry.seed = path.options.value("seed", uint64_t{0});
  entry.cost.seconds = path.seconds;
  return entry;
}

}  // namespace multiviz
