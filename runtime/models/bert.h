#pragma once
#include "models/encoder.h"

namespace multiviz {

// BERT (Devlin et al. 2019) and RoBERTa (Liu et al. 2019) as transformers has them, with the head for sequence
// classification or none. Features: what the classifier reads; without one the pooled first token, or, where the
// checkpoint has no pooler, the first token's last state. With the option pool = "mean" they are the mean of all
// tokens' last states (of RoBERTa's and BERT's body alone: the classifier is left out).
//
// Leaf: word embeddings [B, T, E], before position and type are added; all of type 0.
// Taps: text.embeddings [B, T, E], text.layer.1.attention [B, heads, T, T], text.layer.1.hidden [B, T, E], ...,
// text.pooled [B, E] (where there is a pooler or a RoBERTa classifier), features [B, D], logits [B, C].
class BertEncoder : public EncoderModel {
 public:
  // Throws Error for settings that make no model and for weights that do not fit them.
  explicit BertEncoder(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  at::Tensor states(const Leaf& leaf, Trace* trace) const override;
  int64_t states_width() const override { return width_; }
  // BertModel, BertForSequenceClassification and RoBERTa's: input_ids or inputs_embeds, attention_mask, token_type_ids,
  // position_ids -> last_hidden_state, hidden_states, attentions, pooler_output, logits, features.
  RawOutputs forward_raw(const RawInputs& inputs) const override;

 private:
  void read_settings(const nlohmann::json& config, const std::string& where);
  void read_network(WeightReader& weights, const std::string& prefix);
  void read_head(WeightReader& weights, const std::string& prefix, const std::string& where);
  at::Tensor embed(const at::Tensor& words, const at::Tensor& positions, const at::Tensor& types, Trace* trace) const;
  at::Tensor run(at::Tensor x, const at::Tensor& mask, Trace* trace) const;
  at::Tensor pool(const at::Tensor& states, const at::Tensor& mask, Trace* trace) const override;

  bool roberta_ = false, mean_ = false;
  int64_t width_ = 0, layers_ = 0, heads_ = 0, inner_ = 0, vocabulary_ = 0, positions_ = 0, types_ = 0, padding_ = 0;
  double epsilon_ = 1e-12;
  Activation activation_ = nullptr;

  TextEmbeddingWeights text_;
  std::vector<BlockWeights> blocks_;
  LinearWeights pooler_;  // undefined without one; RoBERTa's classifier has its own
};

}  // namespace multiviz
