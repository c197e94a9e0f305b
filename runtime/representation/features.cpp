#include "representation/features.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cctype>

#include "core/batch.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/suggest.h"
#include "io/cache.h"
#include "models/finite.h"
#include "models/score.h"
#include "representation/fingerprint.h"

namespace multiviz {
namespace {

std::string feature_folder() {
  std::string folder = cache_folder("features");
  check(!folder.empty(), "there is no HOME for a cache: give a path for the features");
  return folder;
}

std::string plain_name(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '-';
  return name.substr(0, 64);
}

struct Batch {
  at::Tensor z;
  std::vector<FeatureRow> rows;
};

// A tap inside of an encoder must see every datapoint, so only penultimate features share what the datapoints share.
Output forward(const Model& model, const std::vector<Datapoint>& datapoints, Trace* trace) {
  if (!trace) return forward_shared(model, datapoints);
  std::vector<std::vector<Value>> values(model.signature().modalities.size());
  for (const Datapoint& datapoint : datapoints)
    for (size_t m = 0; m < values.size(); ++m) values[m].push_back(datapoint.values[m]);
  return model.forward(values, trace);
}

void check_values(const Model& model, const Batch& batch) {
  at::Tensor bad = batch.z.flatten(1).isfinite().all(1).logical_not();
  if (!bad.any().item<bool>()) return;
  fail("{} gives features that are not finite on datapoint {}: check the weights and the input", model.signature().name,
       batch.rows[static_cast<size_t>(bad.nonzero()[0].item<int64_t>())].id);
}

Batch run_batch(const Model& model, const Dataset& data, const std::string& tap, int64_t begin, int64_t end) {
  std::vector<Datapoint> datapoints;
  for (int64_t i = begin; i < end; ++i) datapoints.push_back(adapt(model.signature(), data, data.get(i)));
  Trace trace;
  if (!tap.empty()) trace.record(tap);
  Output output = forward(model, datapoints, tap.empty() ? nullptr : &trace);
  check_finite(model, datapoints, output);
  Batch batch{(tap.empty() ? output.features : trace.at(tap)).to(at::kCPU, at::kFloat), {}};
  check(batch.z.dim() >= 2 && batch.z.size(0) == end - begin,
        "the tap '{}' has no row for each datapoint: choose another", tap);
  at::Tensor predicted = output.logits.argmax(1).cpu();
  for (size_t i = 0; i < datapoints.size(); ++i) {
    int64_t label = predicted[static_cast<int64_t>(i)].item<int64_t>();
    batch.rows.push_back({datapoints[i].id, datapoints[i].labels, datapoints[i].value,
                          model.signature().task == Task::regression ? -1 : label});
  }
  check_values(model, batch);
  return batch;
}

// Where the features go: a store on disk, or memory.
class Sink {
 public:
  Sink(const Model& model, const Dataset& data, const FeaturesOptions& options) {
    FeatureKey key{fingerprint(model), data.fingerprint(), options.tap, data.size()};
    if (!options.store || (key.model.empty() && options.path.empty())) return;
    std::string folder = options.path;
    if (folder.empty())
      folder = fmt::format("{}/{}-{}-{}", feature_folder(), plain_name(model.signature().name), plain_name(data.name()),
                           digest(key.model + "|" + key.dataset + "|" + key.tap).substr(0, 16));
    if (key.model.empty()) key.model = model.signature().name + model.config().dump();
    store_ = std::make_unique<FeatureStore>(folder, key);
  }

  int64_t rows() const { return store_ ? store_->rows() : static_cast<int64_t>(memory_.rows.size()); }

  void append(Batch batch) {
    if (store_) return store_->append(batch.z, batch.rows);
    memory_.shape = batch.z.sizes().slice(1).vec();
    parts_.push_back(batch.z.flatten(1));
    memory_.rows.insert(memory_.rows.end(), batch.rows.begin(), batch.rows.end());
  }

  Features take() {
    if (!store_) {
      memory_.z = at::cat(parts_);
      return std::move(memory_);
    }
    Features result;
    result.folder = store_->folder();
    result.shape = store_->shape();
    result.z = store_->values();
    result.rows = store_->read_rows();
    return result;
  }

