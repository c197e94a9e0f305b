#include <filesystem>

#include "core/error.h"
#include "io/file.h"
#include "io/json.h"
#include "text/pipeline.h"
#include "text/tokenizer.h"

namespace multiviz {
namespace {

using nlohmann::json;

json read_settings(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return json::object();
  auto settings = load_json(path);
  check(settings.is_object(), "{} must be an object of settings", path);
  return settings;
}

bool is_left(const TokenizerSettings& settings, const char* key, bool otherwise) {
  auto side = get_or<std::string>(settings.config, key, otherwise ? "left" : "right", settings.config_name);
  check(side == "left" || side == "right", "{}: {} is '{}': it must be left or right", settings.config_name, key, side);
  return side == "left";
}

// tokenizer.json does not say which special token is which.
std::map<std::string, std::string> usual_tokens(const Tokenizer::Pipeline& pipeline) {
  const std::pair<const char*, std::vector<const char*>> usual[] = {
      {"unk", {"[UNK]", "<unk>"}},        {"cls", {"[CLS]", "<s>"}},      {"sep", {"[SEP]", "</s>"}},
      {"pad", {"[PAD]", "<pad>"}},        {"mask", {"[MASK]", "<mask>"}}, {"bos", {"<s>", "<|startoftext|>"}},
      {"eos", {"</s>", "<|endoftext|>"}},
  };
  auto found = pipeline.special;
  for (const auto& [kind, names] : usual)
    for (const auto* name : names)
      for (const auto& token : pipeline.added)
        if (token.special && token.content == name) found.emplace(kind, name);
  // CLIP pads with its end token.
  if (!found.contains("pad") && found.contains("eos") && found["bos"] == "<|startoftext|>") found["pad"] = found["eos"];
  std::erase_if(found, [](const auto& entry) { return entry.second.empty(); });
  return found;
}

void finish(Tokenizer::Pipeline& pipeline, const TokenizerSettings& settings) {
  pipeline.finder = AddedTokens(pipeline.added, pipeline.normalizer);
  if (auto pad = pipeline.special.find("pad"); pad != pipeline.special.end())
    pipeline.pad = std::max<int64_t>(pipeline.id(pad->second), 0);
  pipeline.pad_left = is_left(settings, "padding_side", pipeline.pad_left);
  pipeline.truncate_left = is_left(settings, "truncation_side", pipeline.truncate_left);
  // 1e30 is how "no limit" is written.
  constexpr double no_limit = 1e9;
  const char* key = settings.config.contains("model_max_length") ? "model_max_length" : "max_len";
  double most = get_or(settings.config, key, 0.0, settings.config_name);
  pipeline.max_length = most > 0 && most < no_limit ? static_cast<int64_t>(most) : 0;
}

}  // namespace

TokenizerPtr load_tokenizer(const std::string& folder) {
  TokenizerSettings settings;
  settings.config_name = folder + "/tokenizer_config.json";
  settings.special_name = folder + "/special_tokens_map.json";
  settings.config = read_settings(settings.config_name);
  settings.added_name = folder + "/added_tokens.json";
  // Hugging Face's own rule; the files are there for older versions.
  if (!settings.config.contains("added_tokens_decoder")) {
    settings.special = read_settings(settings.special_name);
    settings.added = read_settings(settings.added_name);
  }
  auto there = [&](const char* name) { return std::filesystem::is_regular_file(folder + "/" + name); };
  PipelinePtr pipeline;
  if (there("tokenizer.json")) {
    pipeline = read_tokenizer_json(read_file(folder + "/tokenizer.json"), folder + "/tokenizer.json", settings);
    add_tokens_of_settings(*pipeline, settings, usual_tokens(*pipeline));
  } else if (there("vocab.txt")) {
    pipeline = read_word_piece_files(folder, settings);
  } else if (there("vocab.json") && there("merges.txt")) {
    pipeline = read_bpe_files(folder, settings);
  } else {
    fail("{} holds no tokenizer: there must be tokenizer.json, vocab.txt, or vocab.json and merges.txt", folder);
  }
  finish(*pipeline, settings);
  return std::make_shared<const Tokenizer>(std::move(pipeline));
}

TokenizerPtr parse_tokenizer(std::string_view json, const std::string& name) {
  auto pipeline = read_tokenizer_json(json, name, {});
  add_tokens_of_settings(*pipeline, {}, usual_tokens(*pipeline));
  finish(*pipeline, {});
  return std::make_shared<const Tokenizer>(std::move(pipeline));
}

}  // namespace multiviz
