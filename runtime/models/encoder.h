#pragma once
#include "models/pretrained.h"

namespace multiviz {

// A pretrained network of one modality. With a classifier its labels are those of the checkpoint and its features what
// the classifier's last layer reads; without one its outputs are the features themselves ("feature 1", ...). Everything
// but that last layer is the encoder.
class EncoderModel : public PretrainedModel {
 public:
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;

 protected:
  explicit EncoderModel(Pretrained& from) : PretrainedModel(from) {}

  // Takes NAME.weight and NAME.bias when the checkpoint has them and its architecture is a classifier. `width` is that
  // of the features.
  void read_classifier(WeightReader& weights, const std::string& name, int64_t width, const std::string& where);
  // logits and features of encoded rows, and the activations that a trace of all taps held.
  RawOutputs raw_outputs(const Encoding& encoding, const Trace& trace, const std::string& name, int64_t layers) const;

  LinearWeights classifier_;  // undefined without one
};

// "BertForSequenceClassification" when config.json says so, "" when it is silent.
std::string architecture_of(const nlohmann::json& config, const std::string& where);

// Whether the checkpoint's architecture is a classifier of whole inputs, as far as config.json says.
bool may_classify(const nlohmann::json& config, const std::string& where);

}  // namespace multiviz
