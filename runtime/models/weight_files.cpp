#include "models/weight_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/suggest.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/torch_file.h"

namespace multiviz {
namespace {

namespace fs = std::filesystem;

WeightFiles load_file(const std::string& path, const std::string& part = "") {
  if (!path.ends_with(".safetensors")) return {load_state_dict(path, part), {}, WeightFormat::state_dict, path};
  check(part.empty(), "'{}' has no parts such as '{}': leave the option weights out", path, part);
  auto file = load_safetensors(path);
  return {std::move(file.tensors), std::move(file.metadata), WeightFormat::safetensors, path};
}

// {"weight_map": {tensor: file}}: the files are beside the index.
WeightFiles load_parts(const fs::path& index) {
  const std::string where = "'" + index.string() + "'";
  const auto root = load_json(index.string());
  const auto& map = require(root, "weight_map", where);
  check(map.is_object() && !map.empty(), "{}: its weight_map is not a table of files by tensor", where);
  std::map<std::string, std::vector<std::string>> parts;
  for (const auto& [tensor, file] : map.items()) {
    auto name = as<std::string>(file, fmt::format("{}: weight_map '{}'", where, tensor));
    check(!name.empty() && fs::path(name).filename() == name, "{}: '{}' is not the name of a file beside it", where,
          name);
    parts[name].push_back(tensor);
  }
  WeightFiles out;
  for (const auto& [name, tensors] : parts) {
    const auto path = index.parent_path() / name;
    check(fs::is_regular_file(path), "{}: its part '{}' is missing: download it as well", where, name);
    auto part = load_file(path.string());
    out.format = part.format;
    out.file = part.file;
    for (const auto& tensor : tensors) {
      auto found = part.tensors.find(tensor);
      check(found != part.tensors.end(), "{}: its part '{}' has no tensor '{}'", where, name, tensor);
      out.tensors.emplace(tensor, found->second);
    }
  }
  return out;
}

WeightFiles load_folder(const fs::path& folder, const std::string& part) {
  for (const char* name :
       {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    const auto path = folder / name;
    if (fs::is_regular_file(path))
      return path.extension() == ".json" ? load_parts(path) : load_file(path.string(), part);
  }
  std::vector<std::string> found;
  const std::set<std::string> extensions = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (extensions.contains(entry.path().extension().string())) found.push_back(entry.path().filename().string());
  check(!error, "cannot read the folder '{}': {}", folder.string(), error.message());
  std::sort(found.begin(), found.end());
  check(!found.empty(), "'{}' has no weights: model.safetensors or pytorch_model.bin should be there", folder.string());
  check(found.size() == 1, "'{}' has several files of weights ({}): name one model.safetensors or pytorch_model.bin",
        folder.string(), fmt::join(found, ", "));
  return load_file((folder / found[0]).string(), part);
}

}  // namespace

WeightFiles load_weight_files(const std::string& path, const std::string& part) {
  const bool folder = fs::is_directory(path);
  check(folder || fs::is_regular_file(path), "there is no file of weights '{}'", path);
  auto out = folder ? load_folder(path, part) : load_file(path, part);
  const auto wrappers = {"module.", "_orig_mod.", "model."};
  const auto unwrap = [&](const char* prefix) { return drop_prefix(out.tensors, prefix); };
  while (std::any_of(wrappers.begin(), wrappers.end(), unwrap)) continue;
  return out;
}

}  // namespace multiviz
