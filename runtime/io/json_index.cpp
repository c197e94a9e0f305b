#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "io/json.h"
#include "io/json_records.h"
#include "io/json_scan.h"
#include "io/mapping.h"

namespace multiviz {
namespace {

constexpr uint64_t largest = uint64_t{1} << 28;  // bytes of a record
constexpr int64_t most_told = 100;               // messages about records left out
constexpr size_t most_collected = 1 << 20;

// What a record's members say of it.
struct Members {
  size_t end = 0;
  std::string_view key, collect;
  size_t found = 0;  // how many of the demanded fields
};

class Indexer {
 public:
  Indexer(const std::string& path, const JsonRecordOptions& options)
      : path_(path),
        options_(options),
        layout_(options.layout),
        file_(path),
        scan_({file_.data(), file_.size()}),
        progress_("indexing " + path, static_cast<int64_t>(file_.size())) {}

  JsonIndex run() {
    try {
      if (layout_.form == JsonForm::lines)
        lines();
      else
        document();
    } catch (const JsonBreak& broken) {
      // Around the records, or behind the last good one.
      if (!options_.skip) fail("'{}': byte {}: not valid JSON: {}: {}", path_, broken.at, broken.reason, advice());
      told(fmt::format("'{}': byte {}: not valid JSON: {}", path_, broken.at, broken.reason));
    }
    sort_keys();
    index_.collected.assign(collected_.begin(), collected_.end());
    passed(file_.size());
    index_.content = hash_;
    return std::move(index_);
  }

 private:
  static const char* advice() { return "get the file again, or leave damage out with on_error = \"skip\""; }

  std::string place(size_t at) const {
    return fmt::format("'{}', record {} at byte {}", path_, index_.offsets.size() + 1, at);
  }

  void told(std::string message) {
    if (++index_.skipped <= most_told) index_.reasons.push_back(std::move(message));
  }

  // Everything before `at` is done with: hashed, and given back to the system.
  void passed(size_t at) {
    constexpr size_t block = size_t{1} << 24;
    while (dropped_ < at && (at - dropped_ >= block || at == file_.size())) {
      throw_if_cancelled();
      const size_t count = std::min(block, at - dropped_);
      hash_ = hash_bytes({file_.data() + dropped_, count}, hash_);
      ::madvise(file_.data() + dropped_, count & ~size_t{4095}, MADV_DONTNEED);
      dropped_ += count;
      progress_.advance(static_cast<int64_t>(count));
    }
  }

  void document() {
    size_t at = scan_.space(0);
    if (scan_.peek(at) != '{') {
      check(layout_.form == JsonForm::list && layout_.list.empty() && scan_.peek(at) == '[',
            "'{}' is not of the expected form: its outermost value must be {}", path_,
            layout_.form == JsonForm::list && layout_.list.empty() ? "a list" : "an object");
      return finish(records(at, ']'));
    }
    if (layout_.form == JsonForm::dictionary) return finish(records(at, '}'));
    check(!layout_.list.empty(), "'{}' is not of the expected form: its outermost value must be a list", path_);
    find_list(at);
  }

  // {"info": ..., "questions": [...]}
  void find_list(size_t at) {
    bool found = false;
    at = scan_.space(at + 1);
    while (scan_.peek(at) != '}') {
      std::string_view name;
      at = scan_.space(scan_.name(at, name));
      if (name == layout_.list) {
        check(scan_.peek(at) == '[' && !found, "'{}' is not of the expected form: '{}' must be one list", path_, name);
        found = true;
        at = records(at, ']');
      } else {
        at = scan_.value(at);
      }
      at = scan_.space(at);
      if (scan_.peek(at) == '}') break;
      at = scan_.space(scan_.expect(at, ','));
    }
    check(found, "'{}' is not of the expected form: it has no '{}'", path_, layout_.list);
    finish(at + 1);
  }

