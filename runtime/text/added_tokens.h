#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/unicode.h"

namespace multiviz {

using Normalizer = std::function<void(Chars&)>;

// A token that is found in the text before anything cuts it: special tokens, and those that users added.
struct AddedToken {
  std::string content;
  int64_t id = 0;
  bool single_word = false;             // not inside a word
  bool lstrip = false, rstrip = false;  // takes the white space before, or after, along
  bool normalized = false;              // looked for in the normalised text
  bool special = false;
};

// A part of a text: characters, or an added token.
struct Piece {
  Chars chars;
  int64_t token = -1;
};

// Finds added tokens in a text, the leftmost first and of those the longest, and normalises what is between them.
class AddedTokens {
 public:
  AddedTokens() = default;
  AddedTokens(const std::vector<AddedToken>& tokens, const Normalizer& normalizer);

  std::vector<Piece> split(const std::string& text, const Normalizer& normalizer) const;

 private:
  struct Pattern {
    std::u32string text;
    AddedToken token;
  };
  using Patterns = std::unordered_map<char32_t, std::vector<Pattern>>;  // by first character, longest first

  static void find(const Patterns& patterns, const Chars& chars, std::vector<Piece>& out);

  Patterns raw_, normalized_;
};

}  // namespace multiviz
