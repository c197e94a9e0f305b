#include "text/word_tokenizer.h"

#include <algorithm>

#include "core/error.h"
#include "data/value.h"

namespace multiviz {
namespace {

std::vector<std::string> lower_words(const std::string& text) {
  auto out = word_list(text);
  for (auto& word : out)
    for (auto& c : word)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

WordTokenizer::WordTokenizer(std::vector<std::string> words) : words_(std::move(words)) {
  int64_t next = unknown + 1;
  for (const auto& word : words_) check(numbers_.emplace(word, next++).second, "the vocabulary holds '{}' twice", word);
}

std::vector<int64_t> WordTokenizer::encode(const std::string& text) const {
  std::vector<int64_t> out;
  for (const auto& word : lower_words(text)) {
    auto found = numbers_.find(word);
    out.push_back(found == numbers_.end() ? unknown : found->second);
  }
  return out;
}

std::vector<std::string> vocabulary(const std::vector<std::string>& texts, size_t limit) {
  std::map<std::string, int64_t> counts;
  for (const auto& text : texts)
    for (const auto& word : lower_words(text)) ++counts[word];
  std::vector<std::string> out;
  for (const auto& [word, count] : counts) out.push_back(word);
  std::stable_sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return counts.at(a) > counts.at(b); });
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace multiviz
