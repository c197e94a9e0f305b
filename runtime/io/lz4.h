#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace multiviz {

// An LZ4 frame of these bytes, as lz4.frame.compress in Python makes it.
std::string compress_lz4(std::string_view bytes);

// The bytes of an LZ4 frame. Throws Error starting with `where` when it is damaged or holds more than `limit` bytes.
std::string decompress_lz4(std::string_view frame, const std::string& where, uint64_t limit = uint64_t{1} << 31);

}  // namespace multiviz
