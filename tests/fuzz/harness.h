#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.h"

namespace multiviz {

// A file in memory that is written anew for each input; `path` opens it.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(::memfd_create(name, 0)) {
    if (descriptor_ < 0) std::abort();
    path = "/proc/self/fd/" + std::to_string(descriptor_);
  }
  void set(std::string_view bytes) const {
    if (::ftruncate(descriptor_, 0) != 0) std::abort();
    if (::pwrite(descriptor_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  std::string path;

 private:
  int descriptor_;
};

// An Error is what bad input deserves; any other exception ends the harness as a crash.
template <typename Parse>
int expect_error_at_worst(Parse&& parse) {
  try {
    parse();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace multiviz