  void finish(size_t at) const {
    if (scan_.space(at) != file_.size()) throw JsonBreak{scan_.space(at), "something follows the end of the records"};
  }

  // From the opening bracket; returns what is behind the closing one.
  size_t records(size_t at, char close) {
    at = scan_.space(at + 1);
    if (scan_.peek(at) == close) return at + 1;
    for (;;) {
      size_t begin = at;
      try {
        std::string_view key;
        begin = at = scan_.space(close == '}' ? scan_.name(at, key) : at);
        at = scan_.space(record(at, key));
        if (scan_.peek(at) == close) return at + 1;
        at = scan_.space(scan_.expect(at, ','));
      } catch (const JsonBreak& broken) {
        const std::string message =
            fmt::format("{}: not valid JSON: {} (byte {})", place(begin), broken.reason, broken.at);
        if (!options_.skip) fail("{}: {}", message, advice());
        told(message);
        // Damage behind a record that is whole must not have it found again.
        if (!index_.offsets.empty()) begin = std::max(begin, end_of_last());
        at = resume(begin, close);
        if (at == file_.size()) throw JsonBreak{at, "the file ends inside of its records"};
        if (scan_.text()[at] == close) return at + 1;
      }
      passed(begin);
    }
  }

  size_t end_of_last() const { return index_.offsets.back() + index_.sizes.back(); }

  // The next place from which a record can be read, after damage in the one that began at `begin`: an object with the
  // demanded fields, the name before it in a dictionary. The end of the file when there is none.
  size_t resume(size_t begin, char close) const {
    const std::string_view text = scan_.text();
    for (size_t at = begin; (at = text.find('{', at + 1)) != std::string_view::npos;) {
      try {
        const size_t from = close == '}' ? name_before(at) : at;
        // What the quotes before it hold must be a name, and not one that damage was found in already.
        std::string_view key;
        if (from == std::string_view::npos || from < begin) continue;
        if (close == '}' && scan_.space(scan_.name(from, key)) != at) continue;
        if (members(at).found == layout_.fields.size()) return from;
      } catch (const JsonBreak&) {
      }
    }
    return text.size();
  }

  // Where the name begins whose value begins at `at`, as in `"key": {`; npos when there is none.
  size_t name_before(size_t at) const {
    const std::string_view text = scan_.text();
    const size_t colon = text.find_last_not_of(" \t\r\n", at - 1);
    if (colon == std::string_view::npos || colon == 0 || text[colon] != ':') return std::string_view::npos;
    const size_t quote = text.find_last_not_of(" \t\r\n", colon - 1);
    if (quote == std::string_view::npos || quote == 0 || text[quote] != '"') return std::string_view::npos;
    return text.rfind('"', quote - 1);
  }

  Members members(size_t at) const {
    Members members;
    const std::string_view text = scan_.text();
    members.end = scan_.object(at, [&](std::string_view name, size_t begin, size_t end) {
      if (name == layout_.key) members.key = text.substr(begin, end - begin);
      if (name == layout_.collect) members.collect = text.substr(begin, end - begin);
      for (const std::string& field : layout_.fields) members.found += name == field;
    });
    return members;
  }

  // The record at `at`, which a dictionary calls `name`; returns what is behind it.
  size_t record(size_t at, std::string_view name) {
    if (scan_.peek(at) != '{') throw JsonBreak{at, "a record must be an object"};
    Members found = members(at);
    const size_t size = found.end - at;
    try {
      check(size <= largest, "{}: it has {} bytes, more than the {} allowed", place(at), size, largest);
      check_fields(at, found);
      uint64_t key = 0;
      const bool keyed = layout_.form == JsonForm::dictionary || !layout_.key.empty();
      if (keyed) key = key_hash(layout_.form == JsonForm::dictionary ? name : found.key, at);
      if (options_.skip && options_.accept)
        options_.accept(parse_json(scan_.text().substr(at, size), place(at)), place(at));
      collect(found.collect);
      if (keyed) index_.keys.push_back(key);
      index_.offsets.push_back(at);
      index_.sizes.push_back(static_cast<uint32_t>(size));
    } catch (const Error& error) {
      if (!options_.skip) throw;
      told(error.what());
    }
    return found.end;
  }

