#include "text/added_tokens.h"

#include <algorithm>

namespace multiviz {
namespace {

bool matches(const std::u32string& pattern, const Chars& chars, size_t at) {
  if (pattern.size() > chars.size() - at) return false;
  for (size_t i = 0; i < pattern.size(); ++i)
    if (chars[at + i].code != pattern[i]) return false;
  return true;
}

Chars part(const Chars& chars, size_t begin, size_t end) {
  return {chars.begin() + static_cast<ptrdiff_t>(begin), chars.begin() + static_cast<ptrdiff_t>(end)};
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens, const Normalizer& normalizer) {
  for (const auto& token : tokens) {
    auto chars = decode_utf8(token.content);
    if (token.normalized && normalizer) normalizer(chars);
    if (chars.empty()) continue;
    std::u32string text;
    for (const auto& c : chars) text += c.code;
    char32_t first = text[0];
    (token.normalized ? normalized_ : raw_)[first].push_back({std::move(text), token});
  }
  for (auto* patterns : {&raw_, &normalized_})
    for (auto& [first, list] : *patterns)
      std::stable_sort(list.begin(), list.end(),
                       [](const Pattern& a, const Pattern& b) { return a.text.size() > b.text.size(); });
}

void AddedTokens::find(const Patterns& patterns, const Chars& chars, std::vector<Piece>& out) {
  size_t done = 0;
  for (size_t at = 0; at < chars.size();) {
    auto found = patterns.find(chars[at].code);
    const Pattern* match = nullptr;
    if (found != patterns.end())
      for (const auto& pattern : found->second)
        if (matches(pattern.text, chars, at)) {
          match = &pattern;
          break;
        }
    if (!match) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + match->text.size();
    at = end;
    const auto& token = match->token;
    bool inside = (begin > 0 && is_word(chars[begin - 1].code)) || (end < chars.size() && is_word(chars[end].code));
    if (token.single_word && inside) continue;
    while (token.lstrip && begin > done && is_space(chars[begin - 1].code)) --begin;
    while (token.rstrip && end < chars.size() && is_space(chars[end].code)) ++end;
    if (begin > done) out.push_back({part(chars, done, begin)});
    out.push_back({part(chars, std::max(begin, done), end), token.id});
    done = end;
    at = std::max(at, end);
  }
  if (done < chars.size()) out.push_back({part(chars, done, chars.size())});
}

std::vector<Piece> AddedTokens::split(const std::string& text, const Normalizer& normalizer) const {
  std::vector<Piece> raw, out;
  find(raw_, decode_utf8(text), raw);
  for (auto& piece : raw) {
    if (piece.token >= 0) {
      out.push_back(std::move(piece));
      continue;
    }
    if (normalizer) normalizer(piece.chars);
    find(normalized_, piece.chars, out);
  }
  return out;
}

}  // namespace multiviz
