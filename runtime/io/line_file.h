#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace multiviz {

// A text file that is read at offsets, by any number of threads at once.
class LineFile {
 public:
  // `expected` ends the error for what is not a file: "give a file with one JSON object a line".
  LineFile(const std::string& path, const std::string& expected);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  // Throws Error when the file has become shorter.
  std::string read(uint64_t offset, uint64_t size) const;

 private:
  std::string path_;
  int descriptor_;
  uint64_t size_ = 0;
};

struct Line {
  uint64_t offset, size;
  int64_t number;  // 1-based
};

// Every line that is not blank, without its end. Where `quoted`, a line goes on while a double quote is open, as in
// CSV. Throws Error for a line of more than 256 MiB and a quote that is never closed; shows progress.
std::vector<Line> find_lines(const LineFile& file, bool quoted = false);

}  // namespace multiviz
