#include "models/score.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/batch.h"
#include "core/error.h"
#include "core/progress.h"
#include "models/finite.h"

namespace multiviz {
namespace {

// Which distinct image each datapoint has. Pixels are compared by address: equal tensors that lie apart are encoded
// apart.
struct Distinct {
  std::vector<Value> values;
  std::vector<int64_t> rows;
};

Distinct distinct(std::span<const Datapoint> datapoints, size_t modality) {
  Distinct out;
  std::map<const void*, int64_t> seen;
  for (const auto& datapoint : datapoints) {
    const auto& value = datapoint.values.at(modality);
    const void* key = &value;
    if (const auto* image = std::get_if<Image>(&value)) key = image->pixels.data_ptr();
    auto [found, fresh] = seen.emplace(key, static_cast<int64_t>(out.values.size()));
    if (fresh) out.values.push_back(value);
    out.rows.push_back(found->second);
  }
  return out;
}

int64_t only_label(const Model& model, const Datapoint& datapoint) {
  check(datapoint.labels.size() == 1, "datapoint {} has {} labels, and {} is trained on one each", datapoint.id,
        datapoint.labels.size(), model.signature().name);
  int64_t label = datapoint.labels[0];
  check(label >= 0 && label < model.signature().outputs(),
        "the label of datapoint {} is none of those of {}: give the model the labels of the data set", datapoint.id,
        model.signature().name);
  return label;
}

at::Tensor class_targets(const Model& model, std::span<const Datapoint> datapoints) {
  std::vector<int64_t> labels;
  for (const auto& datapoint : datapoints) labels.push_back(only_label(model, datapoint));
  return at::tensor(labels, at::kLong).to(model.device());
}

at::Tensor multilabel_targets(const Model& model, std::span<const Datapoint> datapoints) {
  int64_t count = model.signature().outputs();
  auto out = at::zeros({static_cast<int64_t>(datapoints.size()), count});
  for (size_t i = 0; i < datapoints.size(); ++i)
    for (auto label : datapoints[i].labels) {
      check(label >= 0 && label < count, "a label of datapoint {} is none of those of {}", datapoints[i].id,
            model.signature().name);
      out.data_ptr<float>()[static_cast<int64_t>(i) * count + label] = 1;
    }
  return out.to(model.device());
}

at::Tensor regression_targets(const Model& model, std::span<const Datapoint> datapoints) {
  std::vector<float> values;
  for (const auto& datapoint : datapoints) {
    check(datapoint.value.has_value(), "datapoint {} has no value to regress on", datapoint.id);
    values.push_back(static_cast<float>(*datapoint.value));
  }
  return at::tensor(values).to(model.device()).unsqueeze(1);
}

double batch_accuracy(const Model& model, std::span<const Datapoint> datapoints, const at::Tensor& logits) {
  switch (model.signature().task) {
    case Task::classification:
      return logits.argmax(1).eq(class_targets(model, datapoints)).to(at::kDouble).mean().item<double>();
    case Task::multilabel:
      return logits.gt(0).eq(multilabel_targets(model, datapoints).gt(0.5)).to(at::kDouble).mean().item<double>();
    case Task::regression:
      return -(logits - regression_targets(model, datapoints)).abs().to(at::kDouble).mean().item<double>();
  }
  fail("unknown task");
}

}  // namespace

Output forward_shared(const Model& model, std::span<const Datapoint> datapoints, Trace* trace) {
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < model.signature().modalities.size(); ++m) {
    auto [values, rows] = distinct(datapoints, m);
    auto encoding = model.encode(m, model.prepare(m, values), trace);
    if (values.size() < datapoints.size()) encoding = encoding.index_select(at::tensor(rows, at::kLong));
    encodings.push_back(std::move(encoding));
  }
  return model.fuse(encodings, trace);
}

at::Tensor loss(const Model& model, std::span<const Datapoint> datapoints, const Output& output) {
  switch (model.signature().task) {
    case Task::classification:
      return at::cross_entropy_loss(output.logits, class_targets(model, datapoints));
    case Task::multilabel:
      return at::binary_cross_entropy_with_logits(output.logits, multilabel_targets(model, datapoints));
    case Task::regression:
      return at::mse_loss(output.logits, regression_targets(model, datapoints));
  }
  fail("unknown task");
}

Score score(const Model& model, const Dataset& data, int64_t batch,
            const std::function<void(const Datapoint&, const at::Tensor&)>& each) {
  check(data.size() > 0, "{} is empty: there is nothing to score {} on", data.name(), model.signature().name);
  at::NoGradGuard no_grad;
  Progress progress("score", data.size());
  Score out;
  for_each_batch(data.size(), batch, [&](int64_t begin, int64_t end) {
    std::vector<Datapoint> datapoints;
    for (int64_t i = begin; i < end; ++i) datapoints.push_back(adapt(model.signature(), data, data.get(i)));
    auto output = forward_shared(model, datapoints);
    check_finite(model, datapoints, output);
    double share = static_cast<double>(end - begin) / static_cast<double>(data.size());
    double batch_loss = loss(model, datapoints, output).item<double>();
    double accuracy = batch_accuracy(model, datapoints, output.logits);
    auto logits = output.logits.cpu();
    for (size_t i = 0; each && i < datapoints.size(); ++i) each(datapoints[i], logits[static_cast<int64_t>(i)]);
    out.loss += share * batch_loss;
    out.accuracy += share * accuracy;
    progress.advance(end - begin);
  });
  return out;
}

}  // namespace multiviz
