#pragma once
#include "models/model.h"
#include "nn/weights.h"

namespace multiviz {

// The models that a model is put together from, one a modality at most. Each has one modality, is differentiable, and
// keeps its own names and files (Model::parts).
class Parts {
 public:
  Parts() = default;
  // `models` is empty, or has one entry a modality, null for none. Frozen parts do not train. Throws Error for a model
  // that cannot be a part.
  Parts(std::vector<std::string> modalities, std::vector<ModelPtr> models, bool frozen);

  const Model* operator[](size_t modality) const { return models_[modality].get(); }  // null for none
  bool empty() const;
  bool frozen() const { return frozen_; }
  std::vector<std::pair<std::string, ModelPtr>> list() const;
  std::vector<std::string> names() const;

  void add_parameters(NamedTensors& into) const;
  void add_buffers(NamedTensors& into) const;
  // Those that come before features and logits, and when only its states are read, before they are pooled. Throws Error
  // when two parts have one of the same name.
  void add_taps(std::vector<std::string>& taps, bool only_states = false) const;
  void set_training(bool on);
  void to(at::Device device);

 private:
  std::vector<std::string> modalities_;
  std::vector<ModelPtr> models_;
  bool frozen_ = false;
};

// Parts are saved in folders of their modality's name: throws Error when it is no name of a folder.
void check_part_name(const std::string& modality);

// The tensors that are saved with a model itself and not with its parts.
NamedTensors own_weights(const Model& model);

}  // namespace multiviz
