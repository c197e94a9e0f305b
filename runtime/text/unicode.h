#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace multiviz {

// A code point of a text that is being normalised, with the bytes [begin, end) of the original text it came from.
struct Char {
  char32_t code;
  size_t begin, end;
};

using Chars = std::vector<Char>;

// The code points of UTF-8 text; a byte that is not part of one is U+FFFD.
Chars decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t code);
std::string encode_utf8(const Chars& chars);

// Classes of code points as Hugging Face's tokenizers see them, which is utf8proc's Unicode with the exceptions of
// text/unicode_exceptions.h.
bool is_space(char32_t code);            // White_Space, \s
bool is_letter(char32_t code);           // \p{L}
bool is_number(char32_t code);           // \p{N}
bool is_punctuation(char32_t code);      // \p{P}
bool is_nonspacing_mark(char32_t code);  // \p{Mn}
bool is_control(char32_t code);          // Cc, Cf, Co
bool is_word(char32_t code);             // \w

enum class NormalForm { nfd, nfc, nfkd, nfkc };

// In place. What a decomposition adds keeps the bytes of the character it came from; a composed character keeps those
// of its first part.
void normalize(Chars& chars, NormalForm form);

// Lower case, character by character (one may become two).
void lower_case(Chars& chars);

}  // namespace multiviz
