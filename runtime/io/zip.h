#pragma once
#include <map>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/pickle.h"

namespace multiviz {

// The entries of a zip archive that are stored as they are, as torch.save writes them: views of the file's bytes.
// Compressed ones are left out, or with `inflate` decompressed (deflate; others are left out). The archive is
// untrusted: offsets and sizes are checked. Throws Error naming the file when it is no zip, damaged or truncated, or
// when an entry is there twice or encrypted.
std::map<std::string, ByteRange> zip_entries(const ByteRange& file, const std::string& name, bool inflate = false);

// Writes such an archive, each entry's data at a multiple of 64 bytes. Below 4 GB: throws Error beyond.
class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path) : path_(path), file_(path) {}
  void add(const std::string& name, std::string_view data);
  void commit();

 private:
  void write(std::string_view bytes);

  std::string path_, directory_;
  AtomicFile file_;
  uint64_t position_ = 0;
  uint16_t count_ = 0;
};

}  // namespace multiviz
