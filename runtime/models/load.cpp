#include "models/load.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/suggest.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "models/checkpoint.h"
#include "models/cnn_lstm_sa.h"

namespace multiviz {
namespace {

constexpr const char* extension = ".safetensors";

using Maker = ModelPtr (*)(const nlohmann::json& config);

const std::map<std::string, Maker>& architectures() {
  static const std::map<std::string, Maker> all = {
      {"cnn_lstm_sa",
       [](const nlohmann::json& config) -> ModelPtr {
         return std::make_shared<CnnLstmSa>(cnn_lstm_sa_options(config));
       }},
  };
  return all;
}

std::string find_file(const std::string& name_or_path, const std::string& folder) {
  if (name_or_path.ends_with(extension) || name_or_path.find('/') != std::string::npos) {
    check(std::filesystem::is_regular_file(name_or_path), "there is no model file {}", name_or_path);
    return name_or_path;
  }
  auto path = std::filesystem::path(folder) / (name_or_path + extension);
  if (!std::filesystem::is_regular_file(path))
    fail("there is no model '{}'{}", name_or_path, suggestion(name_or_path, shipped_models(folder)));
  return path.string();
}

ModelPtr make_model(const SafeTensors& file, const std::string& path) {
  auto found = file.metadata.find("config");
  check(found != file.metadata.end(),
        "{} holds weights without the settings of their model: make the model, then load the weights into it", path);
  auto config = parse_json(found->second, path);
  check(config.is_object() && config.contains("architecture") && config["architecture"].is_string(),
        "{} does not say what architecture its model has", path);
  std::string name = config["architecture"];
  auto maker = architectures().find(name);
  if (maker == architectures().end()) {
    std::vector<std::string> known;
    for (const auto& [architecture, _] : architectures()) known.push_back(architecture);
    fail("{} has the architecture '{}', which this version does not know{}", path, name, suggestion(name, known));
  }
  return maker->second(config);
}

}  // namespace

std::vector<std::string> shipped_models(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing))
    if (entry.path().extension() == extension) out.push_back(entry.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

ModelPtr load_model(const std::string& name_or_path, const std::string& folder) {
  auto path = find_file(name_or_path, folder);
  auto file = load_safetensors(path);
  auto model = make_model(file, path);
  copy_weights(all_weights(*model), file.tensors, path);
  return model;
}

void load_weights(Model& model, const std::string& path) {
  copy_weights(all_weights(model), load_safetensors(path).tensors, path);
}

void save_model(const Model& model, const std::string& path, bool half) {
  auto config = model.config();
  check(config.contains("architecture"), "{} cannot be saved: it was not made from settings", model.signature().name);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : all_weights(model))
    tensors[name] = half ? tensor.detach().to(at::kHalf) : tensor.detach();
  save_safetensors(path, tensors, {{"config", config.dump()}});
}

}  // namespace multiviz
