#pragma once
#include "models/encoder.h"
#include "nn/resnet.h"

namespace multiviz {

// ResNet (He et al. 2016) with basic or bottleneck layers, with the head for image classification or none. Settings are
// those of transformers, names of weights those of transformers or torchvision. Features: the last stage's channels,
// averaged over the picture. The running statistics normalise in training as well.
//
// Leaf: pixels [B, C, H, W].
// Taps: image.embeddings [B, C0, H / 4, W / 4], image.stage.1 [B, C1, ...], ..., features [B, D], logits [B, C].
class ResnetEncoder : public EncoderModel {
 public:
  // Throws Error for settings that make no model and for weights that do not fit them.
  explicit ResnetEncoder(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  at::Tensor states(const Leaf& leaf, Trace* trace) const override;
  int64_t states_width() const override { return widths_.back(); }
  // ResNetModel and ResNetForImageClassification: pixel_values -> last_hidden_state, hidden_states, pooler_output,
  // logits, features.
  RawOutputs forward_raw(const RawInputs& inputs) const override;

 private:
  void read_settings(const nlohmann::json& config, const std::string& where);
  void read_network(WeightReader& weights, const std::string& prefix);
  at::Tensor pool(const at::Tensor& states, const at::Tensor& mask, Trace* trace) const override;

  std::vector<int64_t> widths_, depths_;  // of each stage
  int64_t channels_ = 0, first_ = 0;      // first_: channels after the stem
  bool first_stride_ = false;
  ResnetOptions options_;

  ConvNormWeights stem_;
  std::vector<ResnetStage> stages_;
};

}  // namespace multiviz
