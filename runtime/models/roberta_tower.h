#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/transformer.h"
#include "nn/weight_reader.h"

namespace multiviz {

// RoBERTa (Liu et al. 2019) as a part of another network: words to the states of its last layer.
class RobertaTower {
 public:
  RobertaTower() = default;
  // Reads PREFIXembeddings.*, PREFIXencoder.layer.*. Sizes are those of the weights; `config` may hold
  // num_attention_heads (64 numbers each when it does not say), pad_token_id, layer_norm_eps and hidden_act as
  // transformers has them. Throws Error, naming `where`, when the heads do not divide the width or cannot be known;
  // what is missing or does not fit, `weights` reports when it finishes.
  RobertaTower(WeightReader& weights, const std::string& prefix, const nlohmann::json& config,
               const std::string& where);

  int64_t width() const { return width_; }  // E
  int64_t layers() const { return std::ssize(blocks_); }
  int64_t length() const { return length_; }  // the most tokens that it has positions for
  int64_t padding() const { return padding_; }
  const at::Tensor& words() const { return text_.words; }  // [V, E]

  // Word embeddings [B, T, E] -> states [B, T, E]. `mask` is bool [B, T], true where a token may be looked at;
  // `real` bool [B, T], true where there is a token, which positions are counted over. Both undefined when all are.
  // Taps: NAME.embeddings, NAME.layer.1.attention [B, heads, T, T], NAME.layer.1.hidden [B, T, E], ...
  at::Tensor operator()(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& real, Trace* trace,
                        const std::string& name) const;

 private:
  int64_t width_ = 0, length_ = 0, padding_ = 1;
  TextEmbeddingWeights text_;
  std::vector<BlockWeights> blocks_;
};

}  // namespace multiviz
