#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/token_model.h"

namespace multiviz {

struct BpeOptions {
  std::string unknown;         // token for a character that is none; "": such characters vanish
  std::string continuation;    // put before every character of a piece but the first
  std::string end_of_word;     // put after the last character of a piece: "</w>"
  bool fuse_unknown = false;   // one unknown token for a run of unknown characters
  bool ignore_merges = false;  // a piece that is a token stays whole
  bool byte_fallback = false;  // an unknown character becomes the tokens <0xC3> of its bytes where they all are there
};

// Byte-pair encoding (Sennrich et al. 2016): a piece starts as its characters, and the neighbours that come first in
// the list of merges are joined, leftmost first, until none is left.
class Bpe : public TokenModel {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;  // strongest first

  // Throws Error naming the merge when its parts or its result are not in the vocabulary. That the unknown token is not
  // there is an error of the first text that needs it.
  Bpe(const Vocabulary& vocabulary, const Merges& merges, BpeOptions options, const std::string& where);
  std::vector<ModelToken> tokenize(const Chars& piece) const override;

 private:
  struct Merge {
    int64_t rank, id;
  };
  struct Symbol;

  const Merge* merge(int64_t left, int64_t right) const;
  std::vector<Symbol> symbols(const Chars& piece) const;
  std::vector<int64_t> bytes_of(const std::string& token) const;  // empty when one is no token
  void join(std::vector<Symbol>& symbols) const;

  const Vocabulary& vocabulary_;  // outlives this
  BpeOptions options_;
  std::string where_;
  int64_t unknown_ = -1;
  std::unordered_map<uint64_t, Merge> merges_;
};

}  // namespace multiviz
