#include <filesystem>
#include <set>

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

// Removes the files of a save that did not come to its end.
class Unfinished {
 public:
  ~Unfinished() {
    std::error_code ignored;
    for (const auto& path : paths_) fs::remove(path, ignored);
  }
  void add(const fs::path& path) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) paths_.push_back(path);
  }
  void keep() { paths_.clear(); }

 private:
  std::vector<fs::path> paths_;
};

bool is_digest(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Removes what earlier saves called by its digest and the page no longer names.
void remove_others(const fs::path& folder, const std::string& prefix, const std::string& extension,
                   const std::set<std::string>& named) {
  std::error_code ignored;
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    auto name = entry.path().filename().string(), stem = entry.path().stem().string();
    if (entry.path().extension() == extension && stem.starts_with(prefix) && is_digest(stem.substr(prefix.size())) &&
        !named.contains(name))
      old.push_back(entry.path());
  }
  for (const auto& path : old) fs::remove(path, ignored);
}

// Files are called by their content and page.json, which names them, comes last: whatever happens meanwhile, the folder
// holds the old page or the new one.
void write_files(const fs::path& folder, const TensorTable& table, json document) {
  const std::string prefix = "tensors-", tensors = prefix + table.digest() + ".safetensors";
  auto images = folder / "images";
  make_folder(images.string());
  std::set<std::string> names;
  Unfinished unfinished;
  for (const auto& [name, pixels] : table.images()) {
    unfinished.add(images / name);
    save_png((images / name).string(), pixels);
    names.insert(name);
  }
  unfinished.add(folder / tensors);
  save_safetensors((folder / tensors).string(), table.tensors());
  document["tensors"] = tensors;
  write_file((folder / "page.json").string(), document.dump(1, ' ', false, json::error_handler_t::replace));
  unfinished.keep();
  remove_others(images, "", ".png", names);
  remove_others(folder, prefix, ".safetensors", {tensors});
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
  write_files(folder, table, std::move(document));
}

Page load_page(const std::string& folder) {
  auto path = fs::path(folder) / "page.json";
  auto document = load_json(path.string());
  ArchiveSource source{path.string(), {}, (fs::path(folder) / "images").string(), {}};
  Node node(document, source);
  node["format"].expect(node["format"].string() == kFormat, "is another format");
  check(node["version"].integer() <= kVersion, "{} was written by a newer multiviz: update multiviz to read it",
        path.string());
  source.tensors = load_safetensors(node["tensors"].file(folder)).tensors;
  return decode(node);
}

}  // namespace multiviz
