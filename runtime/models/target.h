#pragma once
#include <string>
#include <vector>

#include "models/model.h"

namespace multiviz {

// The scalar that a method explains. Indices are 0-based here; the script surface counts from 1.
struct Target {
  enum class Kind { logit, probability, feature, unit, regression };
  Kind kind = Kind::logit;
  int64_t index = 0;              // label for logit and probability, k for feature
  std::string tap;                // for unit: the name of the activation ...
  std::vector<int64_t> position;  // ... and where in it, after the batch dimension

  static Target logit(int64_t label) { return {Kind::logit, label, {}, {}}; }
  static Target probability(int64_t label) { return {Kind::probability, label, {}, {}}; }
  static Target feature(int64_t k) { return {Kind::feature, k, {}, {}}; }
  static Target regression() { return {Kind::regression, 0, {}, {}}; }
  static Target unit(std::string tap, std::vector<int64_t> position) {
    return {Kind::unit, 0, std::move(tap), std::move(position)};
  }

  // "logit of red", "feature 17", "unit image.conv4[3, 5, 5]"; positions printed 1-based.
  std::string describe(const Signature& signature) const;
  // Throws Error when the label, feature or tap does not exist in this model.
  void validate(const Signature& signature) const;
};

// The trace patterns that these targets need: null when none does. Keep it alive during the forward pass.
std::unique_ptr<Trace> trace_for(std::span<const Target> targets);

// [B, K]: one column per target. `trace` is the one from trace_for, after the forward pass.
// Probability is softmax over labels for classification, sigmoid for multi-label.
at::Tensor evaluate(std::span<const Target> targets, const Signature& signature, const Output& output,
                    const Trace* trace);

}  // namespace multiviz
