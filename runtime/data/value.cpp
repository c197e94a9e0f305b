#include "data/value.h"

#include <cctype>

namespace multiviz {
namespace {

// Bytes above 0x7f belong to letters of some script: they stay inside words.
bool is_letter(unsigned char c) { return std::isalnum(c) || c >= 0x80; }

}  // namespace

std::vector<std::pair<size_t, size_t>> words(const std::string& text) {
  std::vector<std::pair<size_t, size_t>> found;
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    if (std::isspace(c) || std::iscntrl(c)) {
      ++i;
      continue;
    }
    size_t begin = i++;
    if (is_letter(c)) {
      while (i < text.size()) {
        auto here = static_cast<unsigned char>(text[i]);
        bool joins = (here == '\'' || here == '-') && i + 1 < text.size() && is_letter(text[i + 1]);
        if (!is_letter(here) && !joins) break;
        ++i;
      }
    }
    found.emplace_back(begin, i);
  }
  return found;
}

std::vector<std::string> word_list(const std::string& text) {
  std::vector<std::string> list;
  for (auto [begin, end] : words(text)) list.push_back(text.substr(begin, end - begin));
  return list;
}

}  // namespace multiviz