 private:
  std::unique_ptr<FeatureStore> store_;
  Features memory_;
  std::vector<at::Tensor> parts_;
};

}  // namespace

int64_t Features::find(const std::string& id) const {
  auto found = std::find_if(rows.begin(), rows.end(), [&](const FeatureRow& row) { return row.id == id; });
  check(found != rows.end(), "there are no features of datapoint '{}': it is not in {}", id, dataset);
  return found - rows.begin();
}

Features compute_features(const Model& model, const Dataset& data, const FeaturesOptions& options) {
  const Signature& signature = model.signature();
  check(data.size() > 0, "{} is empty: there are no features to compute", data.name());
  check(options.tap.empty() || std::count(signature.taps.begin(), signature.taps.end(), options.tap) > 0,
        "{} has no tap '{}'{}", signature.name, options.tap, suggestion(options.tap, signature.taps));
  match_modalities(signature, data.modalities());
  at::NoGradGuard no_grad;
  Sink sink(model, data, options);
  int64_t first = sink.rows();
  Progress progress("features", data.size() - first);
  for_each_batch(data.size() - first, options.batch, [&](int64_t begin, int64_t end) {
    sink.append(run_batch(model, data, options.tap, first + begin, first + end));
    progress.advance(end - begin);
  });
  Features result = sink.take();
  result.model = signature.name;
  result.dataset = data.name();
  result.tap = options.tap;
  result.task = signature.task;
  result.names = signature.labels;
  return result;
}

std::vector<std::pair<int64_t, double>> top_activating(const Features& features, int64_t f, int64_t k) {
  check(f >= 0 && f < features.width(), "feature {} is out of range: there are {}", f + 1, features.width());
  check(k >= 1 && k <= features.size(), "{} datapoints were asked for: there are {}", k, features.size());
  auto [values, rows] = features.z.select(1, f).contiguous().sort(true, 0, true);
  std::vector<std::pair<int64_t, double>> result;
  for (int64_t i = 0; i < k; ++i) result.emplace_back(rows[i].item<int64_t>(), values[i].item<double>());
  return result;
}

Target feature_target(const Features& features, int64_t f) {
  check(f >= 0 && f < features.width(), "feature {} is out of range: there are {}", f + 1, features.width());
  if (features.tap.empty()) return Target::feature(f);
  std::vector<int64_t> position(features.shape.size());
  for (size_t d = features.shape.size(); d-- > 0; f /= features.shape[d]) position[d] = f % features.shape[d];
  return Target::unit(features.tap, position);
}

Response response_of(const Features& features, bool predicted) {
  int64_t count = features.size(), classes = static_cast<int64_t>(features.names.size());
  if (features.task == Task::regression) {
    check(!predicted, "a regression model predicts no labels: leave `predicted` out");
    at::Tensor targets = at::empty({count, 1}, at::kDouble);
    for (int64_t i = 0; i < count; ++i) {
      const FeatureRow& row = features.rows[static_cast<size_t>(i)];
      check(row.value.has_value(), "datapoint '{}' has no value to predict", row.id);
      targets[i][0] = *row.value;
    }
    return {{}, targets, {"value"}};
  }
  if (features.task == Task::multilabel && !predicted) {
    at::Tensor targets = at::zeros({count, classes}, at::kDouble);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t label : features.rows[static_cast<size_t>(i)].labels)
        if (label >= 0) targets[i][label] = 1;
    return {{}, targets, features.names};
  }
  at::Tensor labels = at::full({count}, -1, at::kLong);
  for (int64_t i = 0; i < count; ++i) {
    const FeatureRow& row = features.rows[static_cast<size_t>(i)];
    if (predicted)
      labels[i] = row.prediction;
    else if (!row.labels.empty())
      labels[i] = row.labels.front();
  }
  check(labels.max().item<int64_t>() >= 0, "no datapoint of {} has a label of {}: fit to its predictions instead",
        features.dataset, features.model);
  return {labels, {}, features.names};
}

}  // namespace multiviz
