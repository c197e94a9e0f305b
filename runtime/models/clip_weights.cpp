#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <set>

#include "core/error.h"
#include "io/json.h"
#include "models/clip.h"

namespace multiviz {
namespace {

const nlohmann::json& part(const nlohmann::json& config, const char* key) {
  static const nlohmann::json none = nlohmann::json::object();
  auto found = config.find(key);
  return found == config.end() || found->is_null() ? none : *found;
}

}  // namespace

Clip::Tower Clip::read_tower(const nlohmann::json& config, const std::string& where) {
  Tower out;
  out.width = config_size(config, "hidden_size", 512, where);
  out.layers = config_size(config, "num_hidden_layers", 12, where);
  out.heads = config_size(config, "num_attention_heads", 8, where);
  out.inner = config_size(config, "intermediate_size", 4 * out.width, where);
  out.epsilon = get_or<double>(config, "layer_norm_eps", 1e-5, where);
  out.activation = find_activation(get_or<std::string>(config, "hidden_act", "quick_gelu", where));
  check(out.width % out.heads == 0, "{}: hidden_size {} is not a multiple of the {} attention heads", where, out.width,
        out.heads);
  check(out.layers <= 1000, "{}: num_hidden_layers is {}: it must be at most 1000", where, out.layers);
  return out;
}

void Clip::read_blocks(Tower& tower, WeightReader& weights, const std::string& prefix) const {
  int64_t width = tower.width;
  for (int64_t i = 0; i < tower.layers; ++i) {
    auto layer = fmt::format("{}.encoder.layers.{}.", prefix, i);
    BlockWeights block;
    block.attention = {weights.linear(layer + "self_attn.q_proj", width, width),
                       weights.linear(layer + "self_attn.k_proj", width, width),
                       weights.linear(layer + "self_attn.v_proj", width, width),
                       weights.linear(layer + "self_attn.out_proj", width, width), tower.heads};
    block.attention_norm = weights.norm(layer + "layer_norm1", width, tower.epsilon);
    block.feed = {weights.linear(layer + "mlp.fc1", width, tower.inner),
                  weights.linear(layer + "mlp.fc2", tower.inner, width), tower.activation};
    block.feed_norm = weights.norm(layer + "layer_norm2", width, tower.epsilon);
    tower.blocks.push_back(std::move(block));
  }
}

void Clip::read_vit(const nlohmann::json& config, WeightReader& weights, const std::string& where) {
  image_ = read_tower(config, where);
  patch_ = config_size(config, "patch_size", 32, where);
  channels_ = config_size(config, "num_channels", 3, where);
  check(patch_ <= image_size_, "{}: image_size {} is smaller than a patch of {}", where, image_size_, patch_);
  int64_t cells = (image_size_ / patch_) * (image_size_ / patch_);
  patches_ = {weights.take("vision_model.embeddings.patch_embedding.weight", {image_.width, channels_, patch_, patch_}),
              {}};
  class_token_ = weights.take("vision_model.embeddings.class_embedding", {image_.width});
  image_positions_ = weights.take("vision_model.embeddings.position_embedding.weight", {cells + 1, image_.width});
  image_first_norm_ = weights.norm("vision_model.pre_layrnorm", image_.width, image_.epsilon);  // its name, as it is
  read_blocks(image_, weights, "vision_model");
  image_.norm = weights.norm("vision_model.post_layernorm", image_.width, image_.epsilon);
  image_.projection = weights.linear("visual_projection", image_.width, embedding_, false);
}

void Clip::read_resnet(const nlohmann::json& config, WeightReader& weights, const std::string& where) {
  auto layers = require<std::vector<int64_t>>(config, "layers", where);
  check(layers.size() == 4, "{}: layers has {} stages, and the ResNet of CLIP has 4", where, layers.size());
  for (int64_t n : layers) check(n >= 1 && n <= 1000, "{}: a stage has {} layers: it must have 1 to 1000", where, n);
  int64_t width = config_size(config, "hidden_size", 64, where);
  int64_t heads = config_size(config, "num_attention_heads", 32, where);
  check(width % 2 == 0 && 32 * width % heads == 0, "{}: hidden_size {} does not fit {} attention heads", where, width,
        heads);
  check(image_size_ >= 32 && image_size_ % 32 == 0, "{}: image_size {} is not a multiple of 32", where, image_size_);
  channels_ = 3;
  resnet_ = ClipResnet(weights, "vision_model.", std::move(layers), width, image_size_, heads, embedding_);
}

Clip::Clip(Pretrained from) : PretrainedModel(from) {
  auto settings = config();
  auto where = from.source + "/config.json";
  // Older configurations leave out what the base model has: these are its numbers.
  nlohmann::json vision = {{"hidden_size", 768}, {"num_attention_heads", 12}}, text = nlohmann::json::object();
  vision.update(part(settings, "vision_config"));
  text.update(part(settings, "text_config"));
  text_ = read_tower(text, where + ": text_config");
  embedding_ = config_size(settings, "projection_dim", 512, where);
  image_size_ = config_size(vision, "image_size", 224, where + ": vision_config");
  vocabulary_ = config_size(text, "vocab_size", 49408, where + ": text_config");
  length_ = config_size(text, "max_position_embeddings", 77, where + ": text_config");
  end_ = get_or<int64_t>(text, "eos_token_id", 49407, where + ": text_config");

  WeightReader weights(std::move(from.tensors), from.source, dtype());
  if (get_or<std::string>(vision, "model_type", "", where + ": vision_config") == "clip_resnet")
    read_resnet(vision, weights, where + ": vision_config");
  else
    read_vit(vision, weights, where + ": vision_config");
  words_ = weights.take("text_model.embeddings.token_embedding.weight", {vocabulary_, text_.width});
  text_positions_ = weights.take("text_model.embeddings.position_embedding.weight", {length_, text_.width});
  read_blocks(text_, weights, "text_model");
  text_.norm = weights.norm("text_model.final_layer_norm", text_.width, text_.epsilon);
  text_.projection = weights.linear("text_projection", text_.width, embedding_, false);
  scale_ = weights.take("logit_scale", {});
  finish(weights);
  make_signature(from.options);
}

void Clip::make_signature(const nlohmann::json& options) {
  signature_.name = "clip";
  signature_.modalities = {{"image", ModalityKind::image}, {"text", ModalityKind::text}};
  signature_.labels = {"no match", "match"};
  signature_.features = 2 * embedding_;
  const auto saved = get_or<std::vector<std::string>>(config(), "captions", {}, "the settings of clip");
  const auto captions = get_or<std::vector<std::string>>(options, "captions", saved, "the options of clip");
  if (captions != saved) set_config("captions", captions);
  if (!captions.empty()) {
    check(std::set(captions.begin(), captions.end()).size() == captions.size(),
          "the captions of clip are its labels: give each of them once");
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> rows;
    for (const auto& caption : captions) {
      std::vector<Value> value = {Text{caption}};
      rows.push_back(encode(1, prepare(1, value), nullptr).tensors[0]);
    }
    captions_ = at::cat(rows, 0);
    signature_.labels = captions;
    signature_.modalities.pop_back();
    signature_.features = embedding_;
  }
  auto& taps = signature_.taps;
  for (std::string name : {"image", "text"}) {
    if (name == "text" && captions_.defined()) continue;
    taps.push_back(name + ".embeddings");
    if (name == "image" && resnet_) {
      for (int s = 1; s <= 4; ++s) taps.push_back(fmt::format("image.stage.{}", s));
      taps.insert(taps.end(), {"image.pool.attention", "image.embedding"});
      continue;
    }
    add_layer_taps(taps, name + ".layer", name == "image" ? image_.layers : text_.layers);
    for (const char* last : {".output", ".pooled", ".embedding"}) taps.push_back(name + last);
  }
  taps.insert(taps.end(), {"features", "logits"});
}

}  // namespace multiviz
