#include "models/encoder.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "io/json.h"

namespace multiviz {

namespace {

bool is_statistic(const std::string& name) { return name.find(".running_") != std::string::npos; }

}  // namespace

NamedTensors EncoderModel::parameters() const {
  auto out = weights_;
  std::erase_if(out, [](const auto& entry) { return is_statistic(entry.first); });
  return out;
}

NamedTensors EncoderModel::buffers() const {
  auto out = PretrainedModel::buffers();
  for (const auto& entry : weights_)
    if (is_statistic(entry.first)) out.push_back(entry);
  return out;
}

std::string architecture_of(const nlohmann::json& config, const std::string& where) {
  auto found = config.find("architectures");
  if (found == config.end() || found->is_null()) return "";
  auto names = as<std::vector<std::string>>(*found, where + ": architectures");
  return names.empty() ? "" : names.front();
}

bool may_classify(const nlohmann::json& config, const std::string& where) {
  auto name = architecture_of(config, where);
  return name.empty() || name.ends_with("ForSequenceClassification") || name.ends_with("ForImageClassification");
}

void EncoderModel::read_classifier(WeightReader& weights, const std::string& name, int64_t width,
                                   const std::string& where) {
  auto settings = config();
  signature_.features = width;
  if (weights.has(name + ".weight") && may_classify(settings, where)) {
    auto labels = weights.size(name + ".weight", 0);
    classifier_ = weights.linear(name, width, labels);
    signature_.labels = config_labels(settings, labels, where);
    return;
  }
  for (int64_t i = 1; i <= width; ++i) signature_.labels.push_back(fmt::format("feature {}", i));
}

Encoding EncoderModel::encode(size_t, const Leaf& leaf, Trace* trace) const {
  return {{pool(states(leaf, trace), leaf.mask, trace)}};
}

Output EncoderModel::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == 1 && encodings[0].tensors.size() == 1, "{} has one encoding", signature_.name);
  auto features = tap(trace, "features", encodings[0].tensors[0]);
  auto logits = classifier_.weight.defined() ? linear(features, classifier_) : features;
  return {tap(trace, "logits", logits.to(at::kFloat)), features.to(at::kFloat)};
}

RawOutputs EncoderModel::raw_outputs(const at::Tensor& features, const Trace& trace, const std::string& name,
                                     int64_t layers) const {
  std::vector<Encoding> encodings = {{{features}}};
  auto output = fuse(encodings, nullptr);
  RawOutputs out;
  out["features"].tensor = output.features;
  if (classifier_.weight.defined()) out["logits"].tensor = output.logits;
  auto hidden = traced_layers(trace, name + ".layer", layers, "hidden");
  hidden.insert(hidden.begin(), trace.at(name + ".embeddings"));
  out["hidden_states"] = raw_list(hidden);
  out["attentions"] = raw_list(traced_layers(trace, name + ".layer", layers, "attention"));
  return out;
}

}  // namespace multiviz