  void check_fields(size_t at, const Members& found) const {
    if (found.found >= layout_.fields.size()) return;
    const nlohmann::json record = parse_json(scan_.text().substr(at, found.end - at), place(at));
    for (const std::string& field : layout_.fields) require(record, field, place(at));
  }

  uint64_t key_hash(std::string_view key, size_t at) const {
    if (layout_.form == JsonForm::dictionary) return hash_bytes(key);
    if (key.size() >= 2 && key.front() == '"') return hash_bytes(key.substr(1, key.size() - 2));
    check(!key.empty() && key.find_first_not_of("0123456789-") == std::string_view::npos,
          "{}: '{}' must be a string or an integer", place(at), layout_.key);
    return hash_bytes(key);
  }

  void collect(std::string_view value) {
    if (value.size() < 2 || value.front() != '"') return;
    if (last_collected_ == value) return;
    last_collected_ = value;
    const std::string_view plain = value.substr(1, value.size() - 2);
    if (plain.find('\\') == std::string_view::npos)
      collected_.emplace(plain);
    else
      collected_.insert(parse_json(value, path_).get<std::string>());
    check(collected_.size() <= most_collected, "'{}': '{}' has more than {} different values", path_, layout_.collect,
          most_collected);
  }

  void lines() {
    const std::string_view text = scan_.text();
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      try {
        const JsonScan line(text.substr(0, end));
        const size_t at = line.space(begin);
        if (at < end) {
          const size_t after = line.space(line.value(at));
          if (after < end) throw JsonBreak{after, "something follows the record"};
          record(at, {});
        }
      } catch (const JsonBreak& broken) {
        const std::string message =
            fmt::format("{}: not valid JSON: {} (byte {})", place(begin), broken.reason, broken.at);
        if (!options_.skip) fail("{}: {}", message, advice());
        told(message);
      }
      begin = end + 1;
      passed(std::min(begin, text.size()));
    }
  }

  // By hash, and by position among equals, which are an error.
  void sort_keys() {
    check(index_.offsets.size() <= UINT32_MAX, "'{}' has too many records", path_);
    index_.order.resize(index_.keys.size());
    std::iota(index_.order.begin(), index_.order.end(), 0u);
    const auto& keys = index_.keys;
    std::sort(index_.order.begin(), index_.order.end(),
              [&](uint32_t a, uint32_t b) { return keys[a] != keys[b] ? keys[a] < keys[b] : a < b; });
    for (size_t i = 1; i < index_.order.size(); ++i) {
      const uint32_t a = index_.order[i - 1], b = index_.order[i];
      check(keys[a] != keys[b], "'{}': the records at bytes {} and {} have the same {}", path_, index_.offsets[a],
            index_.offsets[b], layout_.key.empty() ? "key" : "'" + layout_.key + "'");
    }
  }

  const std::string& path_;
  const JsonRecordOptions& options_;
  const JsonLayout& layout_;
  Mapping file_;
  JsonScan scan_;
  Progress progress_;
  JsonIndex index_;
  std::set<std::string, std::less<>> collected_;
  std::string_view last_collected_;
  size_t dropped_ = 0;
  uint64_t hash_ = 0;
};

}  // namespace

uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  uint64_t hash = seed ^ (bytes.size() * 0x9e3779b97f4a7c15ULL);
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
  };
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    mix(word);
  }
  uint64_t rest = 0;
  if (at < bytes.size()) std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
  mix(rest);
  mix(0x9e3779b97f4a7c15ULL);
  return hash;
}

JsonIndex index_records(const std::string& path, const JsonRecordOptions& options) {
  return Indexer(path, options).run();
}

}  // namespace multiviz
