#include "io/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/error.h"
#include "core/suggest.h"
#include "io/file.h"
#include "io/json.h"
#include "io/mapping.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr uint64_t longest_header = 100'000'000;  // the format's own limit

struct Type {
  const char* name;
  at::ScalarType scalar;
};

constexpr Type types[] = {{"F64", at::kDouble},         {"F32", at::kFloat},        {"F16", at::kHalf},
                          {"BF16", at::kBFloat16},      {"I64", at::kLong},         {"I32", at::kInt},
                          {"I16", at::kShort},          {"I8", at::kChar},          {"U8", at::kByte},
                          {"BOOL", at::kBool},          {"U16", at::kUInt16},       {"U32", at::kUInt32},
                          {"U64", at::kUInt64},         {"C64", at::kComplexFloat}, {"F8_E4M3", at::kFloat8_e4m3fn},
                          {"F8_E5M2", at::kFloat8_e5m2}};

struct Entry {
  std::string name;
  at::ScalarType type;
  std::vector<int64_t> shape;
  uint64_t begin, end;  // bytes after the header
};

at::ScalarType parse_type(const std::string& name, const std::string& where) {
  std::vector<std::string> known;
  for (const Type& type : types) {
    if (name == type.name) return type.scalar;
    known.push_back(type.name);
  }
  fail("{}: unknown dtype '{}'{}", where, name, suggestion(name, known, std::size(types)));
}

const char* type_name(at::ScalarType scalar, const std::string& tensor) {
  for (const Type& type : types)
    if (type.scalar == scalar) return type.name;
  fail("tensor '{}' has dtype {}, which safetensors cannot hold: convert it first", tensor, at::toString(scalar));
}

Entry parse_entry(const std::string& name, const json& value, uint64_t data_size, const std::string& path) {
  const std::string where = fmt::format("'{}': tensor '{}'", path, name);
  Entry entry{name, parse_type(require<std::string>(value, "dtype", where), where),
              require<std::vector<int64_t>>(value, "shape", where), 0, 0};
  auto offsets = require<std::vector<int64_t>>(value, "data_offsets", where);
  check(offsets.size() == 2 && offsets[0] >= 0 && offsets[0] <= offsets[1], "{}: its data_offsets are not a range",
        where);
  entry.begin = static_cast<uint64_t>(offsets[0]);
  entry.end = static_cast<uint64_t>(offsets[1]);
  check(entry.end <= data_size, "{}: its data ends at byte {} of {}: the file is truncated or damaged", where,
        entry.end, data_size);
  const uint64_t bytes = byte_count(entry.type, entry.shape, where);
  check(bytes == entry.end - entry.begin, "{}: its shape needs {} bytes, its data_offsets give {}", where, bytes,
        entry.end - entry.begin);
  return entry;
}

std::map<std::string, std::string> parse_metadata(const json& value, const std::string& path) {
  std::map<std::string, std::string> metadata;
  check(value.is_object(), "'{}': its __metadata__ is not an object", path);
  for (const auto& [key, text] : value.items())
    metadata[key] = as<std::string>(text, fmt::format("'{}': __metadata__ '{}'", path, key));
  return metadata;
}

// The format allows neither overlaps nor holes, nor bytes that belong to no tensor.
void check_layout(std::vector<Entry>& entries, uint64_t data_size, const std::string& path) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t position = 0;
  for (const Entry& entry : entries) {
    check(entry.begin >= position, "'{}': the data of tensor '{}' overlaps another's", path, entry.name);
    check(entry.begin == position, "'{}': {} bytes before tensor '{}' belong to no tensor", path,
          entry.begin - position, entry.name);
    position = entry.end;
  }
  check(position == data_size, "'{}': {} bytes after the last tensor belong to no tensor", path, data_size - position);
}

// The header, padded with spaces so that the data starts where matrix products read a mapped file fastest. Larger
// elements come first, which keeps every tensor aligned to its element.
std::string make_header(const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                        const std::map<std::string, std::string>& metadata, const std::string& path) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t position = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t end = position + static_cast<uint64_t>(tensor.numel()) * tensor.element_size();
    header[name] = {{"dtype", type_name(tensor.scalar_type(), name)},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = dump_json(header, "'" + path + "'");
  constexpr size_t cache_line = 64, length_field = 8;
  text.resize((length_field + text.size() + cache_line - 1) / cache_line * cache_line - length_field, ' ');
  check(text.size() <= longest_header, "cannot write '{}': its header would be longer than {} bytes", path,
        longest_header);
  return text;
}

}  // namespace

SafeTensors load_safetensors(const std::string& path) {
  auto mapping = std::make_shared<Mapping>(path);
  check(mapping->size() >= 8, "'{}' is not a safetensors file: it has {} bytes", path, mapping->size());
  uint64_t length;
  std::memcpy(&length, mapping->data(), 8);
  check(length <= longest_header && length <= mapping->size() - 8,
        "'{}' is truncated or not a safetensors file: its header should have {} bytes and the file has {}", path,
        length, mapping->size());
  const std::string_view text(mapping->data() + 8, length);
  check(text.starts_with('{'), "'{}' is not a safetensors file: its header is not a JSON object", path);
  const json header = parse_json(text, path, true);

  SafeTensors result;
  std::vector<Entry> entries;
  const uint64_t data_size = mapping->size() - 8 - length;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__")
      result.metadata = parse_metadata(value, path);
    else
      entries.push_back(parse_entry(name, value, data_size, path));
  }
  check_layout(entries, data_size, path);
  for (const Entry& entry : entries)
    result.tensors[entry.name] = tensor_at(mapping, 8 + length + entry.begin, entry.type, entry.shape,
                                           fmt::format("'{}': tensor '{}'", path, entry.name));
  return result;
}

void save_safetensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<std::pair<std::string, at::Tensor>> order(tensors.begin(), tensors.end());
  for (const auto& [name, tensor] : order) {
    check(name != "__metadata__", "cannot write '{}': '__metadata__' cannot be the name of a tensor", path);
    check(tensor.defined() && tensor.layout() == at::kStrided, "cannot write '{}': '{}' is not a dense tensor", path,
          name);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.element_size() > b.second.element_size(); });
  const std::string header = make_header(order, metadata, path);
  const uint64_t length = header.size();
  AtomicFile file(path);
  file.write({reinterpret_cast<const char*>(&length), 8});
  file.write(header);
  for (const auto& [name, tensor] : order) {
    at::Tensor dense = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous();
    file.write({static_cast<const char*>(dense.const_data_ptr()), static_cast<size_t>(dense.nbytes())});
  }
  file.commit();
}

}  // namespace multiviz
