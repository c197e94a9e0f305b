#pragma once
#include "models/encoder.h"

namespace multiviz {

// ViT (Dosovitskiy et al. 2021) as transformers has it, with the head for image classification or none. Features: what
// the classifier reads, the first token's state; without a classifier the pooled one where there is a pooler.
//
// Leaf: pixels [B, C, H, W]. For sizes other than the configuration's the positions are stretched (bicubic), as
// transformers does with interpolate_pos_encoding.
// Taps: image.embeddings [B, 1 + N, E], image.layer.1.attention [B, heads, 1 + N, 1 + N], image.layer.1.hidden, ...,
// image.output (after the last norm), features [B, D], logits [B, C].
class VitEncoder : public EncoderModel {
 public:
  // Throws Error for settings that make no model and for weights that do not fit them. Reads the names of every version
  // of transformers.
  explicit VitEncoder(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  at::Tensor states(const Leaf& leaf, Trace* trace) const override;
  int64_t states_width() const override { return width_; }
  // ViTModel and ViTForImageClassification: pixel_values -> last_hidden_state, hidden_states, attentions,
  // pooler_output, logits, features.
  RawOutputs forward_raw(const RawInputs& inputs) const override;

 private:
  void read_settings(const nlohmann::json& config, const std::string& where);
  void read_network(WeightReader& weights, const std::string& prefix);
  BlockWeights read_block(WeightReader& weights, const std::string& prefix, int64_t layer) const;
  at::Tensor positions_of(int64_t rows, int64_t columns) const;
  at::Tensor pool(const at::Tensor& states, const at::Tensor& mask, Trace* trace) const override;

  int64_t width_ = 0, layers_ = 0, heads_ = 0, inner_ = 0, rows_ = 0, columns_ = 0, patch_ = 0, channels_ = 0;
  int64_t pooled_ = 0;
  double epsilon_ = 1e-12;
  bool qkv_bias_ = true;
  Activation activation_ = nullptr, pooler_activation_ = nullptr;

  at::Tensor class_token_;  // [1, 1, E]
  at::Tensor positions_;    // [1, 1 + rows columns, E]
  LinearWeights patches_;
  std::vector<BlockWeights> blocks_;
  LayerNormWeights norm_;
  LinearWeights pooler_;  // undefined without one
};

}  // namespace multiviz
