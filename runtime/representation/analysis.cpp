#include "representation/analysis.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/error.h"
#include "core/progress.h"

namespace multiviz {
namespace {

// The target's value on the datapoint.
double activation(const Model& model, const Datapoint& datapoint, const Target& target) {
  at::NoGradGuard no_grad;
  std::array targets{target};
  auto trace = trace_for(targets);
  Output output = model.forward(datapoint, trace.get());
  return evaluate(targets, model.signature(), output, trace.get()).item<double>();
}

FeatureEntry local(const Model& model, const Datapoint& datapoint, int64_t f, const Target& target,
                   const std::string& tap, const Method& method) {
  target.validate(model.signature());
  FeatureEntry entry;
  entry.model = model.signature().name;
  entry.datapoint = datapoint.id;
  entry.feature = f;
  entry.tap = tap;
  entry.activation = activation(model, datapoint, target);
  entry.local = method(datapoint, target);
  return entry;
}

}  // namespace

FeatureEntry local_feature(const Model& model, const Datapoint& datapoint, int64_t f, const Method& method) {
  return local(model, datapoint, f, Target::feature(f), "", method);
}

FeatureEntry local_feature(const Model& model, const Features& features, const Datapoint& datapoint, int64_t f,
                           const Method& method) {
  return local(model, datapoint, f, feature_target(features, f), features.tap, method);
}

FeatureEntry global_feature(const Model& model, const Dataset& data, const Features& features, int64_t f,
                            int64_t examples, const Method& method) {
  Target target = feature_target(features, f);
  target.validate(model.signature());
  auto strongest = top_activating(features, f, examples);
  FeatureEntry entry;
  entry.model = model.signature().name;
  entry.feature = f;
  entry.tap = features.tap;
  entry.dataset = features.dataset;
  Progress progress("global feature", examples);
  for (auto [row, value] : strongest) {
    const std::string& id = features.rows[static_cast<size_t>(row)].id;
    check(row < data.size(),
          "the features are of {} datapoints and {} has {}: give the data that they were computed from",
          features.size(), data.name(), data.size());
    Datapoint datapoint = adapt(model.signature(), data, data.get(row));
    check(datapoint.id == id,
          "datapoint {} of {} is '{}' and that of the features is '{}': give the data that they were computed from",
          row + 1, data.name(), datapoint.id, id);
    GlobalExample example;
    example.activation = value;
    example.explanations = method(datapoint, target);
    example.example = make_example(model, std::move(datapoint));
    entry.examples.push_back(std::move(example));
    progress.advance();
  }
  return entry;
}

}  // namespace multiviz
