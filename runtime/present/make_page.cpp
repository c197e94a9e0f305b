#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "models/finite.h"
#include "present/page.h"

namespace multiviz {

Prediction predict(const Model& model, const Datapoint& datapoint, int64_t most) {
  at::NoGradGuard no_grad;
  const auto& signature = model.signature();
  auto output = model.forward(datapoint);
  check_finite(model, {&datapoint, 1}, output);
  auto logits = output.logits.to(at::kCPU, at::kDouble).select(0, 0);
  Prediction prediction;
  prediction.task = signature.task;
  if (signature.task == Task::regression) {
    prediction.value = logits[0].item<double>();
    return prediction;
  }
  auto probabilities = signature.task == Task::multilabel ? at::sigmoid(logits) : at::softmax(logits, 0);
  auto [scores, order] = at::topk(logits, std::min(most, logits.size(0)));
  for (int64_t i = 0; i < scores.size(0); ++i) {
    int64_t label = order[i].item<int64_t>();
    auto name = label < static_cast<int64_t>(signature.labels.size()) ? signature.labels[static_cast<size_t>(label)]
                                                                      : std::to_string(label + 1);
    prediction.top.push_back({label, name, scores[i].item<double>(), probabilities[label].item<double>()});
  }
  return prediction;
}

Example make_example(const Model& model, Datapoint datapoint, int64_t most) {
  Example example;
  for (int64_t label : datapoint.labels) {
    const auto& names = model.signature().labels;
    bool known = label >= 0 && label < static_cast<int64_t>(names.size());
    example.truth.push_back(known ? names[static_cast<size_t>(label)] : "(not among the labels)");
  }
  example.prediction = predict(model, datapoint, most);
  example.datapoint = std::move(datapoint);
  return example;
}

Page make_page(const Model& model, Datapoint datapoint, const Target& target, int64_t most) {
  target.validate(model.signature());
  Page page;
  page.model = model.signature().name;
  page.modalities = model.signature().modalities;
  page.example = make_example(model, std::move(datapoint), most);
  page.target = target.describe(model.signature());
  return page;
}

}  // namespace multiviz
