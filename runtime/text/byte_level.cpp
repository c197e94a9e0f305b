#include "text/byte_level.h"

#include <array>
#include <string_view>

namespace multiviz {
namespace {

std::array<char32_t, 256> make_byte_chars() {
  std::array<char32_t, 256> chars{};
  char32_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    bool prints = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    chars[byte] = prints ? byte : next++;
  }
  return chars;
}

bool is_other(char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); }

template <typename Test>
size_t run(const Chars& chars, size_t at, const Test& test) {
  while (at < chars.size() && test(chars[at].code)) ++at;
  return at;
}

// Where the match of the expression that starts at `at` ends.
size_t match_end(const Chars& chars, size_t at) {
  if (size_t length = contraction(chars, at)) return at + length;
  size_t first = at + (chars[at].code == ' ' ? 1 : 0);
  if (first < chars.size())
    for (auto* test : {is_letter, is_number, is_other})
      if (size_t end = run(chars, first, test); end > first) return end;
  // White space: its last character is left to the word that follows.
  size_t end = run(chars, at, is_space);
  return end < chars.size() && end > at + 1 ? end - 1 : end;
}

void split(const Chars& piece, std::vector<Chars>& out) {
  for (size_t at = 0; at < piece.size();) {
    size_t end = match_end(piece, at);
    out.emplace_back(piece.begin() + static_cast<ptrdiff_t>(at), piece.begin() + static_cast<ptrdiff_t>(end));
    at = end;
  }
}

Chars in_bytes(const Chars& piece) {
  Chars out;
  out.reserve(piece.size());
  std::string bytes;
  for (const auto& c : piece) {
    bytes.clear();
    append_utf8(bytes, c.code);
    for (char byte : bytes) out.push_back({byte_char(static_cast<uint8_t>(byte)), c.begin, c.end});
  }
  return out;
}

}  // namespace

char32_t byte_char(uint8_t byte) {
  static const auto chars = make_byte_chars();
  return chars[byte];
}

size_t contraction(const Chars& chars, size_t at) {
  constexpr std::string_view endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
  if (chars[at].code != '\'') return 0;
  for (auto ending : endings) {
    size_t same = 0;
    while (same < ending.size() && at + 1 + same < chars.size() &&
           chars[at + 1 + same].code == static_cast<char32_t>(ending[same]))
      ++same;
    if (same == ending.size()) return 1 + same;
  }
  return 0;
}

void ByteLevel::operator()(std::vector<Chars>& pieces) const {
  std::vector<Chars> out;
  for (auto& piece : pieces) {
    if (piece.empty()) continue;
    if (add_prefix_space && piece[0].code != ' ') piece.insert(piece.begin(), {' ', piece[0].begin, piece[0].end});
    if (use_regex)
      split(piece, out);
    else
      out.push_back(std::move(piece));
  }
  for (auto& piece : out) piece = in_bytes(piece);
  pieces = std::move(out);
}

}  // namespace multiviz
