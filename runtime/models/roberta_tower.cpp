#include "models/roberta_tower.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "io/json.h"
#include "nn/bert_block.h"

namespace multiviz {

RobertaTower::RobertaTower(WeightReader& weights, const std::string& prefix, const nlohmann::json& config,
                           const std::string& where) {
  const auto text = prefix + "embeddings.", layers = prefix + "encoder.layer.";
  width_ = weights.size(text + "word_embeddings.weight", 1);
  int64_t positions = weights.size(text + "position_embeddings.weight", 0);
  constexpr int64_t usual_head = 64;
  int64_t heads =
      get_or<int64_t>(config, "num_attention_heads", width_ % usual_head == 0 ? width_ / usual_head : 0, where);
  check(heads > 0 && width_ % heads == 0,
        "{}: how many attention heads the text encoder of width {} has is not known: put its config.json beside the "
        "checkpoint, or give config = {{ text_encoder = {{ num_attention_heads = ... }} }}",
        where, width_);
  padding_ = get_or<int64_t>(config, "pad_token_id", 1, where);
  BertShape shape{width_, weights.size(layers + "0.intermediate.dense.weight", 0), heads,
                  get_or<double>(config, "layer_norm_eps", 1e-5, where),
                  find_activation(get_or<std::string>(config, "hidden_act", "gelu", where))};
  length_ = positions - padding_ - 1;
  check(padding_ >= 0 && (positions == 0 || length_ > 0), "{}: pad_token_id is {}, and there are {} positions", where,
        padding_, positions);
  text_ = {weights.take(text + "word_embeddings.weight", {weights.size(text + "word_embeddings.weight", 0), width_}),
           weights.take(text + "position_embeddings.weight", {positions, width_}),
           weights.take(text + "token_type_embeddings.weight",
                        {weights.size(text + "token_type_embeddings.weight", 0), width_}),
           weights.norm(text + "LayerNorm", width_, shape.epsilon)};
  for (int64_t i = 0; i == 0 || weights.has(fmt::format("{}{}.intermediate.dense.weight", layers, i)); ++i)
    blocks_.push_back(read_bert_block(weights, fmt::format("{}{}.", layers, i), shape));
}

at::Tensor RobertaTower::operator()(const at::Tensor& words, const at::Tensor& mask, const at::Tensor& real,
                                    Trace* trace, const std::string& name) const {
  check(words.size(1) <= length_, "'{}' has {} tokens, and the model has positions for {}: shorten it", name,
        words.size(1), length_);
  auto all = real.defined() ? real : at::ones({words.size(0), words.size(1)}, words.options().dtype(at::kBool));
  auto places = at::embedding(text_.positions, roberta_positions(all, padding_));
  auto x = tap(trace, name + ".embeddings", layer_norm(words + (places + text_.types.slice(0, 0, 1)), text_.norm));
  auto hidden = additive_mask(mask, x.scalar_type());
  for (size_t i = 0; i < blocks_.size(); ++i)
    x = post_norm_block(x, blocks_[i], hidden, trace, fmt::format("{}.layer.{}", name, i + 1));
  return x;
}

}  // namespace multiviz
