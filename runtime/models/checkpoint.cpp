#include "models/checkpoint.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <charconv>

#include "core/error.h"
#include "io/safetensors.h"

namespace multiviz {
namespace {

constexpr const char* format_name = "multiviz-training-1";

int64_t whole_number(const std::map<std::string, std::string>& metadata, const std::string& key,
                     const std::string& path) {
  auto found = metadata.find(key);
  check(found != metadata.end(), "{} is a damaged checkpoint: it lacks '{}'", path, key);
  int64_t value = 0;
  const auto& text = found->second;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size() && value >= 0,
        "{} is a damaged checkpoint: '{}' is '{}'", path, key, text);
  return value;
}

// The tensors whose names start with `prefix`, without it.
std::map<std::string, at::Tensor> part(const std::map<std::string, at::Tensor>& tensors, const std::string& prefix) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(prefix)) out[name.substr(prefix.size())] = tensor;
  return out;
}

NamedTensors named(const NamedTensors& names, const std::vector<at::Tensor>& tensors) {
  NamedTensors out;
  for (size_t i = 0; i < names.size(); ++i) out.emplace_back(names[i].first, tensors[i]);
  return out;
}

// Everything that is trained, and the model's buffers.
NamedTensors state(const Model& model, const NamedTensors& trained) {
  auto out = trained;
  for (auto& buffer : model.buffers()) out.push_back(buffer);
  return out;
}

}  // namespace

NamedTensors all_weights(const Model& model) {
  auto out = model.parameters();
  for (auto& buffer : model.buffers()) out.push_back(buffer);
  return out;
}

std::map<std::string, at::Tensor> snapshot(const Model& model) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : all_weights(model)) out[name] = tensor.detach().clone();
  return out;
}

std::string run_key(const Model& model, const Dataset& data, const TrainOptions& options, int64_t steps) {
  nlohmann::json key = {{"model", model.config()},
                        {"data", data.fingerprint()},
                        {"validation", options.validation ? options.validation->fingerprint() : ""},
                        {"steps", steps},
                        {"batch", options.batch},
                        {"learning_rate", options.learning_rate},
                        {"warmup", options.warmup},
                        {"weight_decay", options.weight_decay},
                        {"betas", {options.beta1, options.beta2}},
                        {"clip", options.clip},
                        {"only", options.only},
                        {"guide", {{"taps", options.guide.taps}, {"weight", options.guide.weight}}},
                        {"describe", {{"tap", options.describe.tap}, {"weight", options.describe.weight}}},
                        {"shuffle", options.shuffle},
                        {"seed", options.seed}};
  return key.dump();
}

void save_checkpoint(const std::string& path, const std::string& key, const Model& model, const NamedTensors& trained,
                     AdamW& optimizer, const TrainProgress& progress) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : state(model, trained)) tensors["model." + name] = tensor.detach();
  for (const auto& [name, tensor] : named(trained, optimizer.means())) tensors["mean." + name] = tensor;
  for (const auto& [name, tensor] : named(trained, optimizer.squares())) tensors["square." + name] = tensor;
  for (const auto& [name, tensor] : progress.best) tensors["best." + name] = tensor;
  save_safetensors(path, tensors,
                   {{"format", format_name},
                    {"run", key},
                    {"step", std::to_string(progress.step)},
                    {"best_step", std::to_string(progress.best_step)},
                    {"best_accuracy", fmt::format("{}", progress.best_accuracy)}});
}

TrainProgress load_checkpoint(const std::string& path, const std::string& key, Model& model,
                              const NamedTensors& trained, AdamW& optimizer) {
  auto file = load_safetensors(path);
  auto format = file.metadata.find("format");
  check(format != file.metadata.end() && format->second == format_name, "{} is not a checkpoint of a training run",
        path);
  check(file.metadata["run"] == key,
        "{} is the checkpoint of a run with another model, data or options: give another file, or delete it to start "
        "anew",
        path);
  TrainProgress progress;
  progress.step = whole_number(file.metadata, "step", path);
  progress.best_step = whole_number(file.metadata, "best_step", path);
  try {
    progress.best_accuracy = std::stod(file.metadata["best_accuracy"]);
  } catch (const std::logic_error&) {
    fail("{} is a damaged checkpoint: 'best_accuracy' is '{}'", path, file.metadata["best_accuracy"]);
  }
  copy_weights(state(model, trained), part(file.tensors, "model."), path);
  copy_weights(named(trained, optimizer.means()), part(file.tensors, "mean."), path);
  copy_weights(named(trained, optimizer.squares()), part(file.tensors, "square."), path);
  optimizer.set_steps(progress.step);
  for (const auto& [name, tensor] : part(file.tensors, "best.")) progress.best[name] = tensor.clone();
  return progress;
}

}  // namespace multiviz
