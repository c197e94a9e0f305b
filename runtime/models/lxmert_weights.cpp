#include "core/error.h"
#include "io/json.h"
#include "models/lxmert.h"

namespace multiviz {
namespace {

constexpr double epsilon = 1e-12;  // of every norm, whatever the configuration says

}  // namespace

Lxmert::Lxmert(Pretrained from) : PretrainedModel(from) {
  auto settings = config();
  auto where = from.source + "/config.json";
  read_settings(settings, where);
  WeightReader weights(std::move(from.tensors), from.source, dtype());
  text_ = {weights.take("lxmert.embeddings.word_embeddings.weight", {vocabulary_, width_}),
           weights.take("lxmert.embeddings.position_embeddings.weight", {length_, width_}),
           weights.take("lxmert.embeddings.token_type_embeddings.weight", {types_, width_}),
           weights.norm("lxmert.embeddings.LayerNorm", width_, epsilon)};
  feature_ = weights.linear("lxmert.encoder.visn_fc.visn_fc", features_, width_);
  feature_norm_ = weights.norm("lxmert.encoder.visn_fc.visn_layer_norm", width_, epsilon);
  position_ = weights.linear("lxmert.encoder.visn_fc.box_fc", box_, width_);
  position_norm_ = weights.norm("lxmert.encoder.visn_fc.box_layer_norm", width_, epsilon);
  for (int64_t i = 0; i < question_layers_; ++i)
    question_blocks_.push_back(read_block(weights, fmt::format("lxmert.encoder.layer.{}.", i)));
  for (int64_t i = 0; i < region_layers_; ++i)
    region_blocks_.push_back(read_block(weights, fmt::format("lxmert.encoder.r_layers.{}.", i)));
  for (int64_t i = 0; i < cross_layers_; ++i)
    cross_.push_back(read_cross(weights, fmt::format("lxmert.encoder.x_layers.{}.", i)));
  pooler_ = weights.linear("lxmert.pooler.dense", width_, width_);
  check(weights.has("answer_head.logit_fc.3.weight"),
        "{} has no question answering head: load a checkpoint that was finetuned for it", from.source);
  int64_t labels = weights.size("answer_head.logit_fc.3.weight", 0);
  hidden_ = weights.linear("answer_head.logit_fc.0", width_, 2 * width_);
  hidden_norm_ = weights.norm("answer_head.logit_fc.2", 2 * width_, epsilon);
  classifier_ = weights.linear("answer_head.logit_fc.3", 2 * width_, labels);
  for (const char* other : {"cls.", "obj_predict_head."}) weights.ignore(other);  // of pretraining
  finish(weights);
  signature_.labels = config_labels(settings, labels, where);
  make_signature();
}

void Lxmert::read_settings(const nlohmann::json& config, const std::string& where) {
  auto size = [&](const char* key, int64_t otherwise) { return config_size(config, key, otherwise, where); };
  width_ = size("hidden_size", 768);
  heads_ = size("num_attention_heads", 12);
  inner_ = size("intermediate_size", 3072);
  vocabulary_ = size("vocab_size", 30522);
  length_ = size("max_position_embeddings", 512);
  types_ = size("type_vocab_size", 2);
  features_ = size("visual_feat_dim", 2048);
  box_ = size("visual_pos_dim", 4);
  question_layers_ = get_or<int64_t>(config, "l_layers", 9, where);
  region_layers_ = get_or<int64_t>(config, "r_layers", 5, where);
  cross_layers_ = size("x_layers", 5);
  activation_ = find_activation(get_or<std::string>(config, "hidden_act", "gelu", where));
  check(width_ % heads_ == 0, "{}: hidden_size {} is not a multiple of the {} attention heads", where, width_, heads_);
  for (int64_t layers : {question_layers_, region_layers_, cross_layers_})
    check(layers >= 0 && layers <= 1000, "{}: there cannot be {} layers of a kind: give 0 to 1000", where, layers);
}

AttentionWeights Lxmert::read_attention(WeightReader& weights, const std::string& name,
                                        const std::string& output) const {
  return {weights.linear(name + "query", width_, width_), weights.linear(name + "key", width_, width_),
          weights.linear(name + "value", width_, width_), weights.linear(output, width_, width_), heads_};
}

FeedForwardWeights Lxmert::read_feed(WeightReader& weights, const std::string& in, const std::string& out) const {
  return {weights.linear(in, width_, inner_), weights.linear(out, inner_, width_), activation_};
}

BlockWeights Lxmert::read_block(WeightReader& weights, const std::string& layer) const {
  return {read_attention(weights, layer + "attention.self.", layer + "attention.output.dense"),
          weights.norm(layer + "attention.output.LayerNorm", width_, epsilon),
          read_feed(weights, layer + "intermediate.dense", layer + "output.dense"),
          weights.norm(layer + "output.LayerNorm", width_, epsilon)};
}

Lxmert::CrossLayer Lxmert::read_cross(WeightReader& weights, const std::string& layer) const {
  auto side = [&](const char* name) -> BlockWeights {
    auto part = [&](const char* rest) { return fmt::format("{}{}_{}", layer, name, rest); };
    return {read_attention(weights, part("self_att.self."), part("self_att.output.dense")),
            weights.norm(part("self_att.output.LayerNorm"), width_, epsilon),
            read_feed(weights, part("inter.dense"), part("output.dense")),
            weights.norm(part("output.LayerNorm"), width_, epsilon)};
  };
  return {read_attention(weights, layer + "visual_attention.att.", layer + "visual_attention.output.dense"),
          weights.norm(layer + "visual_attention.output.LayerNorm", width_, epsilon), side("lang"), side("visn")};
}

void Lxmert::make_signature() {
  signature_.name = "lxmert";
  signature_.modalities = {{"objects", ModalityKind::time_series}, {"question", ModalityKind::text}};
  signature_.features = 2 * width_;
  auto& taps = signature_.taps;
  for (const auto& [name, _] : signature_.modalities) {
    taps.push_back(fmt::format("{}.embeddings", name));
    add_layer_taps(taps, name + ".layer", name == "question" ? question_layers_ : region_layers_);
  }
  for (int64_t i = 1; i <= cross_layers_; ++i)
    for (const char* name : {"question_to_objects", "objects_to_question", "question.attention", "question.hidden",
                             "objects.attention", "objects.hidden"})
      taps.push_back(fmt::format("fusion.layer.{}.{}", i, name));
  taps.insert(taps.end(), {"fusion.pooled", "features", "logits"});
}

}  // namespace multiviz
