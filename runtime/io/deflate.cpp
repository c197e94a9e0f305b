#include "io/deflate.h"

#include <libdeflate.h>

#include <memory>

#include "core/error.h"

namespace multiviz {
namespace {

struct Free {
  void operator()(libdeflate_decompressor* memory) const { libdeflate_free_decompressor(memory); }
};

}  // namespace

std::optional<size_t> inflate(std::string_view data, Deflate format, char* out, size_t size) {
  const std::unique_ptr<libdeflate_decompressor, Free> decompressor(libdeflate_alloc_decompressor());
  check(decompressor != nullptr, "compressed data cannot be read: there is not enough memory");
  const auto run = format == Deflate::zlib ? libdeflate_zlib_decompress_ex : libdeflate_deflate_decompress_ex;
  size_t used = 0;
  if (run(decompressor.get(), data.data(), data.size(), out, size, &used, nullptr) != LIBDEFLATE_SUCCESS) return {};
  return used;
}

}  // namespace multiviz
