#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/unicode.h"

namespace multiviz {

// The tokens of a model and their numbers.
class Vocabulary {
 public:
  // Throws Error naming `where` for a negative number, or one of more than 2^31.
  void add(const std::string& token, int64_t id, const std::string& where);

  int64_t id(const std::string& token) const;    // -1 for none
  const std::string* token(int64_t id) const;    // null for none
  int64_t size() const { return largest_ + 1; }  // the largest number + 1
  int64_t count() const { return static_cast<int64_t>(ids_.size()); }
  size_t longest() const { return longest_; }  // bytes of the longest token

 private:
  std::unordered_map<std::string, int64_t> ids_;
  std::unordered_map<int64_t, std::string> tokens_;
  int64_t largest_ = -1;
  size_t longest_ = 0;
};

// A token of a piece of text: its number and the piece's characters [begin, end) that it stands for.
struct ModelToken {
  int64_t id;
  size_t begin, end;
};

// Cuts the pieces that a pre-tokenizer leaves (words, about) into tokens of a vocabulary.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  virtual std::vector<ModelToken> tokenize(const Chars& piece) const = 0;
};

}  // namespace multiviz
