#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace multiviz {

// The whole file. Throws Error naming the file when it is missing, unreadable, or larger than `limit` bytes.
std::string read_file(const std::string& path, uint64_t limit = uint64_t{1} << 30);

// Writes to a temporary file beside it and renames, so that a reader sees the old file or the new one, never half of
// one. Throws Error naming the file and the reason (read-only folder, full disk).
void write_file(const std::string& path, std::string_view bytes);

// As write_file, for content that is made piece by piece. Without commit, nothing is left behind.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(std::string_view bytes);
  // Waits for the disk, then puts the file in place.
  void commit();

 private:
  std::string path_, temporary_;
  int descriptor_;
};

// Makes the folder and its parents. Throws Error naming the folder and the reason.
void make_folder(const std::string& path);

// "permission denied: ...", "no space left on device: ...": the reason in errno `code`, and what to do where that
// helps.
std::string system_reason(int code);

}  // namespace multiviz
