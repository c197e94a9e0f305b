#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace multiviz {

// Words as data/value.h splits them, lower-cased (ASCII), numbered by a vocabulary. 0 is <pad>, 1 is <unk>.
class WordTokenizer {
 public:
  static constexpr int64_t pad = 0, unknown = 1;

  WordTokenizer() = default;
  // The words after <pad> and <unk>, in order. Throws Error when one repeats.
  explicit WordTokenizer(std::vector<std::string> words);

  // One number per word of the text; a word outside the vocabulary is <unk>.
  std::vector<int64_t> encode(const std::string& text) const;

  int64_t size() const { return static_cast<int64_t>(words_.size()) + 2; }
  const std::vector<std::string>& words() const { return words_; }  // without <pad> and <unk>

 private:
  std::vector<std::string> words_;
  std::map<std::string, int64_t> numbers_;
};

// The different words of these texts, lower-cased, most frequent first (ties in alphabetical order), at most `limit`.
std::vector<std::string> vocabulary(const std::vector<std::string>& texts, size_t limit = 20000);

}  // namespace multiviz
