#include "models/target.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

std::string Target::describe(const Signature& signature) const {
  auto label = [&] {
    return static_cast<size_t>(index) < signature.labels.size() ? signature.labels[static_cast<size_t>(index)]
                                                                : std::to_string(index + 1);
  };
  switch (kind) {
    case Kind::logit: return "logit of " + label();
    case Kind::probability: return "probability of " + label();
    case Kind::feature: return fmt::format("feature {}", index + 1);
    case Kind::regression: return "prediction";
    case Kind::unit: {
      std::vector<int64_t> shown;
      for (int64_t p : position) shown.push_back(p + 1);
      return fmt::format("unit {}[{}]", tap, fmt::join(shown, ", "));
    }
  }
  return "";
}

void Target::validate(const Signature& signature) const {
  switch (kind) {
    case Kind::logit:
    case Kind::probability:
      check(index >= 0 && index < signature.outputs(), "label {} is out of range: {} has {} labels", index + 1,
            signature.name, signature.outputs());
      return;
    case Kind::feature:
      check(index >= 0 && index < signature.features, "feature {} is out of range: {} has {} features", index + 1,
            signature.name, signature.features);
      return;
    case Kind::regression:
      check(signature.task == Task::regression, "{} is not a regression model: explain a label or a feature",
            signature.name);
      return;
    case Kind::unit:
      check(std::find(signature.taps.begin(), signature.taps.end(), tap) != signature.taps.end(),
            "{} has no tap '{}'{}", signature.name, tap, suggestion(tap, signature.taps));
      return;
  }
}

std::unique_ptr<Trace> trace_for(std::span<const Target> targets) {
  std::unique_ptr<Trace> trace;
  for (const auto& target : targets) {
    if (target.kind != Target::Kind::unit) continue;
    if (!trace) trace = std::make_unique<Trace>();
    trace->record(target.tap);
  }
  return trace;
}

namespace {

at::Tensor unit_value(const Target& target, const Trace* trace) {
  check(trace, "the target {} needs a trace", target.tap);
  auto value = trace->at(target.tap);
  check(static_cast<int64_t>(target.position.size()) == value.dim() - 1,
        "'{}' has {} dimensions after the batch, but {} indices were given", target.tap, value.dim() - 1,
        target.position.size());
  for (int64_t p : target.position) {
    check(p >= 0 && p < value.size(1), "index {} of '{}' is out of range: its size there is {}", p + 1, target.tap,
          value.size(1));
    value = value.select(1, p);
  }
  return value;
}

}  // namespace

at::Tensor evaluate(std::span<const Target> targets, const Signature& signature, const Output& output,
                    const Trace* trace) {
  at::Tensor probabilities;
  std::vector<at::Tensor> columns;
  for (const auto& target : targets) {
    switch (target.kind) {
      case Target::Kind::logit:
      case Target::Kind::regression: columns.push_back(output.logits.select(1, target.index)); break;
      case Target::Kind::feature: columns.push_back(output.features.select(1, target.index)); break;
      case Target::Kind::unit: columns.push_back(unit_value(target, trace)); break;
      case Target::Kind::probability:
        if (!probabilities.defined())
          probabilities = signature.task == Task::multilabel ? at::sigmoid(output.logits) : at::softmax(output.logits, 1);
        columns.push_back(probabilities.select(1, target.index));
        break;
    }
  }
  return at::stack(columns, 1);
}

}  // namespace multiviz
