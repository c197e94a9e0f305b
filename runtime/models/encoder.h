#pragma once
#include "models/pretrained.h"

namespace multiviz {

// A pretrained network of one modality. With a classifier its labels are those of the checkpoint and its features what
// the classifier's last layer reads; without one its outputs are the features themselves ("feature 1", ...). Everything
// but that last layer is the encoder.
class EncoderModel : public PretrainedModel {
 public:
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  // Without running statistics of normalisations, which are buffers.
  NamedTensors parameters() const override;
  NamedTensors buffers() const override;
  // The last states of all positions [B, T, states_width()], before they are pooled: tokens, patches after the first
  // token, or the cells of a map row by row.
  virtual at::Tensor states(const Leaf& leaf, Trace* trace) const = 0;
  virtual int64_t states_width() const = 0;

 protected:
  explicit EncoderModel(Pretrained& from) : PretrainedModel(from) {}

  // Takes NAME.weight and NAME.bias when the checkpoint has them and its architecture is a classifier. `width` is that
  // of the features.
  void read_classifier(WeightReader& weights, const std::string& name, int64_t width, const std::string& where);
  // States to features [B, D].
  virtual at::Tensor pool(const at::Tensor& states, const at::Tensor& mask, Trace* trace) const = 0;
  // logits and features of encoded rows, and the activations that a trace of all taps held.
  RawOutputs raw_outputs(const at::Tensor& features, const Trace& trace, const std::string& name, int64_t layers) const;

  LinearWeights classifier_;  // undefined without one
};

// "BertForSequenceClassification" when config.json says so, "" when it is silent.
std::string architecture_of(const nlohmann::json& config, const std::string& where);

// Whether the checkpoint's architecture is a classifier of whole inputs, as far as config.json says.
bool may_classify(const nlohmann::json& config, const std::string& where);

}  // namespace multiviz
