#pragma once
#include <cstdint>
#include <vector>

#include "text/unicode.h"

namespace multiviz {

// GPT-2's pre-tokenizer: cuts a text with its regular expression
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// and writes every byte of UTF-8 as a printing character.
struct ByteLevel {
  bool add_prefix_space = false;  // a blank before each piece that has none
  bool use_regex = true;

  void operator()(std::vector<Chars>& pieces) const;
};

// The character that stands for a byte: a blank is U+0120.
char32_t byte_char(uint8_t byte);
constexpr char32_t blank_char = 0x120;

// The length of the English contraction ('s, 't, 're, 've, 'm, 'll, 'd) at `at`, 0 for none.
size_t contraction(const Chars& chars, size_t at);

}  // namespace multiviz
