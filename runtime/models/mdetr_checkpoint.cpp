#include "models/mdetr_checkpoint.h"

#include <filesystem>

#include "core/error.h"
#include "io/json.h"
#include "io/torch_file.h"

namespace multiviz {

namespace fs = std::filesystem;

bool is_mdetr(const WeightFiles& weights) {
  auto has = [&](const std::string& name) { return weights.tensors.contains(name); };
  for (const std::string prefix : {"", "detr."})
    if (has(prefix + "query_embed.weight") &&
        has(prefix + "transformer.text_encoder.embeddings.word_embeddings.weight"))
      return true;
  return false;
}

std::vector<std::string> mdetr_folders(const std::string& path, const nlohmann::json& options) {
  std::vector<std::string> out;
  if (options.contains("tokenizer")) {
    out.push_back(as<std::string>(options["tokenizer"], "the option tokenizer"));
    check(fs::is_directory(out.front()), "there is no folder '{}' with a tokenizer", out.front());
  }
  out.push_back(fs::is_directory(path) ? path : fs::absolute(path).parent_path().string());
  return out;
}

nlohmann::json mdetr_config(const WeightFiles& weights, const std::vector<std::string>& folders,
                            const nlohmann::json& options) {
  auto config = nlohmann::json::object();
  if (weights.format == WeightFormat::state_dict) config = checkpoint_arguments(weights.file);
  if (auto saved = weights.metadata.find("config"); saved != weights.metadata.end())
    config.update(parse_json(saved->second, weights.file));
  const bool single = weights.tensors.contains("answer_head.weight");
  for (const fs::path folder : folders) {
    const auto beside = (folder / "config.json").string();
    const auto answers = (folder / (single ? "gqa_answer2id.json" : "gqa_answer2id_by_type.json")).string();
    if (fs::is_regular_file(answers)) config["answers"] = load_json(answers);
    if (!fs::is_regular_file(beside)) continue;
    auto found = load_json(beside);
    auto type = get_or<std::string>(found, "model_type", "", beside);
    if (type == "mdetr") config.update(found);
    if (type == "roberta") config["text_encoder"] = std::move(found);
  }
  if (auto answers = options.find("answers"); answers != options.end())
    config["answers"] = load_json(as<std::string>(*answers, "the option answers"));
  if (auto given = options.find("config"); given != options.end()) {
    check(given->is_object(), "the option config must be a table of settings");
    config.update(*given);
  }
  config["model_type"] = "mdetr";
  return config;
}

}  // namespace multiviz
