#include "models/torch_script.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/suggest.h"
#include "io/json.h"
#include "io/torch_file.h"
#include "models/leaves.h"
#include "models/pretrained.h"

namespace multiviz {
namespace {

void check_keys(const nlohmann::json& object, const std::vector<std::string>& known, const std::string& where) {
  check(object.is_object(), "{} must be a table of settings", where);
  for (const auto& [key, _] : object.items())
    check(std::find(known.begin(), known.end(), key) != known.end(), "{} has no setting '{}'{}", where, key,
          suggestion(key, known));
}

ImageProcessor read_processor(const nlohmann::json& entry, const std::string& where) {
  auto found = entry.find("processor");
  if (found == entry.end()) return ImageProcessor(ImageProcessorOptions{});
  if (!found->is_string()) return ImageProcessor(image_processor_options(*found, where + ": processor"));
  std::filesystem::path path = found->get<std::string>();
  if (std::filesystem::is_directory(path)) path /= "preprocessor_config.json";
  return ImageProcessor(image_processor_options(load_json(path.string()), path.string()));
}

Task read_task(const nlohmann::json& settings, bool labelled, const std::string& where) {
  const std::vector<std::string> names = {"classification", "multilabel", "regression"};
  auto name = get_or<std::string>(settings, "task", labelled ? names[0] : names[2], where);
  auto found = std::find(names.begin(), names.end(), name);
  check(found != names.end(), "{}: task cannot be '{}'{}", where, name, suggestion(name, names));
  check((name == "regression") != labelled, "{}: task '{}' {} labels", where, name, labelled ? "takes no" : "needs");
  return static_cast<Task>(found - names.begin());
}

}  // namespace

std::string find_torch_script(const std::string& path) {
  namespace fs = std::filesystem;
  const auto inside = fs::path(path) / "model.pt";
  if (fs::is_directory(path))
    return fs::is_regular_file(inside) && is_torch_script(inside.string()) ? inside.string() : "";
  return fs::is_regular_file(path) && !path.ends_with(".safetensors") && is_torch_script(path) ? path : "";
}

TorchScriptModel::TorchScriptModel(const std::string& archive, nlohmann::json settings)
    : network_(archive), archive_(archive), settings_(std::move(settings)) {
  check_keys(settings_, {"architecture", "modalities", "labels", "task", "features", "name"}, archive_);
  check(settings_.contains("modalities"),
        "{} is a TorchScript archive, which does not say what its arguments are: give the options modalities = "
        "{{{{name=, kind=}}, ...}} and labels, and features, the name of its last layer",
        archive_);
  settings_["architecture"] = "torch_script";
  signature_.name = get_or<std::string>(settings_, "name", std::filesystem::path(archive_).stem().string(), archive_);
  const auto& entries = settings_["modalities"];
  check(entries.is_array() && !entries.empty(), "{}: modalities must be a list of {{name=, kind=}}", archive_);
  size_t arguments = 0;
  for (const auto& entry : entries) {
    read_input(entry, arguments);
    arguments += inputs_.back().mask ? 2 : 1;
  }
  check(arguments == network_.inputs(), "{}: forward takes {} arguments, and the modalities and masks are {}", archive_,
        network_.inputs(), arguments);
  signature_.labels = get_or<std::vector<std::string>>(settings_, "labels", {}, archive_);
  signature_.task = read_task(settings_, !signature_.labels.empty(), archive_);
  signature_.features = signature_.outputs();
  if (auto found = settings_.find("features"); found != settings_.end() && found->is_string()) {
    signature_.features = network_.set_features(found->get<std::string>());
  } else if (found != settings_.end()) {
    signature_.features = config_size(settings_, "features", 1, archive_);
    network_.set_features_returned();
  }
  signature_.taps = {"features", "logits"};
}

void TorchScriptModel::read_input(const nlohmann::json& entry, size_t argument) {
  const auto where = fmt::format("{}: modality {}", archive_, inputs_.size() + 1);
  check_keys(entry, {"name", "kind", "mask", "processor", "tokenizer", "embedding", "max_length", "frames"}, where);
  const auto kind = parse_kind(require<std::string>(entry, "kind", where));
  const auto name = get_or<std::string>(entry, "name", kind_name(kind), where);
  Input input;
  input.mask = get_or(entry, "mask", false, where);
  auto only = [&](const char* key, ModalityKind wanted) {
    check(!entry.contains(key) || kind == wanted, "{} ('{}'): {} is a setting of {} modalities", where, name, key,
          kind_name(wanted));
  };
  only("processor", ModalityKind::image), only("frames", ModalityKind::time_series);
  for (const char* key : {"tokenizer", "embedding", "max_length"}) only(key, ModalityKind::text);
  if (kind == ModalityKind::image) input.processor = read_processor(entry, where);
  if (entry.contains("frames")) input.frames = config_size(entry, "frames", 1, where);
  if (kind == ModalityKind::text) {
    input.tokenizer = load_tokenizer(require<std::string>(entry, "tokenizer", where));
    input.max_length = entry.contains("max_length") ? config_size(entry, "max_length", 1, where) : 0;
    check(argument < network_.inputs(), "{} ('{}'): forward takes {} arguments", where, name, network_.inputs());
    input.table = network_.embed(argument, require<std::string>(entry, "embedding", where));
  }
  signature_.modalities.push_back({name, kind});
  inputs_.push_back(std::move(input));
}

void TorchScriptModel::to(at::Device device) {
  network_.to(device);
  device_ = device;
}

Leaf TorchScriptModel::prepare_text(size_t modality, std::span<const Value> values) const {
  const auto& name = signature_.modalities[modality].name;
  const auto& input = inputs_[modality];
  std::vector<std::string> texts;
  for (const auto& value : values) {
    check(std::holds_alternative<Text>(value), "'{}' takes text, and was given {}", name, kind_name(kind_of(value)));
    texts.push_back(std::get<Text>(value).string);
  }
  EncodeOptions options;
  options.max_length = input.max_length;
  auto tokens = input.tokenizer->encode_batch(texts, {}, options);
  auto largest = tokens.ids.max().item<int64_t>();
  check(largest < input.table.size(0), "the tokenizer of '{}' gives number {}, and the embedding has {} rows", name,
        largest, input.table.size(0));
  return {at::embedding(input.table, tokens.ids.to(device_)).to(at::kFloat),
          tokens.mask.to(device_),
          tokens.words.to(device_),
          {}};
}

Leaf TorchScriptModel::prepare_images(size_t modality, std::span<const Value> values) const {
  const auto& name = signature_.modalities[modality].name;
  std::vector<at::Tensor> images;
  for (const auto& value : values) {
    check(std::holds_alternative<Image>(value), "'{}' takes an image, and was given {}", name,
          kind_name(kind_of(value)));
    images.push_back(std::get<Image>(value).pixels.to(device_));
  }
  auto processed = inputs_[modality].processor(images);
  Leaf leaf;
  leaf.tensor = processed.pixels;
  if (processed.mask.defined() && !processed.mask.all().item<bool>()) leaf.mask = processed.mask;
  leaf.areas = std::move(processed.areas);
  return leaf;
}

Leaf TorchScriptModel::prepare(size_t modality, std::span<const Value> values) const {
  check(modality < inputs_.size(), "{} has {} modalities", signature_.name, inputs_.size());
  const auto& [name, kind] = signature_.modalities[modality];
  check(!values.empty(), "no value of '{}' was given", name);
  if (kind == ModalityKind::text) return prepare_text(modality, values);
  if (kind == ModalityKind::image) return prepare_images(modality, values);
  if (kind == ModalityKind::tabular) return table_leaf(name, values, 0, device_);
  const auto& input = inputs_[modality];
  return input.frames > 0 ? fixed_series_leaf(name, values, 0, input.frames, device_)
                          : series_leaf(name, values, 0, 0, device_);
}

Encoding TorchScriptModel::encode(size_t modality, const Leaf& leaf, Trace*) const {
  const auto& input = inputs_.at(modality);
  const auto& name = signature_.modalities[modality].name;
  if (!input.mask) {
    check(!leaf.mask.defined() || leaf.mask.all().item<bool>(),
          "the values of '{}' differ in length, and {} has no mask for it: give them one length (frames), or a batch "
          "of 1",
          name, signature_.name);
    return {{leaf.tensor}};
  }
  auto mask = leaf.mask;
  if (!mask.defined()) {
    auto shape = leaf.tensor.dim() == 4 ? std::vector{leaf.tensor.size(0), leaf.tensor.size(2), leaf.tensor.size(3)}
                                        : std::vector{leaf.tensor.size(0), leaf.tensor.size(1)};
    mask = at::ones(shape, leaf.tensor.options().dtype(at::kBool).requires_grad(false));
  }
  return {{leaf.tensor, mask}};
}

Output TorchScriptModel::fuse(std::span<const Encoding> encodings, Trace* trace) const {
  check(encodings.size() == inputs_.size(), "{} fuses {} encodings, not {}", signature_.name, inputs_.size(),
        encodings.size());
  int64_t batch = 1;
  for (const auto& encoding : encodings) batch = std::max(batch, encoding.batch());
  std::vector<at::Tensor> inputs;
  for (const auto& encoding : encodings)
    for (const auto& tensor : encoding.tensors) inputs.push_back(expand_batch(tensor, batch));
  auto [logits, features] = network_(inputs);
  if (logits.dim() == 1 && signature_.outputs() == 1) logits = logits.unsqueeze(1);
  if (!features.defined()) features = logits;
  auto fits = [&](const at::Tensor& tensor, int64_t width, const char* what) {
    check(tensor.sizes() == at::IntArrayRef({batch, width}), "{} returns {} [{}] where [{}, {}] was announced",
          signature_.name, what, fmt::join(tensor.sizes(), ", "), batch, width);
  };
  fits(logits, signature_.outputs(), "logits"), fits(features, signature_.features, "features");
  features = tap(trace, "features", features.to(at::kFloat));
  return {tap(trace, "logits", logits.to(at::kFloat)), features};
}

}  // namespace multiviz
