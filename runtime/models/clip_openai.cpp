#include "models/clip_openai.h"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

#include "core/error.h"

namespace multiviz {
namespace {

using Tensors = std::map<std::string, at::Tensor>;
constexpr int64_t head_width = 64;

// OpenAI's names and transformers'.
const std::map<std::string, std::string> layer_names = {{"attn.out_proj.weight", "self_attn.out_proj.weight"},
                                                        {"attn.out_proj.bias", "self_attn.out_proj.bias"},
                                                        {"ln_1.weight", "layer_norm1.weight"},
                                                        {"ln_1.bias", "layer_norm1.bias"},
                                                        {"ln_2.weight", "layer_norm2.weight"},
                                                        {"ln_2.bias", "layer_norm2.bias"},
                                                        {"mlp.c_fc.weight", "mlp.fc1.weight"},
                                                        {"mlp.c_fc.bias", "mlp.fc1.bias"},
                                                        {"mlp.c_proj.weight", "mlp.fc2.weight"},
                                                        {"mlp.c_proj.bias", "mlp.fc2.bias"}};
const std::map<std::string, std::string> names = {
    {"token_embedding.weight", "text_model.embeddings.token_embedding.weight"},
    {"positional_embedding", "text_model.embeddings.position_embedding.weight"},
    {"ln_final.weight", "text_model.final_layer_norm.weight"},
    {"ln_final.bias", "text_model.final_layer_norm.bias"},
    {"logit_scale", "logit_scale"},
    {"visual.class_embedding", "vision_model.embeddings.class_embedding"},
    {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
    {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"},
    {"visual.ln_pre.weight", "vision_model.pre_layrnorm.weight"},
    {"visual.ln_pre.bias", "vision_model.pre_layrnorm.bias"},
    {"visual.ln_post.weight", "vision_model.post_layernorm.weight"},
    {"visual.ln_post.bias", "vision_model.post_layernorm.bias"}};
const std::pair<std::string, std::string> layer_prefixes[] = {
    {"visual.transformer.resblocks.", "vision_model.encoder.layers."},
    {"transformer.resblocks.", "text_model.encoder.layers."}};
const std::string sides[] = {"q_proj", "k_proj", "v_proj"};

const at::Tensor& find(const Tensors& tensors, const std::string& name, int64_t dim, const std::string& source) {
  auto found = tensors.find(name);
  check(found != tensors.end(), "{} looks like a CLIP of OpenAI's and has no '{}'", source, name);
  check(found->second.dim() == dim, "{}: '{}' has {} dimensions, not {}", source, name, found->second.dim(), dim);
  return found->second;
}

// How many of PREFIX0, PREFIX1, ... there are.
int64_t count(const Tensors& tensors, const std::string& prefix) {
  int64_t n = 0;
  auto any = [&](const std::string& start) {
    auto found = tensors.lower_bound(start);
    return found != tensors.end() && found->first.starts_with(start);
  };
  while (any(fmt::format("{}{}.", prefix, n))) ++n;
  return n;
}

int64_t heads_of(int64_t width) { return std::max<int64_t>(1, width / head_width); }

int64_t side_of(const at::Tensor& positions, const std::string& source) {
  auto cells = positions.size(0) - 1;
  auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(std::max<int64_t>(cells, 0)))));
  check(side >= 1 && side * side == cells, "{}: {} positions are not one and those of a square", source, cells + 1);
  return side;
}

nlohmann::json tower(int64_t width, int64_t layers) {
  return {{"hidden_size", width},           {"num_hidden_layers", layers}, {"num_attention_heads", heads_of(width)},
          {"intermediate_size", 4 * width}, {"hidden_act", "quick_gelu"},  {"layer_norm_eps", 1e-5}};
}

nlohmann::json vision_config(const Tensors& tensors, const std::string& source) {
  const auto& first = find(tensors, "visual.conv1.weight", 4, source);
  if (tensors.contains("visual.proj")) {
    auto config = tower(first.size(0), count(tensors, "visual.transformer.resblocks."));
    const auto& positions = find(tensors, "visual.positional_embedding", 2, source);
    config["patch_size"] = first.size(3);
    config["image_size"] = first.size(3) * side_of(positions, source);
    return config;
  }
  std::vector<int64_t> layers;
  for (int stage = 1; stage <= 4; ++stage) layers.push_back(count(tensors, fmt::format("visual.layer{}.", stage)));
  const auto& positions = find(tensors, "visual.attnpool.positional_embedding", 2, source);
  return {{"model_type", "clip_resnet"},
          {"layers", layers},
          {"hidden_size", 2 * first.size(0)},
          {"num_attention_heads", heads_of(positions.size(1))},
          {"image_size", 32 * side_of(positions, source)}};
}

// One layer's tensor under transformers' name. in_proj is three in one.
void convert_layer(Tensors& out, const std::string& layer, const std::string& rest, const at::Tensor& tensor,
                   const std::string& source) {
  if (rest == "attn.in_proj_weight" || rest == "attn.in_proj_bias") {
    check(tensor.dim() >= 1 && tensor.size(0) % 3 == 0, "{}: '{}{}' is not three matrices", source, layer, rest);
    auto parts = tensor.chunk(3, 0);
    const auto ending = rest.substr(rest.rfind('_') + 1);
    for (size_t i = 0; i < 3; ++i) out[fmt::format("{}self_attn.{}.{}", layer, sides[i], ending)] = parts[i];
    return;
  }
  auto found = layer_names.find(rest);
  out[layer + (found == layer_names.end() ? rest : found->second)] = tensor;
}

bool convert_block(Tensors& out, const std::string& name, const at::Tensor& tensor, const std::string& source) {
  for (const auto& [prefix, to] : layer_prefixes) {
    if (!name.starts_with(prefix)) continue;
    const auto dot = name.find('.', prefix.size());
    check(dot != std::string::npos, "{} looks like a CLIP of OpenAI's and has a tensor '{}'", source, name);
    convert_layer(out, to + name.substr(prefix.size(), dot + 1 - prefix.size()), name.substr(dot + 1), tensor, source);
    return true;
  }
  return false;
}

std::map<std::string, std::string> turned(const std::map<std::string, std::string>& names) {
  std::map<std::string, std::string> out;
  for (const auto& [from, to] : names) out[to] = from;
  return out;
}

// OpenAI's name of a layer's tensor, empty for another tensor's. What is the second or third of in_proj's three
// matrices has the name of the first and its `part`.
std::string openai_layer_name(const std::string& name, size_t& part) {
  static const auto back = turned(layer_names);
  part = 0;
  for (const auto& [prefix, from] : layer_prefixes) {
    if (!name.starts_with(from)) continue;
    const auto dot = name.find('.', from.size()) + 1;
    const auto layer = prefix + name.substr(from.size(), dot - from.size()), rest = name.substr(dot);
    for (size_t i = 0; i < 3; ++i)
      if (const auto start = "self_attn." + sides[i] + "."; rest.starts_with(start)) {
        part = i;
        return layer + "attn.in_proj_" + rest.substr(start.size());
      }
    return layer + (back.contains(rest) ? back.at(rest) : rest);
  }
  return "";
}

}  // namespace

