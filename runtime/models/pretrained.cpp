#include "models/pretrained.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "io/json.h"

namespace multiviz {

PretrainedModel::PretrainedModel(Pretrained& from)
    : config_(std::move(from.config)),
      dtype_(from.dtype),
      source_(from.source),
      tokenize_(std::move(from.tokenize)),
      process_(std::move(from.process)) {}

void PretrainedModel::finish(WeightReader& weights) {
  unused_ = weights.unused();
  weights_ = weights.finish();
}

void PretrainedModel::to(at::Device device) {
  // The network holds these same tensors, and sees where their data went.
  for (auto& [_, tensor] : weights_) tensor.set_data(tensor.to(device));
}

Leaf PretrainedModel::prepare_text(size_t modality, std::span<const Value> values, const at::Tensor& table,
                                   int64_t max_length) const {
  const auto& name = signature_.modalities[modality].name;
  check(tokenize_ != nullptr, "{} has no tokenizer files: give it tokens by forward_raw", source_);
  std::vector<std::string> texts;
  for (const auto& value : values) {
    check(std::holds_alternative<Text>(value), "'{}' takes text, and was given {}", name, kind_name(kind_of(value)));
    texts.push_back(std::get<Text>(value).string);
  }
  auto tokens = tokenize_(texts, max_length);
  auto largest = tokens.ids.max().item<int64_t>();
  check(largest < table.size(0), "the tokenizer of {} gives number {}, and the model knows {} tokens", source_, largest,
        table.size(0));
  Leaf leaf;
  leaf.tensor = at::embedding(table, tokens.ids.to(table.device())).to(at::kFloat);
  leaf.mask = tokens.mask.to(table.device());
  leaf.atoms = tokens.words.to(table.device());
  return leaf;
}

Leaf PretrainedModel::prepare_images(size_t modality, std::span<const Value> values) const {
  const auto& name = signature_.modalities[modality].name;
  check(process_ != nullptr, "{} has no preprocessor_config.json: give it pixels by forward_raw", source_);
  std::vector<at::Tensor> images;
  for (const auto& value : values) {
    check(std::holds_alternative<Image>(value), "'{}' takes an image, and was given {}", name,
          kind_name(kind_of(value)));
    const auto& pixels = std::get<Image>(value).pixels;
    check(pixels.defined() && pixels.dim() == 3 && pixels.size(2) == 3 && pixels.numel() > 0,
          "'{}' takes RGB pixels [H, W, 3] of at least one pixel", name);
    images.push_back(pixels.to(device()));
  }
  auto processed = process_(images);
  Leaf leaf;
  leaf.tensor = processed.pixels;
  if (processed.mask.defined() && !processed.mask.all().item<bool>()) leaf.mask = processed.mask;
  leaf.areas = std::move(processed.areas);
  return leaf;
}

int64_t config_size(const nlohmann::json& config, const std::string& key, int64_t otherwise, const std::string& where) {
  constexpr int64_t largest = 1 << 24;
  auto value = get_or<int64_t>(config, key, otherwise, where);
  check(value >= 1 && value <= largest, "{}: '{}' is {}: it must be a number from 1 to {}", where, key, value, largest);
  return value;
}

std::vector<std::string> config_labels(const nlohmann::json& config, int64_t count, const std::string& where) {
  std::vector<std::string> out;
  auto found = config.find("id2label");
  bool named = found != config.end() && found->is_object() && std::ssize(*found) == count;
  for (int64_t i = 0; i < count; ++i) {
    auto key = std::to_string(i);
    out.push_back(named && found->contains(key) ? as<std::string>((*found)[key], where + ": 'id2label'")
                                                : fmt::format("label {}", i + 1));
  }
  return out;
}

at::Tensor expand_batch(const at::Tensor& tensor, int64_t batch) {
  if (!tensor.defined() || tensor.size(0) == batch) return tensor;
  auto shape = tensor.sizes().vec();
  shape.front() = batch;
  return tensor.expand(shape);
}

std::vector<at::Tensor> traced_layers(const Trace& trace, const std::string& name, int64_t layers,
                                      const std::string& suffix) {
  std::vector<at::Tensor> out;
  for (int64_t i = 1; i <= layers; ++i) out.push_back(trace.at(fmt::format("{}.{}.{}", name, i, suffix)));
  return out;
}

void add_layer_taps(std::vector<std::string>& taps, const std::string& name, int64_t layers) {
  for (int64_t i = 1; i <= layers; ++i)
    for (const char* suffix : {"attention", "hidden"}) taps.push_back(fmt::format("{}.{}.{}", name, i, suffix));
}

}  // namespace multiviz
