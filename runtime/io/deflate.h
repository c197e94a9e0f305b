#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace multiviz {

constexpr size_t most_inflated = 1032;  // bytes that one byte of deflate can stand for

enum class Deflate { bare, zlib };

// Inflates what `data` begin with to exactly `size` bytes at `out`; how many bytes of `data` that took. Nothing when
// they are damaged, of another size, or, as zlib wraps them, their checksum is wrong; `out` may then be written to.
std::optional<size_t> inflate(std::string_view data, Deflate format, char* out, size_t size);

}  // namespace multiviz
