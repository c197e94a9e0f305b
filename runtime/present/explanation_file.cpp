#include <ATen/ATen.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "core/error.h"
#include "present/encode.h"

namespace multiviz {
namespace {

constexpr const char* kKey = "multiviz.explanation";
constexpr int64_t kVersion = 1;

}  // namespace

void save(const Explanation& explanation, const std::string& path) {
  using nlohmann::json;
  TensorTable table;
  json document = {{"version", kVersion}, {"explanation", encode(explanation, table)}};
  save_safetensors(path, table.tensors(), {{kKey, document.dump(-1, ' ', false, json::error_handler_t::replace)}});
}

Explanation load_explanation(const std::string& path) {
  auto file = load_safetensors(path);
  auto header = file.metadata.find(kKey);
  check(header != file.metadata.end(), "{} holds no explanation: give a file that save wrote", path);
  auto document = parse_json(header->second, path);
  // Copies: what is returned must not change with the file, and may be written to.
  for (auto& [name, tensor] : file.tensors) tensor = tensor.clone();
  ArchiveSource source{path, std::move(file.tensors), {}, {}};
  Node node(document, source);
  check(node["version"].integer() <= kVersion, "{} was written by a newer multiviz: update multiviz to read it", path);
  return decode_explanation(node["explanation"]);
}

}  // namespace multiviz