bool is_openai_clip(const Tensors& tensors) {
  return tensors.contains("visual.conv1.weight") && tensors.contains("token_embedding.weight") &&
         tensors.contains("transformer.resblocks.0.attn.in_proj_weight");
}

nlohmann::json convert_openai_clip(Tensors& tensors, const std::string& source) {
  const auto& words = find(tensors, "token_embedding.weight", 2, source);
  const auto& projection = find(tensors, "text_projection", 2, source);
  auto text = tower(words.size(1), count(tensors, "transformer.resblocks."));
  text["vocab_size"] = words.size(0);
  text["eos_token_id"] = words.size(0) - 1;
  text["max_position_embeddings"] = find(tensors, "positional_embedding", 2, source).size(0);
  nlohmann::json config = {{"model_type", "clip"},
                           {"preprocessing", "openai"},
                           {"projection_dim", projection.size(1)},
                           {"text_config", text},
                           {"vision_config", vision_config(tensors, source)}};
  const bool resnet = !tensors.contains("visual.proj");
  Tensors out;
  for (const auto& [name, tensor] : tensors) {
    // What TorchScript archives hold beside the weights, and counters of training steps.
    if (name == "input_resolution" || name == "context_length" || name == "vocab_size") continue;
    if (name.ends_with(".num_batches_tracked") || convert_block(out, name, tensor, source)) continue;
    if (name == "text_projection" || name == "visual.proj")
      out[name == "visual.proj" ? "visual_projection.weight" : "text_projection.weight"] = tensor.t().contiguous();
    else if (resnet && name.starts_with("visual."))
      out["vision_model." + name.substr(7)] = tensor;
    else
      out[names.contains(name) ? names.at(name) : name] = tensor;
  }
  tensors = std::move(out);
  return config;
}

NamedTensors to_openai_clip(const NamedTensors& tensors) {
  static const auto back = turned(names);
  Tensors out;
  std::map<std::string, std::vector<at::Tensor>> joined;
  for (const auto& [name, tensor] : tensors) {
    size_t part = 0;
    if (const auto layer = openai_layer_name(name, part); layer.find(".attn.in_proj_") != std::string::npos) {
      auto& three = joined[layer];
      three.resize(3);
      three[part] = tensor;
    } else if (!layer.empty()) {
      out[layer] = tensor;
    } else if (name == "visual_projection.weight" || name == "text_projection.weight") {
      out[name.starts_with("visual") ? "visual.proj" : "text_projection"] = tensor.t();
    } else if (back.contains(name)) {
      out[back.at(name)] = tensor;
    } else {
      const std::string tower = "vision_model.";  // a ResNet's tensors
      out[name.starts_with(tower) ? "visual." + name.substr(tower.size()) : name] = tensor;
    }
  }
  for (const auto& [name, three] : joined) out[name] = at::cat(three);
  return {out.begin(), out.end()};
}

ImageProcessorOptions openai_clip_image_options(int64_t size) {
  ImageProcessorOptions options;
  options.resize = ImageProcessorOptions::Resize::shortest_edge;
  options.shortest_edge = size;
  options.resample = Resample::bicubic;
  options.crop_height = options.crop_width = size;
  options.mean = {0.48145466, 0.4578275, 0.40821073};
  options.deviation = {0.26862954, 0.26130258, 0.27577711};
  return options;
}

}  // namespace multiviz
