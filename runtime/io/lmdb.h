#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multiviz {

// A folder with an LMDB database (data.mdb), opened read-only and without locks, so that one in a read-only folder
// serves and nothing is written beside it. The file's pages are checked to be there before it is mapped. Reading is
// safe from several threads. Every Error names the folder.
class LmdbReader {
 public:
  explicit LmdbReader(const std::string& folder);
  ~LmdbReader();
  LmdbReader(const LmdbReader&) = delete;
  LmdbReader& operator=(const LmdbReader&) = delete;

  const std::string& folder() const { return folder_; }
  std::optional<std::string> get(std::string_view key) const;
  std::vector<std::string> keys() const;  // in the database's order

 private:
  std::string folder_;
  void* environment_ = nullptr;
};

// Writes such a database: in a folder of its own, that appears whole or not at all. `folder` must not exist yet.
class LmdbWriter {
 public:
  explicit LmdbWriter(const std::string& folder);
  ~LmdbWriter();
  LmdbWriter(const LmdbWriter&) = delete;
  LmdbWriter& operator=(const LmdbWriter&) = delete;

  void put(std::string_view key, std::string_view value);  // replaces the value of a key that is there
  void commit();                                           // without it nothing is left behind

 private:
  std::string folder_, temporary_;
  void* environment_ = nullptr;
  uint64_t size_ = 0;  // of the memory map
};

}  // namespace multiviz
