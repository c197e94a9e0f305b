#include <filesystem>

#include "core/error.h"
#include "io/file.h"
#include "io/image.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "present/encode.h"
#include "present/page.h"

namespace multiviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFormat = "multiviz page";
constexpr int64_t kVersion = 1;

void check_modalities(const Page& page, const Node& node) {
  auto check_example = [&](const Example& example) {
    const auto& values = example.datapoint.values;
    node.expect(values.size() == page.modalities.size(), "have datapoints of another number of modalities");
    for (size_t m = 0; m < values.size(); ++m)
      node.expect(kind_of(values[m]) == page.modalities[m].kind, "have datapoints of another kind");
  };
  check_example(page.example);
  for (const auto& entry : page.features)
    for (const auto& example : entry.examples) check_example(example.example);
}

Page decode(const Node& node) {
  Page page;
  page.model = node["model"].string();
  for (const auto& item : node["modalities"].items())
    page.modalities.push_back({item["name"].string(), parse_kind(item["kind"].string())});
  page.example = decode_example(node["example"]);
  page.target = node["target"].string();
  auto explanations = node["explanations"].items();
  auto predictions = node["predictions"].items();
  std::vector<FeatureEntry> features;
  for (const auto& item : node["features"].items()) features.push_back(decode_feature_entry(item));
  page.features = features;
  check_modalities(page, node["modalities"]);
  page.features.clear();
  for (const auto& item : explanations) page.add(decode_explanation(item));
  for (const auto& item : predictions) page.add(decode_prediction_entry(item));
  for (auto& entry : features) page.add(std::move(entry));
  return page;
}

}  // namespace

void save(const Page& page, const std::string& folder) {
  TensorTable table;
  json modalities = json::array(), explanations = json::array(), predictions = json::array(), features = json::array();
  for (const auto& modality : page.modalities)
    modalities.push_back({{"name", modality.name}, {"kind", kind_name(modality.kind)}});
  for (const auto& explanation : page.explanations) explanations.push_back(encode(explanation, table));
  for (const auto& entry : page.predictions) predictions.push_back(encode(entry));
  for (const auto& entry : page.features) features.push_back(encode(entry, table));
  json document = {{"format", kFormat},
                   {"version", kVersion},
                   {"model", page.model},
                   {"modalities", modalities},
                   {"example", encode(page.example, table)},
                   {"target", page.target},
                   {"explanations", explanations},
                   {"predictions", predictions},
                   {"features", features}};
  auto images = fs::path(folder) / "images";
  make_folder(images.string());
  for (const auto& [name, pixels] : table.images()) save_png((images / name).string(), pixels);
  save_safetensors((fs::path(folder) / "tensors.safetensors").string(), table.tensors());
  write_file((fs::path(folder) / "page.json").string(), document.dump(1, ' ', false, json::error_handler_t::replace));
}

Page load_page(const std::string& folder) {
  auto path = fs::path(folder) / "page.json";
  auto document = load_json(path.string());
  ArchiveSource source{path.string(), {}, (fs::path(folder) / "images").string(), {}};
  Node node(document, source);
  node["format"].expect(node["format"].string() == kFormat, "is another format");
  check(node["version"].integer() <= kVersion, "{} was written by a newer multiviz: update multiviz to read it",
        path.string());
  source.tensors = load_safetensors((fs::path(folder) / "tensors.safetensors").string()).tensors;
  return decode(node);
}

}  // namespace multiviz
