#include "models/load.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/suggest.h"
#include "io/file.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/torch_file.h"
#include "models/architectures.h"
#include "models/checkpoint.h"
#include "models/clevr_baseline.h"
#include "models/clip_openai.h"
#include "models/cnn_lstm_sa.h"
#include "models/late_fusion.h"
#include "models/mdetr_checkpoint.h"
#include "models/mult.h"
#include "models/parts.h"
#include "models/torch_script.h"
#include "models/weight_files.h"

namespace multiviz {
namespace {

constexpr const char* extension = ".safetensors";
constexpr const char* parts_folder = "encoders";
constexpr const char* endings[] = {extension, ".pt", ".pth", ".bin", ".ckpt"};

using Maker = ModelPtr (*)(const nlohmann::json& config, std::vector<ModelPtr> parts);

const std::map<std::string, Maker>& architectures() {
  static const std::map<std::string, Maker> all = {
      {"cnn_lstm_sa",
       [](const nlohmann::json& config, std::vector<ModelPtr>) -> ModelPtr {
         return std::make_shared<CnnLstmSa>(cnn_lstm_sa_options(config));
       }},
      {"late_fusion",
       [](const nlohmann::json& config, std::vector<ModelPtr> parts) -> ModelPtr {
         return std::make_shared<LateFusion>(late_fusion_options(config), std::move(parts),
                                             get_or(config, "frozen", false, "the settings of a late_fusion"));
       }},
      {"mult",
       [](const nlohmann::json& config, std::vector<ModelPtr> parts) -> ModelPtr {
         return std::make_shared<MulT>(mult_options(config), std::move(parts),
                                       get_or(config, "frozen", false, "the settings of a mult"));
       }},
  };
  return all;
}

bool is_weight_file(const std::string& path) {
  return std::any_of(std::begin(endings), std::end(endings), [&](auto end) { return path.ends_with(end); });
}

std::string find_file(const std::string& name_or_path, const std::string& folder) {
  if (is_weight_file(name_or_path) || name_or_path.find('/') != std::string::npos ||
      std::filesystem::is_directory(name_or_path)) {
    check(std::filesystem::exists(name_or_path), "there is no model file {}", name_or_path);
    return name_or_path;
  }
  auto path = std::filesystem::path(folder) / (name_or_path + extension);
  if (!std::filesystem::is_regular_file(path))
    fail("there is no model '{}'{}", name_or_path, suggestion(name_or_path, shipped_models(folder)));
  return path.string();
}

// The settings: the user's, those in the folder, those in the file, or those that the weights themselves tell.
nlohmann::json find_config(const std::string& path, WeightFiles& weights, const nlohmann::json& options) {
  if (auto given = options.find("config"); given != options.end()) return *given;
  const auto beside = std::filesystem::path(path) / "config.json";
  if (!std::filesystem::exists(beside) && is_openai_clip(weights.tensors))
    return convert_openai_clip(weights.tensors, path);
  if (std::filesystem::is_directory(path)) {
    check(std::filesystem::is_regular_file(beside), "{} has no config.json, which says what model it is", path);
    return load_json(beside.string());
  }
  auto found = weights.metadata.find("config");
  check(found != weights.metadata.end(),
        "{} holds weights without the settings of their model: put it in a folder with its config.json, or give the "
        "option config",
        path);
  return parse_json(found->second, path);
}

// The models of a folder's parts, in the order of the modalities: null where a modality has none.
std::vector<ModelPtr> load_parts(const nlohmann::json& config, const std::string& path) {
  const auto where = path + "/config.json";
  const auto names = get_or<std::vector<std::string>>(config, "parts", {}, where);
  if (names.empty()) return {};
  const auto modalities = require<std::vector<std::string>>(config, "modalities", where);
  std::vector<ModelPtr> out;
  for (const auto& modality : modalities) {
    const bool has = std::find(names.begin(), names.end(), modality) != names.end();
    if (has) check_part_name(modality);
    out.push_back(has ? load_model((std::filesystem::path(path) / parts_folder / modality).string(), "") : nullptr);
  }
  return out;
}

ModelPtr make_model(const nlohmann::json& config, const std::string& path) {
  check(config.is_object() && config.contains("architecture") && config["architecture"].is_string(),
        "{} does not say what architecture its model has", path);
  std::string name = config["architecture"];
  auto maker = architectures().find(name);
  if (maker == architectures().end()) {
    std::vector<std::string> known;
    for (const auto& [architecture, _] : architectures()) known.push_back(architecture);
    fail("{} has the architecture '{}', which this version does not know{}", path, name, suggestion(name, known));
  }
  return maker->second(config, load_parts(config, path));
}

at::ScalarType parse_dtype(const std::string& name) {
  const std::map<std::string, at::ScalarType> all = {
      {"float32", at::kFloat}, {"float16", at::kHalf}, {"bfloat16", at::kBFloat16}};
  auto found = all.find(name);
  if (found != all.end()) return found->second;
  std::vector<std::string> known = {"float32", "float16", "bfloat16"};
  fail("a model cannot be loaded as '{}'{}", name, suggestion(name, known));
}

// `folder` has its tokenizer and processor, "" for none.
ModelPtr load_pretrained(const std::string& path, const std::string& folder, const nlohmann::json& config,
                         WeightFiles weights, const nlohmann::json& options) {
  Pretrained pretrained;
  pretrained.source = path;
  pretrained.config = config;
  pretrained.dtype = parse_dtype(get_or<std::string>(options, "dtype", "float32", "the options"));
  pretrained.options = options;
  for (const char* own : {"dtype", "config", "weights", "tokenizer"}) pretrained.options.erase(own);
  pretrained.tensors = std::move(weights.tensors);
  if (!folder.empty()) read_processors(pretrained, folder);
  if (auto words_folder = get_or<std::string>(options, "tokenizer", "", "the options"); !words_folder.empty()) {
    Pretrained words;
    read_processors(words, words_folder);
    check(words.tokenize != nullptr, "'{}' has no tokenizer files", words_folder);
    pretrained.tokenize = std::move(words.tokenize);
  }
  return make_pretrained(std::move(pretrained));
}

// Files may lack MulT's buffers, which mean nothing.
std::map<std::string, at::Tensor> with_markers(std::map<std::string, at::Tensor> tensors, const Model& model) {
  for (const auto& [name, tensor] : model.buffers())
    if (name.ends_with(".version") || name.ends_with("._float_tensor")) tensors.emplace(name, tensor);
  return tensors;
}

constexpr const char* mult_in_mmdl = "fuse.out_layer.weight";

// MultiBench's LowRankTensorFusion keeps them in a list that its state dict does not know; on a GPU, the rest as well.
void check_factors(const std::map<std::string, at::Tensor>& tensors, const Model& model, const std::string& path) {
  const auto own = own_weights(model);
  const bool needed = std::any_of(own.begin(), own.end(), [](const auto& w) { return w.first == "fuse.factors.0"; });
  check(!needed || tensors.contains("fuse.factors.0"),
        "{} has no tensor 'fuse.factors.0': MultiBench's state_dict() leaves out what LowRankTensorFusion learned: in "
        "Python, add {{f'fuse.factors.{{i}}': x.data for i, x in enumerate(model.fuse.factors)}} to it, and "
        "'fuse.fusion_weights' and 'fuse.fusion_bias' where they are not there",
        path);
}

ModelPtr load_architecture(const std::string& path, nlohmann::json config, const WeightFiles& weights,
                           const nlohmann::json& options) {
  for (const auto& [key, _] : options.items())
    check(key == "config" || key == "weights", "the option '{}' is not known for {}; known: config, weights", key,
          path);
  if (config.is_object() && config.contains("architecture") && config["architecture"] == "mult" &&
      weights.tensors.contains(mult_in_mmdl))
    config["mmdl"] = true;
  auto model = make_model(config, path);
  check_factors(weights.tensors, *model, path);
  copy_weights(own_weights(*model), with_markers(weights.tensors, *model), path);
  return model;
}

// The settings are the options, but those of a folder that save_model wrote.
ModelPtr load_torch_script(const std::string& path, const std::string& archive, nlohmann::json options) {
  const auto beside = std::filesystem::path(path) / "config.json";
  if (options.empty() && std::filesystem::is_regular_file(beside)) options = load_json(beside.string());
  return std::make_shared<TorchScriptModel>(archive, std::move(options));
}

NamedTensors to_save(const Model& model, bool half) {
  NamedTensors out = own_weights(model);
  for (auto& [_, tensor] : out)
    tensor = half && tensor.is_floating_point() ? tensor.detach().to(at::kHalf) : tensor.detach();
  return out;
}

std::map<std::string, at::Tensor> by_name(const NamedTensors& tensors) { return {tensors.begin(), tensors.end()}; }

// clevr-iep makes the model of baseline_kwargs alone, and names answers by the other half of the vocabulary.
nlohmann::json clevr_checkpoint(nlohmann::json config) {
  config.erase("cnn");
  auto& vocabulary = config["vocab"];
  for (const std::string kind : {"question", "answer"}) {
    const nlohmann::json numbers = vocabulary[kind + "_token_to_idx"];
    std::vector<std::string> words(numbers.size());
    for (const auto& [word, number] : numbers.items()) words.at(number.get<size_t>()) = word;
    vocabulary[kind + "_idx_to_token"] = words;
  }
  config["baseline_kwargs"]["vocab"] = vocabulary;
  return config;
}

// A file of torch.save as the model's authors write it.
void save_torch(const std::string& path, const NamedTensors& tensors, nlohmann::json config) {
  auto is = [&](const char* key, const char* value) {
    return config.is_object() && config.contains(key) && (!value || config[key] == value);
  };
  if (is("preprocessing", "openai")) return save_state_dict(path, to_openai_clip(tensors));
  if (is("baseline_type", nullptr))
    return save_checkpoint(path, "baseline_state", tensors, clevr_checkpoint(std::move(config)));
  if (!is("model_type", "mdetr")) return save_state_dict(path, tensors);
  config.erase("model_type");
  save_checkpoint(path, "model", tensors, {{"args", config}}, "args");
}

void save_folder(const Model& model, const std::filesystem::path& folder, const nlohmann::json& config, bool half) {
  namespace fs = std::filesystem;
  make_folder(folder.string());
  write_file((folder / "config.json").string(), dump_json(config, model.signature().name, 2) + "\n");
  if (const auto* script = dynamic_cast<const TorchScriptModel*>(&model))
    return script->save((folder / "model.pt").string());
  for (const auto& [name, part] : model.parts()) save_model(*part, (folder / parts_folder / name).string(), half);
  const fs::path origin = model.origin();
  if (fs::is_regular_file(origin / "pytorch_model.bin") && !fs::exists(origin / "model.safetensors"))
    save_state_dict((folder / "pytorch_model.bin").string(), to_save(model, half));
  else
    save_safetensors((folder / "model.safetensors").string(), by_name(to_save(model, half)), {{"format", "pt"}});
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                           "vocab.txt", "vocab.json", "merges.txt", "preprocessor_config.json"})
    if (const auto from = origin / name; !origin.empty() && fs::is_regular_file(from))
      write_file((folder / name).string(), read_file(from.string()));
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

ModelPtr load_model(const std::string& name_or_path, const std::string& folder, const nlohmann::json& options) {
  auto path = find_file(name_or_path, folder);
  if (const auto archive = find_torch_script(path); !archive.empty()) return load_torch_script(path, archive, options);
  if (auto baseline = read_clevr_baseline(path)) return std::make_shared<ClevrBaseline>(std::move(*baseline), options);
  auto weights = load_weight_files(path, get_or<std::string>(options, "weights", "", "the options"));
  const bool mdetr = is_mdetr(weights);
  const auto folders = mdetr ? mdetr_folders(path, options) : std::vector<std::string>();
  const auto config = mdetr ? mdetr_config(weights, folders, options) : find_config(path, weights, options);
  const std::string beside = mdetr ? folders.front() : std::filesystem::is_directory(path) ? path : "";
  if (config.is_object() && config.contains("baseline_type")) {
    auto own = options;
    own.erase("config");
    return std::make_shared<ClevrBaseline>(ClevrBaselineFile{path, config, std::move(weights.tensors)}, own);
  }
  auto model = config.is_object() && config.contains("model_type")
                   ? load_pretrained(path, beside, config, std::move(weights), options)
                   : load_architecture(path, config, weights, options);
  model->set_origin(beside);
  return model;
}

void load_weights(Model& model, const std::string& path) {
  auto tensors = load_weight_files(path).tensors;
  if (dynamic_cast<const MulT*>(&model) && tensors.contains(mult_in_mmdl)) tensors = without_prefix(tensors, "fuse.");
  check_factors(tensors, model, path);
  copy_weights(own_weights(model), with_markers(std::move(tensors), model), path);
}

void save_model(const Model& model, const std::string& path, bool half) {
  check(!is_weight_file(path) || model.parts().empty(),
        "{} is made of models that have files of their own: save it in a folder", model.signature().name);
  if (const auto* script = dynamic_cast<const TorchScriptModel*>(&model)) {
    check(!half, "{} is a TorchScript module, whose program decides its types: save it without half", path);
    if (path.ends_with(".pt") || path.ends_with(".pth")) return script->save(path);
  }
  const auto config = model.config();
  for (const char* ending : {".pt", ".pth", ".bin"})
    if (path.ends_with(ending)) return save_torch(path, to_save(model, half), config);
  check(config.is_object() && !config.empty(),
        "{} cannot be saved: it was not made from settings: give a path that ends in .pt", model.signature().name);
  if (!path.ends_with(extension)) return save_folder(model, path, config, half);
  save_safetensors(path, by_name(to_save(model, half)), {{"config", config.dump()}});
}

}  // namespace multiviz
