#include "core/error.h"
#include "io/json.h"
#include "models/vilt.h"

namespace multiviz {

Vilt::Vilt(Pretrained from) : PretrainedModel(from) {
  auto settings = config();
  auto where = from.source + "/config.json";
  read_settings(settings, where);
  WeightReader weights(std::move(from.tensors), from.source, dtype());
  read_network(weights);
  read_head(weights, settings, where);
  finish(weights);
  make_signature();
}

void Vilt::read_settings(const nlohmann::json& config, const std::string& where) {
  auto size = [&](const char* key, int64_t otherwise) { return config_size(config, key, otherwise, where); };
  width_ = size("hidden_size", 768);
  layers_ = size("num_hidden_layers", 12);
  heads_ = size("num_attention_heads", 12);
  inner_ = size("intermediate_size", 3072);
  image_size_ = size("image_size", 384);
  patch_ = size("patch_size", 32);
  channels_ = size("num_channels", 3);
  vocabulary_ = size("vocab_size", 30522);
  length_ = size("max_position_embeddings", 40);
  types_ = size("type_vocab_size", 2);
  image_types_ = size("modality_type_vocab_size", 2);
  most_patches_ = get_or<int64_t>(config, "max_image_length", -1, where);
  epsilon_ = get_or<double>(config, "layer_norm_eps", 1e-12, where);
  qkv_bias_ = get_or<bool>(config, "qkv_bias", true, where);
  activation_ = find_activation(get_or<std::string>(config, "hidden_act", "gelu", where));
  check(width_ % heads_ == 0, "{}: hidden_size {} is not a multiple of the {} attention heads", where, width_, heads_);
  check(patch_ <= image_size_, "{}: image_size {} is smaller than a patch of {}", where, image_size_, patch_);
  check(layers_ <= 1000, "{}: num_hidden_layers is {}: it must be at most 1000", where, layers_);
}

void Vilt::read_network(WeightReader& weights) {
  const std::string text = "vilt.embeddings.text_embeddings.";
  text_ = {weights.take(text + "word_embeddings.weight", {vocabulary_, width_}),
           weights.take(text + "position_embeddings.weight", {length_, width_}),
           weights.take(text + "token_type_embeddings.weight", {types_, width_}),
           weights.norm(text + "LayerNorm", width_, epsilon_)};
  int64_t side = image_size_ / patch_;
  class_token_ = weights.take("vilt.embeddings.cls_token", {1, 1, width_});
  positions_ = weights.take("vilt.embeddings.position_embeddings", {1, side * side + 1, width_});
  modality_types_ = weights.take("vilt.embeddings.token_type_embeddings.weight", {image_types_, width_});
  const std::string projection = "vilt.embeddings.patch_embeddings.projection";
  patches_ = {weights.take(projection + ".weight", {width_, channels_, patch_, patch_}),
              weights.take(projection + ".bias", {width_})};
  for (int64_t i = 0; i < layers_; ++i) {
    auto layer = fmt::format("vilt.encoder.layer.{}.", i), attention = layer + "attention.attention.";
    BlockWeights block;
    block.attention_norm = weights.norm(layer + "layernorm_before", width_, epsilon_);
    block.attention = {weights.linear(attention + "query", width_, width_, qkv_bias_),
                       weights.linear(attention + "key", width_, width_, qkv_bias_),
                       weights.linear(attention + "value", width_, width_, qkv_bias_),
                       weights.linear(layer + "attention.output.dense", width_, width_), heads_};
    block.feed_norm = weights.norm(layer + "layernorm_after", width_, epsilon_);
    block.feed = {weights.linear(layer + "intermediate.dense", width_, inner_),
                  weights.linear(layer + "output.dense", inner_, width_), activation_};
    blocks_.push_back(std::move(block));
  }
  norm_ = weights.norm("vilt.layernorm", width_, epsilon_);
  pooler_ = weights.linear("vilt.pooler.dense", width_, width_);
}

void Vilt::read_head(WeightReader& weights, const nlohmann::json& config, const std::string& where) {
  constexpr double epsilon = 1e-5;  // the classifiers' own
  if (weights.has("rank_output.weight")) {
    head_ = Head::retrieval;
    classifier_ = weights.linear("rank_output", width_, 1);
    signature_.labels = {"no match", "match"};
    signature_.features = width_;
    return;
  }
  check(
      weights.has("classifier.3.weight"),
      "{} has no head for question answering, retrieval or NLVR2: load a checkpoint that was finetuned for one of them",
      where);
  auto images = get_or<int64_t>(config, "num_images", -1, where);
  int64_t inner = 2 * width_;
  if (images > 0) {
    constexpr int64_t most = 16;
    check(images <= most, "{}: num_images is {}: it must be at most {}", where, images, most);
    head_ = Head::images;
    images_ = images;
    inner = images * width_;
  }
  int64_t labels = weights.size("classifier.3.weight", 0);
  hidden_ = weights.linear("classifier.0", images > 0 ? inner : width_, inner);
  hidden_norm_ = weights.norm("classifier.1", inner, epsilon);
  classifier_ = weights.linear("classifier.3", inner, labels);
  signature_.labels = config_labels(config, labels, where);
  signature_.features = inner;
}

void Vilt::make_signature() {
  signature_.name = head_ == Head::answers  ? "vilt-question-answering"
                    : head_ == Head::images ? "vilt-images-and-text"
                                            : "vilt-retrieval";
  for (int64_t i = 0; i < images_; ++i) signature_.modalities.push_back({image_name(i), ModalityKind::image});
  signature_.modalities.push_back({head_ == Head::answers ? "question" : "text", ModalityKind::text});
  auto& taps = signature_.taps;
  for (int64_t i = 0; i < images_; ++i) taps.push_back(image_name(i) + ".embeddings");
  taps.push_back("text.embeddings");
  for (int64_t i = 0; i < images_; ++i) {
    taps.push_back(fusion_name(i) + ".embeddings");
    add_layer_taps(taps, fusion_name(i) + ".layer", layers_);
    taps.push_back(fusion_name(i) + ".output");
    taps.push_back(fusion_name(i) + ".pooled");
  }
  taps.insert(taps.end(), {"features", "logits"});
}

}  // namespace multiviz
