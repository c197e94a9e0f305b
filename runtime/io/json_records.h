#pragma once
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "io/line_file.h"

namespace multiviz {

// How a JSON file holds its records, which are objects.
enum class JsonForm {
  list,        // [{...}, ...], or a member of the file's object that is such a list
  dictionary,  // {"key": {...}, ...}
  lines,       // one a line
};

struct JsonLayout {
  JsonForm form = JsonForm::list;
  std::string list;                 // the member that holds the list; empty: the file is the list
  std::string key;                  // the field, a string or an integer, that records are found by; empty: none.
                                    // A dictionary has its own keys
  std::vector<std::string> fields;  // every record has these; tells one from other objects behind damage
  std::string collect;              // a field whose different strings are collected; empty: none
};

struct JsonRecordOptions {
  JsonLayout layout;
  // Leave damaged records out, and those that `accept` throws Error for; otherwise a damaged one is an Error on
  // opening.
  bool skip = false;
  // Called when the index is made, with the record and its place, for files opened with skip. `accept_name` names what
  // it demands: an index made with another one is made again.
  std::function<void(const nlohmann::json&, const std::string& where)> accept;
  std::string accept_name;
  std::string cache;  // the folder of the index; empty: cache_folder("records")
};

// What is known of a file's records without reading them again.
struct JsonIndex {
  std::vector<uint64_t> offsets;       // where record i begins
  std::vector<uint32_t> sizes;         // its bytes
  std::vector<uint64_t> keys;          // hash of its key; empty without keys
  std::vector<uint32_t> order;         // records by increasing hash
  std::vector<std::string> collected;  // sorted, as they are in the file (escapes resolved)
  int64_t skipped = 0;                 // records that were left out
  std::vector<std::string> reasons;    // why, of the first hundred
  uint64_t content = 0;                // hash of the file's bytes
};

// Reads the file once, without keeping it in memory, and finds its records: damage, repeated keys and records without a
// demanded field are told by record and byte. Behind damage, skip goes on with the next object that has the fields.
JsonIndex index_records(const std::string& path, const JsonRecordOptions& options);

// A JSON file of any size whose records are read one at a time, from any thread. The index is kept in a cache and made
// again when the file's size or time of change differ, or when it is damaged; where it cannot be written, it is made
// every time. Memory: 24 bytes a record.
class JsonRecords {
 public:
  // Throws Error naming the file; see index_records.
  explicit JsonRecords(const std::string& path, JsonRecordOptions options);

  int64_t size() const { return static_cast<int64_t>(index_.offsets.size()); }
  nlohmann::json get(int64_t i) const;  // throws Error starting with where(i)
  std::string where(int64_t i) const;   // "'val.json', record 17 at byte 1234"
  // What a dictionary calls record i; keys with quotes in them are cut.
  std::string key(int64_t i) const;
  // The record with this key: its text as in the file for a string, its digits for an integer.
  std::optional<int64_t> find(const std::string& key) const;
  const std::vector<std::string>& collected() const { return index_.collected; }
  int64_t skipped() const { return index_.skipped; }
  const std::vector<std::string>& reasons() const { return index_.reasons; }
  uint64_t content() const { return index_.content; }
  const std::string& path() const { return file_.path(); }

 private:
  LineFile file_;
  JsonIndex index_;
};

// A 64-bit hash of bytes, the same on every machine.
uint64_t hash_bytes(std::string_view bytes, uint64_t seed = 0);

}  // namespace multiviz
