#include "io/torch_file.h"

#include <ATen/ATen.h>

#include <cstring>

#include "core/error.h"
#include "io/mapping.h"
#include "io/torch_rebuild.h"
#include "io/zip.h"

namespace multiviz {
namespace {

constexpr std::string_view zip_start("PK\x03\x04", 4);
// A pickle of protocol 2 that is torch's magic number 0x1950a86a20f9469cfc6c.
constexpr std::string_view legacy_start("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 15);

using Storages = std::function<at::Tensor(const std::string& key, at::ScalarType type, int64_t count)>;

ByteRange map_file(const std::string& path) {
  auto mapping = std::make_shared<Mapping>(path);
  return {mapping, {mapping->data(), mapping->size()}};
}

// Reads a persistent id: ("storage", torch.FloatStorage, key, device, count[, view]).
at::Tensor find_storage(const Pickle& id, const std::string& where, const Storages& storages) {
  const bool whole = id.size() >= 5 && id[0].is_text() && id[0].text(where) == "storage";
  check(whole, "{}: a reference to a storage is damaged", where);
  auto type = torch_type(id[1].class_name(where));
  check(type.has_value(), "{}: it has a storage of the unknown type {}", where, id[1].class_name(where));
  at::Tensor storage = storages(id[2].text(where), *type, id[4].integer(where));
  if (id.size() < 6 || id[5].is_none() || !storage.defined()) return storage;
  check(id[5].size() == 3, "{}: a reference to a storage is damaged", where);
  const int64_t offset = id[5][1].integer(where), size = id[5][2].integer(where);
  check(offset >= 0 && size >= 0 && offset <= storage.numel() && size <= storage.numel() - offset,
        "{}: a part of a storage lies outside it", where);
  return storage.slice(0, offset, offset + size);
}

// How the pickles of one file are read, and of the files inside it: tensors that pickle.dump wrote are files of
// torch.save in bytes.
struct Reading {
  std::string where;
  bool inner = false;
  std::shared_ptr<uint64_t> allowance;  // of bytes in inner files; the same bytes may be referred to many times
};

std::optional<at::Tensor> call(const std::string& function, const Pickle& arguments, const Reading& reading);

PickleOptions options_with(const Reading& reading, Storages storages) {
  PickleOptions options;
  options.keep_objects = true;
  options.call = [reading](const std::string& function, const Pickle& arguments) {
    return call(function, arguments, reading);
  };
  if (storages)
    options.persistent = [reading, storages = std::move(storages)](const Pickle& id) {
      return find_storage(id, reading.where, storages);
    };
  return options;
}

Reading reading_of(const ByteRange& file, const std::string& name) {
  return {fmt::format("'{}'", name), false, std::make_shared<uint64_t>(4 * file.bytes.size())};
}

// The folder that all entries of the archive are in: "archive/".
std::string archive_folder(const std::map<std::string, ByteRange>& entries, const std::string& name) {
  for (const auto& [key, _] : entries)
    if (key.ends_with("/data.pkl") && key.find('/') == key.size() - 9) return key.substr(0, key.size() - 8);
  fail("'{}' is a zip archive, and not one of torch.save's: it has no data.pkl", name);
}

Pickle read_zip(const ByteRange& file, const std::string& name, const Reading& reading) {
  auto entries = zip_entries(file, name);
  const std::string folder = archive_folder(entries, name);
  check(!entries.contains(folder + "constants.pkl"),
        "'{}' is a TorchScript archive, a model with its code: load it with mv.models.load, or save its state_dict()",
        name);
  auto order = entries.find(folder + "byteorder");
  check(order == entries.end() || order->second.bytes == "little", "'{}' was written on a big-endian machine", name);
  auto storages = [&](const std::string& key, at::ScalarType type, int64_t count) {
    auto found = entries.find(folder + "data/" + key);
    check(found != entries.end(), "'{}' is damaged: its storage {} is missing or compressed", name, key);
    return storage_at(found->second, type, count, reading.where);
  };
  return read_pickle(entries.at(folder + "data.pkl"), name, options_with(reading, storages));
}

struct LegacyStorage {
  at::ScalarType type;
  int64_t count;
  at::Tensor data;
};

// The old format: pickles of a magic number, a version and the machine, then the value, the keys of the storages, and
// their data, each after its length. The value is read twice, as where data is comes after it.
class LegacyFile {
 public:
  LegacyFile(const ByteRange& file, const std::string& name, const Reading& reading)
      : rest_(file), name_(name), reading_(reading), where_(reading.where) {}

  Pickle read() {
    for (int i = 0; i < 3; ++i) next({});
    const ByteRange value = rest_;
    auto lengths = options_with(reading_, [this](const std::string& key, at::ScalarType type, int64_t count) {
      storages_.emplace(key, LegacyStorage{type, count, {}});
      return at::Tensor();
    });
    lengths.call = [](const std::string&, const Pickle&) { return at::Tensor(); };
    next(lengths);
    const Pickle keys = next({});
    for (size_t i = 0; i < keys.size(); ++i) read_storage(keys[i].text(where_));
    return read_pickle(value, name_, options_with(reading_, [this](const std::string& key, at::ScalarType, int64_t) {
                         const at::Tensor& data = storages_.at(key).data;
                         check(data.defined(), "{} is truncated: the storage {} is missing", where_, key);
                         return data;
                       }));
  }

 private:
  Pickle next(const PickleOptions& options) {
    size_t length = 0;
    Pickle value = read_pickle(rest_, name_, options, &length);
    rest_.bytes.remove_prefix(length);
    return value;
  }

  void read_storage(const std::string& key) {
    auto found = storages_.find(key);
    check(found != storages_.end() && rest_.bytes.size() >= 8, "{} is truncated or damaged", where_);
    int64_t count;
    std::memcpy(&count, rest_.bytes.data(), 8);
    check(count == found->second.count, "{} is damaged: the storage {} has another length", where_, key);
    rest_.bytes.remove_prefix(8);
    const uint64_t bytes = byte_count(found->second.type, {count}, where_);
    found->second.data = storage_at(aligned(bytes), found->second.type, count, where_);
    rest_.bytes.remove_prefix(bytes);
  }

  // The next bytes where tensors can view them. They are moved over the end of their length, which has been read: the
  // pages of the mapping change, and nothing is in memory twice.
  ByteRange aligned(uint64_t bytes) const {
    const size_t excess = reinterpret_cast<uintptr_t>(rest_.bytes.data()) % sizeof(int64_t);
    if (excess == 0 || bytes == 0 || bytes > rest_.bytes.size()) return rest_;
    auto* start = const_cast<char*>(rest_.bytes.data());
    std::memmove(start - excess, start, bytes);
    return {rest_.owner, {start - excess, bytes}};
  }

  ByteRange rest_;
  const std::string& name_;
  const Reading& reading_;
  const std::string& where_;
  std::map<std::string, LegacyStorage> storages_;
};

Pickle read_torch(const ByteRange& file, const std::string& name, const Reading& reading) {
  if (file.bytes.starts_with(zip_start)) return read_zip(file, name, reading);
  check(file.bytes.starts_with(legacy_start), "'{}' is no file of torch.save, or damaged", name);
  return LegacyFile(file, name, reading).read();
}

std::optional<at::Tensor> call(const std::string& function, const Pickle& arguments, const Reading& reading) {
  if (function != "torch.storage._load_from_bytes") return torch_rebuild(function, arguments, reading.where);
  check(arguments.size() == 1 && !reading.inner, "{}: a tensor in it is damaged", reading.where);
  auto copy = std::make_shared<std::string>(arguments[0].bytes(reading.where));
  check(copy->size() <= *reading.allowance, "{} repeats its tensors beyond measure", reading.where);
  *reading.allowance -= copy->size();
  const Pickle inner = read_torch({copy, *copy}, reading.where, {reading.where, true, reading.allowance});
  check(inner.is_tensor(), "{}: a tensor in it is damaged", reading.where);
  return inner.tensor(reading.where);
}

}  // namespace

Pickle load_torch_file(const std::string& path) {
  const ByteRange file = map_file(path);
  return read_torch(file, path, reading_of(file, path));
}

Pickle load_any_pickle(const std::string& path) {
  const ByteRange file = map_file(path);
  const Reading reading = reading_of(file, path);
  if (file.bytes.starts_with(zip_start) || file.bytes.starts_with(legacy_start)) return read_torch(file, path, reading);
  auto options = options_with(reading, nullptr);
  options.keep_objects = false;
  return read_pickle(file, path, options);
}

bool is_torch_script(const std::string& path) {
  const ByteRange file = map_file(path);
  if (!file.bytes.starts_with(zip_start)) return false;
  const auto entries = zip_entries(file, path);
  return entries.contains(archive_folder(entries, path) + "constants.pkl");
}

}  // namespace multiviz
