#include "models/parts.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "models/checkpoint.h"

namespace multiviz {
namespace {

void add(NamedTensors& into, const std::string& part, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) into.emplace_back(part_prefix(part) + name, tensor);
}

}  // namespace

std::string part_prefix(const std::string& part) { return "parts." + part + "."; }

Parts::Parts(std::vector<std::string> modalities, std::vector<ModelPtr> models, bool frozen)
    : modalities_(std::move(modalities)), models_(std::move(models)), frozen_(frozen) {
  if (models_.empty()) models_.resize(modalities_.size());
  check(models_.size() == modalities_.size(), "there are {} modalities and {} models: give one for each, or none",
        modalities_.size(), models_.size());
  for (size_t m = 0; m < models_.size(); ++m) {
    if (!models_[m]) continue;
    check_part_name(modalities_[m]);
    const auto& signature = models_[m]->signature();
    check(signature.modalities.size() == 1, "{} has {} modalities: an encoder of '{}' has one", signature.name,
          signature.modalities.size(), modalities_[m]);
    check(signature.differentiable, "{} is not differentiable, so it cannot encode '{}'", signature.name,
          modalities_[m]);
  }
}

void check_part_name(const std::string& modality) {
  const std::filesystem::path path = modality;
  check(!modality.empty() && path.filename() == path && modality != "." && modality != "..",
        "the modality '{}' has a model of its own, which is saved in a folder of this name: give it another", modality);
}

bool Parts::empty() const {
  return std::all_of(models_.begin(), models_.end(), [](const auto& model) { return model == nullptr; });
}

std::vector<std::pair<std::string, ModelPtr>> Parts::list() const {
  std::vector<std::pair<std::string, ModelPtr>> out;
  for (size_t m = 0; m < models_.size(); ++m)
    if (models_[m]) out.emplace_back(modalities_[m], models_[m]);
  return out;
}

std::vector<std::string> Parts::names() const {
  std::vector<std::string> out;
  for (const auto& [name, _] : list()) out.push_back(name);
  return out;
}

void Parts::add_parameters(NamedTensors& into) const {
  for (const auto& [name, model] : list())
    if (!frozen_) add(into, name, model->parameters());
}

void Parts::add_buffers(NamedTensors& into) const {
  for (const auto& [name, model] : list()) {
    if (frozen_) add(into, name, model->parameters());
    add(into, name, model->buffers());
  }
}

void Parts::add_taps(std::vector<std::string>& taps, bool only_states) const {
  for (const auto& [_, model] : list())
    for (const auto& tap : model->signature().taps) {
      if (tap == "features" || tap == "logits" || (only_states && tap.ends_with(".pooled"))) continue;
      check(std::find(taps.begin(), taps.end(), tap) == taps.end(),
            "two encoders have the tap '{}', so that nobody could tell whose it is: use one model of each kind", tap);
      taps.push_back(tap);
    }
}

void Parts::set_training(bool on) {
  for (auto& [_, model] : list())
    if (!frozen_) model->set_training(on);
}

void Parts::to(at::Device device) {
  for (auto& [_, model] : list()) model->to(device);
}

NamedTensors own_weights(const Model& model) {
  auto out = all_weights(model);
  for (const auto& [name, _] : model.parts())
    std::erase_if(out, [&](const auto& entry) { return entry.first.starts_with(part_prefix(name)); });
  return out;
}

}  // namespace multiviz
