#include "text/clip.h"

#include <string_view>

#include "text/byte_level.h"

namespace multiviz {
namespace {

size_t marker(const Chars& chars, size_t at) {
  for (std::string_view text : {"<|startoftext|>", "<|endoftext|>"}) {
    size_t same = 0;
    while (same < text.size() && at + same < chars.size() && chars[at + same].code == static_cast<char32_t>(text[same]))
      ++same;
    if (same == text.size()) return same;
  }
  return 0;
}

bool is_other(char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); }

size_t match_length(const Chars& chars, size_t at, bool markers) {
  if (markers)
    if (size_t length = marker(chars, at)) return length;
  if (size_t length = contraction(chars, at)) return length;
  auto run = [&](auto* test) {
    size_t end = at;
    while (end < chars.size() && test(chars[end].code)) ++end;
    return end - at;
  };
  if (size_t length = run(is_letter)) return length;
  if (is_number(chars[at].code)) return 1;
  return run(is_other);
}

}  // namespace

void collapse_spaces(Chars& chars) {
  Chars out;
  out.reserve(chars.size());
  bool after_space = false;
  for (const auto& c : chars) {
    bool space = is_space(c.code);
    if (space && after_space) out.pop_back();
    out.push_back(space ? Char{' ', c.begin, c.end} : c);
    after_space = space;
  }
  chars = std::move(out);
}

void split_clip(std::vector<Chars>& pieces, bool markers) {
  std::vector<Chars> out;
  for (const auto& piece : pieces)
    for (size_t at = 0; at < piece.size();) {
      size_t length = match_length(piece, at, markers);
      if (length > 0) {
        auto from = piece.begin() + static_cast<ptrdiff_t>(at);
        out.emplace_back(from, from + static_cast<ptrdiff_t>(length));
      }
      at += std::max<size_t>(length, 1);
    }
  pieces = std::move(out);
}

}  // namespace multiviz
