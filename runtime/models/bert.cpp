#include "models/bert.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "io/json.h"
#include "nn/bert_block.h"

namespace multiviz {

BertEncoder::BertEncoder(Pretrained from) : EncoderModel(from) {
  auto settings = config();
  auto where = from.source + "/config.json";
  read_settings(settings, where);
  WeightReader weights(std::move(from.tensors), from.source, dtype());
  std::string prefix;
  for (const char* name : {"bert.", "roberta."})
    if (weights.has(name + std::string("embeddings.word_embeddings.weight"))) prefix = name;
  read_network(weights, prefix);
  auto kind = get_or<std::string>(from.options, "pool", get_or<std::string>(settings, "pool", "first", where),
                                  "the options of " + from.source);
  check(kind == "first" || kind == "mean", "{}: pool is '{}': it must be 'first' or 'mean'", from.source, kind);
  mean_ = kind == "mean";
  if (mean_) set_config("pool", kind);
  read_head(weights, prefix, where);
  finish(weights);

  signature_.name = roberta_ ? "roberta" : "bert";
  signature_.modalities = {{"text", ModalityKind::text}};
  signature_.taps.push_back("text.embeddings");
  add_layer_taps(signature_.taps, "text.layer", layers_);
  if (pooler_.weight.defined() && !mean_) signature_.taps.push_back("text.pooled");
  signature_.taps.insert(signature_.taps.end(), {"features", "logits"});
}

void BertEncoder::read_settings(const nlohmann::json& config, const std::string& where) {
  auto size = [&](const char* key, int64_t otherwise) { return config_size(config, key, otherwise, where); };
  roberta_ = get_or<std::string>(config, "model_type", "bert", where) != "bert";
  width_ = size("hidden_size", 768);
  layers_ = size("num_hidden_layers", 12);
  heads_ = size("num_attention_heads", 12);
  inner_ = size("intermediate_size", 3072);
  vocabulary_ = size("vocab_size", roberta_ ? 50265 : 30522);
  positions_ = size("max_position_embeddings", 512);
  types_ = size("type_vocab_size", 2);
  padding_ = get_or<int64_t>(config, "pad_token_id", roberta_ ? 1 : 0, where);
  epsilon_ = get_or<double>(config, "layer_norm_eps", 1e-12, where);
  activation_ = find_activation(get_or<std::string>(config, "hidden_act", "gelu", where));
  check(width_ % heads_ == 0, "{}: hidden_size {} is not a multiple of the {} attention heads", where, width_, heads_);
  check(layers_ <= 1000, "{}: num_hidden_layers is {}: it must be at most 1000", where, layers_);
  check(!roberta_ || (padding_ >= 0 && padding_ + 1 < positions_), "{}: pad_token_id is {}, and there are {} positions",
        where, padding_, positions_);
  check(!get_or(config, "is_decoder", false, where), "{}: decoders cannot be loaded: is_decoder is true", where);
  auto kind = get_or<std::string>(config, "position_embedding_type", "absolute", where);
  check(kind == "absolute", "{}: position_embedding_type is '{}': only 'absolute' is known", where, kind);
}

void BertEncoder::read_network(WeightReader& weights, const std::string& prefix) {
  const std::string text = prefix + "embeddings.";
  text_ = {weights.take(text + "word_embeddings.weight", {vocabulary_, width_}),
           weights.take(text + "position_embeddings.weight", {positions_, width_}),
           weights.take(text + "token_type_embeddings.weight", {types_, width_}),
           weights.norm(text + "LayerNorm", width_, epsilon_)};
  weights.ignore(text + "position_ids");
  BertShape shape{width_, inner_, heads_, epsilon_, activation_};
  for (int64_t i = 0; i < layers_; ++i)
    blocks_.push_back(read_bert_block(weights, fmt::format("{}encoder.layer.{}.", prefix, i), shape));
}

void BertEncoder::read_head(WeightReader& weights, const std::string& prefix, const std::string& where) {
  // What the network was trained for first, and heads for single tokens.
  for (const char* other : {"cls.", "lm_head.", "qa_outputs."}) weights.ignore(other);
  if (mean_ || !may_classify(config(), where)) weights.ignore("classifier.");
  bool own = weights.has("classifier.dense.weight") && may_classify(config(), where) && !mean_;
  if (own)
    pooler_ = weights.linear("classifier.dense", width_, width_);
  else if (weights.has(prefix + "pooler.dense.weight"))
    pooler_ = weights.linear(prefix + "pooler.dense", width_, width_);
  if (own) weights.ignore(prefix + "pooler.");
  read_classifier(weights, mean_ ? "" : own ? "classifier.out_proj" : "classifier", width_, where);
}

Leaf BertEncoder::prepare(size_t modality, std::span<const Value> values) const {
  return prepare_text(modality, values, text_.words, roberta_ ? positions_ - padding_ - 1 : positions_);
}

at::Tensor BertEncoder::embed(const at::Tensor& words, const at::Tensor& positions, const at::Tensor& types,
                              Trace* trace) const {
  check(words.dim() == 3 && words.size(2) == width_, "the text leaf of {} is [B, T, {}], not [{}]", signature_.name,
        width_, fmt::join(words.sizes(), ", "));
  at::Tensor x;
  if (positions.defined()) {
    int64_t most = roberta_ ? positions_ - padding_ - 1 : positions_;
    check(words.size(1) <= most, "'text' has {} tokens, and the model has positions for {}: shorten it", words.size(1),
          most);
    auto type = types.defined() ? at::embedding(text_.types, types) : text_.types.slice(0, 0, 1);
    x = layer_norm(words.to(dtype()) + at::embedding(text_.positions, positions) + type, text_.norm);
  } else {
    x = embed_text(words.to(dtype()), types, text_, "text");
  }
  return tap(trace, "text.embeddings", x);
}

at::Tensor BertEncoder::run(at::Tensor x, const at::Tensor& mask, Trace* trace) const {
  auto additive = additive_mask(mask, dtype());
  for (size_t i = 0; i < blocks_.size(); ++i)
    x = post_norm_block(x, blocks_[i], additive, trace, fmt::format("text.layer.{}", i + 1));
  return x;
}

at::Tensor BertEncoder::pool(const at::Tensor& states, const at::Tensor& mask, Trace* trace) const {
  if (mean_) {
    if (!mask.defined()) return states.mean(1);
    auto real = mask.unsqueeze(2).to(states.scalar_type());
    return (states * real).sum(1) / real.sum(1);
  }
  auto first = states.select(1, 0);
  return pooler_.weight.defined() ? tap(trace, "text.pooled", linear(first, pooler_).tanh()) : first;
}

at::Tensor BertEncoder::states(const Leaf& leaf, Trace* trace) const {
  const auto& words = leaf.tensor;
  auto real =
      leaf.mask.defined() ? leaf.mask : at::ones({words.size(0), words.size(1)}, words.options().dtype(at::kBool));
  return run(embed(words, roberta_ ? roberta_positions(real, padding_) : at::Tensor(), {}, trace), leaf.mask, trace);
}

RawOutputs BertEncoder::forward_raw(const RawInputs& inputs) const {
  check_raw_inputs(inputs, signature_.name,
                   {"input_ids", "inputs_embeds", "attention_mask", "token_type_ids", "position_ids"}, {});
  auto ids = raw_input(inputs, "input_ids"), words = raw_input(inputs, "inputs_embeds");
  check(ids.defined() != words.defined(), "{} takes either input_ids or inputs_embeds", signature_.name);
  if (ids.defined()) {
    ids = ids.to(device(), at::kLong);
    words = at::embedding(text_.words, ids);
  }
  words = words.to(device());
  auto given = [&](const char* name, at::ScalarType type) {
    auto tensor = raw_input(inputs, name);
    return tensor.defined() ? tensor.to(device(), type) : tensor;
  };
  // As the reference has it, padding is what has the padding token, not what the mask hides.
  auto real =
      ids.defined() ? ids.ne(padding_) : at::ones({words.size(0), words.size(1)}, words.options().dtype(at::kBool));
  auto positions = given("position_ids", at::kLong);
  if (positions.defined())
    check(positions.dim() == 2 && (positions.size(0) == 1 || positions.size(0) == words.size(0)) &&
              positions.size(1) == words.size(1) && positions.min().item<int64_t>() >= 0 &&
              positions.max().item<int64_t>() < positions_,
          "position_ids of {} are [B, T], a position from 0 to {} for each of the {} tokens", signature_.name,
          positions_ - 1, words.size(1));
  if (!positions.defined() && roberta_) positions = roberta_positions(real, padding_);
  Trace trace;
  trace.record("text.*");
  auto x = embed(words, positions, given("token_type_ids", at::kLong), &trace);
  auto mask = given("attention_mask", at::kBool);
  auto last = run(x, mask, &trace);
  auto out = raw_outputs(pool(last, mask, &trace), trace, "text", layers_);
  out["last_hidden_state"].tensor = last;
  if (pooler_.weight.defined() && !mean_) out["pooler_output"].tensor = trace.at("text.pooled");
  return out;
}

}  // namespace multiviz
