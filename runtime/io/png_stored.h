#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace multiviz {

// The big-endian number of four bytes at `at`.
uint32_t png_number(std::string_view bytes, size_t at);

// The same picture with its compressed data stored as they are, which libpng reads in a fifth of the time: libdeflate
// inflates twice as fast as the zlib inside libpng. Length and checksums of all critical chunks and of the data were
// checked; the data's own are left out of the result. Empty for a file that is unusual, damaged or truncated, or too
// large to be held twice: libpng is to judge that one. Takes no more memory than the file's own size can inflate to.
std::string store_png(std::string_view bytes);

}  // namespace multiviz
