#pragma once
#include <string>

#include "text/token_model.h"

namespace multiviz {

// WordPiece (Wu et al. 2016, as in BERT): the longest token that a piece starts with, then the longest continuation,
// and so on; a piece that cannot be covered, or of more characters than `longest`, is the unknown token.
class WordPiece : public TokenModel {
 public:
  // Throws Error when the unknown token is not in the vocabulary.
  WordPiece(const Vocabulary& vocabulary, const std::string& unknown, std::string continuation, size_t longest,
            const std::string& where);
  std::vector<ModelToken> tokenize(const Chars& piece) const override;

 private:
  const Vocabulary& vocabulary_;  // outlives this
  int64_t unknown_;
  std::string continuation_;  // "##"
  size_t longest_;
};

}  // namespace multiviz
