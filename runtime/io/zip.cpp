#include "io/zip.h"

#include <libdeflate.h>

#include <cstring>

#include "core/error.h"
#include "io/deflate.h"

namespace multiviz {
namespace {

constexpr std::string_view local_mark("PK\x03\x04", 4), entry_mark("PK\x01\x02", 4), end_mark("PK\x05\x06", 4);
constexpr std::string_view end64_mark("PK\x06\x06", 4), locator64_mark("PK\x06\x07", 4);
constexpr uint64_t unsaid32 = 0xffffffff, unsaid16 = 0xffff;

// Little-endian numbers at checked places.
class Bytes {
 public:
  Bytes(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::string_view part(uint64_t offset, uint64_t size) const {
    check(offset <= bytes_.size() && size <= bytes_.size() - offset,
          "'{}' is truncated or damaged: its zip directory points outside it", name_);
    return bytes_.substr(offset, size);
  }
  uint64_t number(uint64_t offset, size_t size) const {
    uint64_t value = 0;
    std::memcpy(&value, part(offset, size).data(), size);
    return value;
  }
  bool marked(uint64_t offset, std::string_view mark) const { return part(offset, 4) == mark; }
  uint64_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  const std::string& name_;
};

struct Directory {
  uint64_t offset, size, count;
};

Directory find_directory(const Bytes& bytes, std::string_view all, const std::string& name) {
  constexpr uint64_t shortest = 22, longest_comment = 0xffff;
  const uint64_t from = all.size() > shortest + longest_comment ? all.size() - shortest - longest_comment : 0;
  const size_t at = all.substr(from).rfind(end_mark);
  check(at != std::string_view::npos, "'{}' is truncated or no zip archive: its directory is missing", name);
  const uint64_t end = from + at;
  Directory found{bytes.number(end + 16, 4), bytes.number(end + 12, 4), bytes.number(end + 10, 2)};
  if (end >= 20 && bytes.marked(end - 20, locator64_mark)) {
    const uint64_t end64 = bytes.number(end - 12, 8);
    check(bytes.marked(end64, end64_mark), "'{}' is damaged: its zip directory is missing", name);
    found = {bytes.number(end64 + 48, 8), bytes.number(end64 + 40, 8), bytes.number(end64 + 32, 8)};
  }
  return found;
}

struct Entry {
  uint64_t compressed, size, offset;
};

// Numbers that do not fit 32 bits are in an extra field.
void read_extra(const Bytes& bytes, uint64_t begin, uint64_t end, Entry& entry) {
  while (begin + 4 <= end) {
    const uint64_t id = bytes.number(begin, 2), size = bytes.number(begin + 2, 2);
    uint64_t at = begin + 4;
    begin = at + size;
    if (id != 1) continue;
    for (uint64_t* value : {&entry.size, &entry.compressed, &entry.offset})
      if (*value == unsaid32 && at + 8 <= begin) *value = bytes.number(at, 8), at += 8;
  }
}

constexpr uint64_t stored = 0, deflated = 8;

ByteRange decompress(std::string_view data, uint64_t size, const std::string& name, const std::string& key) {
  check(size / most_inflated <= data.size(), "'{}' is damaged: its entry '{}' says it has {} bytes", name, key, size);
  auto out = std::make_shared<std::string>(size, '\0');
  check(inflate(data, Deflate::bare, out->data(), size).has_value(),
        "'{}' is damaged: its entry '{}' cannot be decompressed", name, key);
  return {out, *out};
}

void put(std::string& out, uint64_t value, size_t size) { out.append(reinterpret_cast<const char*>(&value), size); }

}  // namespace

std::map<std::string, ByteRange> zip_entries(const ByteRange& file, const std::string& name, bool inflate) {
  const Bytes bytes(file.bytes, name);
  const Directory directory = find_directory(bytes, file.bytes, name);
  bytes.part(directory.offset, directory.size);
  std::map<std::string, ByteRange> entries;
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.count; ++i) {
    check(bytes.marked(at, entry_mark), "'{}' is damaged: its zip directory has fewer entries than it says", name);
    const uint64_t flags = bytes.number(at + 8, 2), method = bytes.number(at + 10, 2);
    Entry entry{bytes.number(at + 20, 4), bytes.number(at + 24, 4), bytes.number(at + 42, 4)};
    const uint64_t letters = bytes.number(at + 28, 2), extra = bytes.number(at + 30, 2);
    const std::string key(bytes.part(at + 46, letters));
    read_extra(bytes, at + 46 + letters, at + 46 + letters + extra, entry);
    at += 46 + letters + extra + bytes.number(at + 32, 2);
    check((flags & 1) == 0, "'{}': its entry '{}' is encrypted: save it without a password", name, key);
    if (method != stored && !(inflate && method == deflated)) continue;
    if (method == stored && entry.size != entry.compressed) continue;
    check(bytes.marked(entry.offset, local_mark), "'{}' is damaged: the entry '{}' is not where it should be", name,
          key);
    const uint64_t data = entry.offset + 30 + bytes.number(entry.offset + 26, 2) + bytes.number(entry.offset + 28, 2);
    const auto part = bytes.part(data, entry.compressed);
    auto range = method == stored ? ByteRange{file.owner, part} : decompress(part, entry.size, name, key);
    const bool first = entries.emplace(key, std::move(range)).second;
    check(first, "'{}' is damaged: it has the entry '{}' twice", name, key);
  }
  return entries;
}

void ZipWriter::write(std::string_view bytes) {
  file_.write(bytes);
  position_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::string_view data) {
  check(position_ + data.size() < unsaid32 - (1 << 20) && count_ < unsaid16,
        "cannot write '{}': it would be larger than 4 GB: save it as .safetensors", path_);
  constexpr uint64_t alignment = 64;
  const uint64_t before = position_ + 30 + name.size() + 4;
  const uint64_t padding = (alignment - before % alignment) % alignment;
  std::string common;
  put(common, 0, 2);     // flags
  put(common, 0, 2);     // stored
  put(common, 0, 2);     // time
  put(common, 0x21, 2);  // the first of January 1980
  put(common, libdeflate_crc32(0, data.data(), data.size()), 4);
  put(common, data.size(), 4);
  put(common, data.size(), 4);
  put(common, name.size(), 2);

  std::string header(local_mark);
  put(header, 20, 2);
  header += common;
  put(header, 4 + padding, 2);
  header += name;
  header += "FB";  // torch's own padding field
  put(header, padding, 2);
  header.append(padding, 'Z');

  directory_ += entry_mark;
  put(directory_, 20, 2);
  put(directory_, 20, 2);
  directory_ += common;
  directory_.append(12, '\0');  // no extra field, no comment, first disk, no attributes
  put(directory_, position_, 4);
  directory_ += name;
  ++count_;
  write(header);
  write(data);
}

void ZipWriter::commit() {
  std::string end(end_mark);
  put(end, 0, 4);
  put(end, count_, 2);
  put(end, count_, 2);
  put(end, directory_.size(), 4);
  put(end, position_, 4);
  put(end, 0, 2);
  write(directory_);
  write(end);
  file_.commit();
}

}  // namespace multiviz
