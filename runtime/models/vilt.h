#pragma once
#include "models/pretrained.h"

namespace multiviz {

// ViLT (Kim et al. 2021) as transformers has it: one transformer over words and image patches. Its heads are told apart
// by the weights: question answering, image-text retrieval (labels "no match" and "match", logits 0 and the score), and
// the two images of NLVR2. Features are the input of the last linear layer.
//
// Leaves: word embeddings [B, T, E], before position and type are added; pixels [B, 3, H, W]. Modalities encode to
// their embeddings alone: everything else sees both. Patches keep their order, and those of padding that fill up
// shorter images too (the reference shuffles the former and draws the latter at random). Where an image has more than
// max_image_length, that many are taken at even distances (the reference draws them at random). Taps:
// text.embeddings, image.embeddings (image1, image2), and of each run of the transformer, under fusion (NLVR2:
// fusion.image1, fusion.image2): .embeddings [B, T + N, E], .layer.1.attention [B, heads, T + N, T + N],
// .layer.1.hidden, ..., .output, .pooled [B, E]; features [B, D], logits [B, C].
class Vilt : public PretrainedModel {
 public:
  // Throws Error for settings that make no model and for weights that do not fit them.
  explicit Vilt(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  // ViltForQuestionAnswering, ViltForImageAndTextRetrieval, ViltForImagesAndTextClassification: input_ids or
  // inputs_embeds, attention_mask, token_type_ids, pixel_values, pixel_mask -> logits, hidden_states, attentions (a
  // list for each image of NLVR2), pooler_output, features.
  RawOutputs forward_raw(const RawInputs& inputs) const override;

 private:
  enum class Head { answers, retrieval, images };

  void read_settings(const nlohmann::json& config, const std::string& where);
  void read_network(WeightReader& weights);
  void read_head(WeightReader& weights, const nlohmann::json& config, const std::string& where);
  void make_signature();
  bool is_text(size_t modality) const { return modality == static_cast<size_t>(images_); }
  std::string image_name(int64_t image) const;   // "image", "image2"
  std::string fusion_name(int64_t image) const;  // "fusion", "fusion.image2"
  Encoding encode_text(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& types, Trace* trace) const;
  Encoding encode_image(int64_t image, const at::Tensor& pixels, const at::Tensor& mask, Trace* trace) const;
  at::Tensor place_patches(const at::Tensor& patches, int64_t rows, int64_t columns, const at::Tensor& mask,
                           at::Tensor& real) const;
  at::Tensor positions_of(int64_t rows, int64_t columns) const;
  at::Tensor pooled(const Encoding& text, const Encoding& image, int64_t number, Trace* trace) const;
  Output classify(const at::Tensor& pooled, Trace* trace) const;

  Head head_ = Head::answers;
  int64_t width_ = 0, layers_ = 0, heads_ = 0, inner_ = 0, image_size_ = 0, patch_ = 0, channels_ = 0;
  int64_t vocabulary_ = 0, length_ = 0, types_ = 0, image_types_ = 0, most_patches_ = -1, images_ = 1;
  double epsilon_ = 1e-12;
  bool qkv_bias_ = true;
  Activation activation_ = nullptr;

  TextEmbeddingWeights text_;
  at::Tensor class_token_;     // [1, 1, E]
  at::Tensor positions_;       // [1, 1 + g g, E]
  at::Tensor modality_types_;  // [K, E]
  LinearWeights patches_;
  std::vector<BlockWeights> blocks_;
  LayerNormWeights norm_;
  LinearWeights pooler_;
  LinearWeights hidden_;  // of the classifier; undefined for retrieval
  LayerNormWeights hidden_norm_;
  LinearWeights classifier_;
};

}  // namespace multiviz
