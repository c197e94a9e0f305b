#pragma once
#include "models/pretrained.h"

namespace multiviz {

// LXMERT with its question answering head (Tan & Bansal 2019) as transformers has it: one transformer over the words,
// one over the regions that a detector found in the image, then layers in which each looks at the other. Features are
// the layer before the answers', twice the hidden size (1536).
//
// The modality "objects" is a time series whose frames are the regions: F = features of the region (2048), then its box
// (x0, y0, x1, y1) / (width, height) of the image, so a region is a player of every method. Regions may be fewer in one
// row than in another. Leaves: regions [B, R, F + 4]; word embeddings [B, T, E], before position and type are added.
// A modality encodes to what its own layers make of it; the layers that cross are the fusion.
// Taps: question.layer.1.attention, question.layer.1.hidden, ..., the same for objects; of each layer that crosses
// fusion.layer.1.question_to_objects (attention maps [B, heads, T, R]), .objects_to_question, .question.attention,
// .objects.attention, .question.hidden, .objects.hidden; fusion.pooled, features, logits.
class Lxmert : public PretrainedModel {
 public:
  // Throws Error for settings that make no model and for weights that do not fit them.
  explicit Lxmert(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  // LxmertForQuestionAnswering: input_ids or inputs_embeds, attention_mask, token_type_ids, visual_feats, visual_pos,
  // visual_attention_mask -> question_answering_score, language_hidden_states, vision_hidden_states,
  // language_attentions, vision_attentions, cross_encoder_attentions, pooled_output, features.
  RawOutputs forward_raw(const RawInputs& inputs) const override;
  // Numbers of a region: its features and its box.
  int64_t region_size() const { return features_ + box_; }

 private:
  struct CrossLayer {
    AttentionWeights cross;  // in both directions
    LayerNormWeights cross_norm;
    BlockWeights question, regions;
  };

  void read_settings(const nlohmann::json& config, const std::string& where);
  AttentionWeights read_attention(WeightReader& weights, const std::string& name, const std::string& output) const;
  FeedForwardWeights read_feed(WeightReader& weights, const std::string& in, const std::string& out) const;
  BlockWeights read_block(WeightReader& weights, const std::string& layer) const;
  CrossLayer read_cross(WeightReader& weights, const std::string& layer) const;
  void make_signature();
  Leaf prepare_regions(std::span<const Value> values) const;
  Encoding encode_question(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& types,
                           Trace* trace) const;
  Encoding encode_regions(const at::Tensor& regions, const at::Tensor& mask, Trace* trace) const;

  int64_t width_ = 0, heads_ = 0, inner_ = 0, vocabulary_ = 0, length_ = 0, types_ = 0, features_ = 0, box_ = 0;
  int64_t question_layers_ = 0, region_layers_ = 0, cross_layers_ = 0;
  Activation activation_ = nullptr;

  TextEmbeddingWeights text_;
  LinearWeights feature_, position_;
  LayerNormWeights feature_norm_, position_norm_;
  std::vector<BlockWeights> question_blocks_, region_blocks_;
  std::vector<CrossLayer> cross_;
  LinearWeights pooler_, hidden_, classifier_;
  LayerNormWeights hidden_norm_;
};

}  // namespace multiviz
