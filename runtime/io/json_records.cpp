#include "io/json_records.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "io/cache.h"
#include "io/file.h"
#include "io/json.h"

namespace multiviz {
namespace {

using nlohmann::json;

constexpr uint64_t magic = 0x315844495a564d00ULL;  // "\0MVZIDX1", by its bytes

// The cached index: this, then offsets, keys, sizes and order, then the texts as JSON. The checksum is of what follows.
struct Header {
  uint64_t magic, file_size, records, keys, text, content, checksum;
  int64_t modified;
  uint64_t settings;
};

// Everything that decides which records a file has.
uint64_t settings_hash(const JsonRecordOptions& options, const std::string& path) {
  const JsonLayout& layout = options.layout;
  json settings = {path,           static_cast<int>(layout.form), layout.list, layout.key, layout.fields,
                   layout.collect, options.accept_name,           options.skip};
  return hash_bytes(settings.dump(-1, ' ', false, json::error_handler_t::replace));
}

template <typename T>
void put(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
void take(std::string_view& bytes, std::vector<T>& values, uint64_t count) {
  values.resize(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
}

std::string encode(const JsonIndex& index, const LineFile& file, int64_t modified, uint64_t settings) {
  const std::string text =
      json{index.collected, index.reasons, index.skipped}.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string body;
  put(body, index.offsets);
  put(body, index.keys);
  put(body, index.sizes);
  put(body, index.order);
  body += text;
  const Header header{magic,       file.size(),   index.offsets.size(), index.keys.size(),
                      text.size(), index.content, hash_bytes(body),     modified,
                      settings};
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
}

// Whether every record lies inside the file, one behind the other, and the order has each once.
bool sound(const JsonIndex& index, uint64_t file_size) {
  uint64_t end = 0;
  for (size_t i = 0; i < index.offsets.size(); ++i) {
    if (index.offsets[i] < end || index.offsets[i] > file_size || index.sizes[i] > file_size - index.offsets[i])
      return false;
    end = index.offsets[i] + index.sizes[i];
  }
  for (size_t i = 0; i < index.order.size(); ++i) {
    if (index.order[i] >= index.keys.size()) return false;
    if (i > 0 && index.keys[index.order[i - 1]] >= index.keys[index.order[i]]) return false;
  }
  return true;
}

// False when the bytes are of another file, another time, or damaged.
bool decode(std::string_view bytes, const LineFile& file, int64_t modified, uint64_t settings, JsonIndex& index) {
  Header header;
  if (bytes.size() < sizeof header) return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  if (header.magic != magic || header.file_size != file.size() || header.modified != modified ||
      header.settings != settings || header.checksum != hash_bytes(bytes))
    return false;
  if (header.records > bytes.size() || (header.keys != 0 && header.keys != header.records) ||
      header.records * 12 + header.keys * 12 + header.text != bytes.size())
    return false;
  take(bytes, index.offsets, header.records);
  take(bytes, index.keys, header.keys);
  take(bytes, index.sizes, header.records);
  take(bytes, index.order, header.keys);
  try {
    const json text = parse_json(bytes, "index");
    index.collected = as<std::vector<std::string>>(text.at(0), "index");
    index.reasons = as<std::vector<std::string>>(text.at(1), "index");
    index.skipped = as<int64_t>(text.at(2), "index");
  } catch (const std::exception&) {
    return false;
  }
  index.content = header.content;
  return sound(index, file.size());
}

// Whatever keeps the cache from being written, the data can be read: the next opening takes longer, that is all.
void store(const std::string& path, const std::string& bytes) {
  try {
    make_folder(std::filesystem::path(path).parent_path().string());
    write_file(path, bytes);
  } catch (const Error&) {
  }
}

JsonIndex load_or_make(const LineFile& file, const JsonRecordOptions& options) {
  const std::string folder = options.cache.empty() ? cache_folder("records") : options.cache;
  const std::string whole = std::filesystem::absolute(file.path()).lexically_normal().string();
  const uint64_t settings = settings_hash(options, whole);
  const std::string cached = fmt::format("{}/{:016x}.index", folder, settings);
  JsonIndex index;
  std::error_code ignored;
  const int64_t modified = std::filesystem::last_write_time(file.path(), ignored).time_since_epoch().count();
  if (!folder.empty() && std::filesystem::is_regular_file(cached, ignored)) {
    try {
      if (decode(read_file(cached, uint64_t{1} << 34), file, modified, settings, index)) return index;
    } catch (const Error&) {
    }
  }
  index = index_records(file.path(), options);
  if (!folder.empty()) store(cached, encode(index, file, modified, settings));
  return index;
}

}  // namespace

JsonRecords::JsonRecords(const std::string& path, JsonRecordOptions options)
    : file_(path, "give a JSON file"), index_(load_or_make(file_, options)) {}

std::string JsonRecords::where(int64_t i) const {
  return fmt::format("'{}', record {} at byte {}", path(), i + 1, index_.offsets.at(static_cast<size_t>(i)));
}

json JsonRecords::get(int64_t i) const {
  check(i >= 0 && i < size(), "'{}' has {} records: there is no record {}", path(), size(), i + 1);
  const auto at = static_cast<size_t>(i);
  return parse_json(file_.read(index_.offsets[at], index_.sizes[at]), where(i));
}

std::string JsonRecords::key(int64_t i) const {
  constexpr uint64_t longest = 512;
  const uint64_t end = index_.offsets.at(static_cast<size_t>(i)), size = std::min(longest, end);
  const std::string before = file_.read(end - size, size);  // ... "key":
  const size_t close = before.rfind('"');
  const size_t open = close == std::string::npos || close == 0 ? std::string::npos : before.rfind('"', close - 1);
  check(open != std::string::npos, "{}: its key is missing or longer than {} bytes", where(i), longest);
  return before.substr(open + 1, close - open - 1);
}

std::optional<int64_t> JsonRecords::find(const std::string& key) const {
  const uint64_t hash = hash_bytes(key);
  const auto found = std::lower_bound(index_.order.begin(), index_.order.end(), hash,
                                      [&](uint32_t record, uint64_t wanted) { return index_.keys[record] < wanted; });
  if (found == index_.order.end() || index_.keys[*found] != hash) return std::nullopt;
  return *found;
}

}  // namespace multiviz
