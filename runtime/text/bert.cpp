#include "text/bert.h"

namespace multiviz {
namespace {

bool is_chinese(char32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
         (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

void clean(Chars& chars) {
  auto blank = [](char32_t c) { return c == '\t' || c == '\n' || c == '\r'; };
  std::erase_if(
      chars, [&](const Char& c) { return c.code == 0 || c.code == 0xfffd || (!blank(c.code) && is_control(c.code)); });
  for (auto& c : chars)
    if (is_space(c.code)) c.code = ' ';
}

void space_chinese(Chars& chars) {
  Chars out;
  out.reserve(chars.size());
  for (const auto& c : chars) {
    if (!is_chinese(c.code)) {
      out.push_back(c);
      continue;
    }
    out.insert(out.end(), {{' ', c.begin, c.end}, c, {' ', c.begin, c.end}});
  }
  chars = std::move(out);
}

}  // namespace

void BertNormalizer::operator()(Chars& chars) const {
  if (clean_text) clean(chars);
  if (chinese) space_chinese(chars);
  if (strip_accents) {
    normalize(chars, NormalForm::nfd);
    std::erase_if(chars, [](const Char& c) { return is_nonspacing_mark(c.code); });
  }
  if (lower) lower_case(chars);
}

void split_bert(std::vector<Chars>& pieces) {
  std::vector<Chars> out;
  for (const auto& piece : pieces) {
    Chars word;
    auto finish = [&] {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    };
    for (const auto& c : piece) {
      bool mark = is_ascii_punctuation(c.code) || is_punctuation(c.code);
      if (mark || is_space(c.code)) finish();
      if (mark) out.push_back({c});
      if (!mark && !is_space(c.code)) word.push_back(c);
    }
    finish();
  }
  pieces = std::move(out);
}

}  // namespace multiviz
