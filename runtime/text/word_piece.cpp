#include "text/word_piece.h"

#include "core/error.h"

namespace multiviz {

WordPiece::WordPiece(const Vocabulary& vocabulary, const std::string& unknown, std::string continuation, size_t longest,
                     const std::string& where)
    : vocabulary_(vocabulary),
      unknown_(vocabulary.id(unknown)),
      continuation_(std::move(continuation)),
      longest_(longest) {
  check(unknown_ >= 0, "{}: the unknown token '{}' is not in the vocabulary", where, unknown);
}

std::vector<ModelToken> WordPiece::tokenize(const Chars& piece) const {
  std::vector<ModelToken> unknown = {{unknown_, 0, piece.size()}};
  if (piece.size() > longest_) return unknown;
  std::vector<ModelToken> tokens;
  for (size_t begin = 0; begin < piece.size();) {
    std::string candidate = begin > 0 ? continuation_ : "";
    int64_t found = -1;
    size_t end = begin;
    // Growing, so that each prefix is made once; the last one that is a token is the longest.
    for (size_t i = begin; i < piece.size() && candidate.size() < vocabulary_.longest(); ++i) {
      append_utf8(candidate, piece[i].code);
      if (int64_t id = vocabulary_.id(candidate); id >= 0) {
        found = id;
        end = i + 1;
      }
    }
    if (found < 0) return unknown;
    tokens.push_back({found, begin, end});
    begin = end;
  }
  return tokens;
}

}  // namespace multiviz
