#pragma once
#include <optional>

#include "models/pretrained.h"
#include "nn/clip_resnet.h"

namespace multiviz {

// CLIP (Radford et al. 2021) with a ViT image tower, as transformers has it, or a ResNet's (vision_config with the
// model_type "clip_resnet", which models/clip_openai.h makes of OpenAI's files): two networks whose embeddings are
// compared, s = exp(scale) <image, text>. Labels are "no match" and "match", logits 0 and s, and features both
// embeddings, [B, 2 P]. With the option {"captions": [...]} the captions are the labels instead, the image is the only
// modality, and features are its embedding [B, P]; config() keeps them.
//
// Leaves: word embeddings [B, T, E], before positions are added; pixels [B, 3, H, W]. A modality encodes to its
// embedding of length 1, [B, P], so that a grid of pairs is one matrix product.
// Taps: image.layer.1.attention [B, heads, 1 + N, 1 + N], image.layer.1.hidden, ..., image.pooled [B, E],
// image.embedding [B, P], the same for text, features, logits. A ResNet's: image.embeddings, image.stage.1 ..., 4,
// image.pool.attention [B, heads, 1, 1 + N], image.embedding.
class Clip : public PretrainedModel {
 public:
  // Throws Error for settings that make no model, weights that do not fit them, and captions without a tokenizer.
  explicit Clip(Pretrained from);

  Leaf prepare(size_t modality, std::span<const Value> values) const override;
  Encoding encode(size_t modality, const Leaf& leaf, Trace* trace) const override;
  Output fuse(std::span<const Encoding> encodings, Trace* trace) const override;
  void fuse_grid(std::span<const Encoding> encodings, size_t a, size_t b,
                 const std::function<void(const GridBlock&)>& consumer, int64_t chunk = 0) const override;
  // CLIPModel: input_ids, attention_mask, pixel_values -> logits_per_image, logits_per_text, image_embeds, text_embeds,
  // text_model_output and vision_model_output (each last_hidden_state, pooler_output, hidden_states, attentions),
  // features (image and text embedding side by side, when there are as many of each).
  RawOutputs forward_raw(const RawInputs& inputs) const override;
  void to(at::Device device) override;
  // Without a ResNet's running statistics, which are buffers.
  NamedTensors parameters() const override;
  NamedTensors buffers() const override;

 private:
  struct Tower {
    int64_t width = 0, layers = 0, heads = 0, inner = 0;
    double epsilon = 1e-5;
    Activation activation = nullptr;
    std::vector<BlockWeights> blocks;
    LayerNormWeights norm;  // after the last layer
    LinearWeights projection;
  };

  static Tower read_tower(const nlohmann::json& config, const std::string& where);
  void read_blocks(Tower& tower, WeightReader& weights, const std::string& prefix) const;
  void read_vit(const nlohmann::json& config, WeightReader& weights, const std::string& where);
  void read_resnet(const nlohmann::json& config, WeightReader& weights, const std::string& where);
  void make_signature(const nlohmann::json& options);
  // Through all layers of a tower but the last: [B, T, E] -> [B, T, E].
  at::Tensor run(const Tower& tower, at::Tensor x, const at::Tensor& mask, Trace* trace, const std::string& name) const;
  // Whether more of the last layer is wanted than the position that the embedding is made of.
  bool wants_all(const Tower& tower, const Trace* trace, const std::string& name) const;
  // The tower's result at one position of each row -> the embedding [B, P], before it is scaled to length 1.
  at::Tensor project(const Tower& tower, const at::Tensor& pooled, Trace* trace, const std::string& name) const;
  at::Tensor embed_image(const at::Tensor& pixels, Trace* trace) const;
  RawOutput image_output(const Trace& trace) const;
  // `last` is int64 [B], the position that is read; `mask` is bool [B, T].
  at::Tensor embed_words(const at::Tensor& words, const at::Tensor& last, const at::Tensor& mask, Trace* trace) const;
  at::Tensor last_positions(const at::Tensor& ids) const;
  Output similarity(const at::Tensor& image, const at::Tensor& text, Trace* trace) const;

  Tower image_, text_;
  std::optional<ClipResnet> resnet_;  // in place of image_
  int64_t image_size_ = 0, patch_ = 0, channels_ = 0, vocabulary_ = 0, length_ = 0, embedding_ = 0, end_ = 0;
  LinearWeights patches_;
  at::Tensor class_token_, image_positions_;  // [E], [1 + N, E]
  LayerNormWeights image_first_norm_;
  at::Tensor words_, text_positions_;  // [V, E], [P, E]
  at::Tensor scale_;                   // []
  at::Tensor captions_;                // [C, P], of length 1; undefined without captions
};

}  // namespace multiviz
