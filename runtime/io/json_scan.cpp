#include "io/json_scan.h"

#include <fmt/format.h>

#include <array>

namespace multiviz {
namespace {

constexpr size_t deepest = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Characters of a string that mean themselves: all but quote, backslash and control characters.
constexpr std::array<bool, 256> plain = [] {
  std::array<bool, 256> table{};
  for (size_t c = 0x20; c < 256; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f ? fmt::format("'{}'", c) : fmt::format("byte 0x{:02x}", byte);
}

}  // namespace

char JsonScan::peek(size_t at) const {
  if (at >= text_.size()) throw JsonBreak{text_.size(), "the file ends inside of it"};
  return text_[at];
}

size_t JsonScan::expect(size_t at, char c) const {
  if (peek(at) != c) throw JsonBreak{at, fmt::format("expected '{}', not {}", c, shown(text_[at]))};
  return at + 1;
}

size_t JsonScan::space(size_t at) const {
  while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\n' || text_[at] == '\r' || text_[at] == '\t')) ++at;
  return at;
}

size_t JsonScan::escape(size_t at) const {
  const char c = peek(at);
  if (c != 'u') {
    if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos)
      throw JsonBreak{at, fmt::format("there is no escape \\{}", shown(c))};
    return at + 1;
  }
  for (size_t k = 1; k <= 4; ++k) {
    const char digit = peek(at + k);
    if (!is_digit(digit) && (digit < 'a' || digit > 'f') && (digit < 'A' || digit > 'F'))
      throw JsonBreak{at + k, "four hexadecimal digits must follow \\u"};
  }
  return at + 5;
}

size_t JsonScan::string(size_t at) const {
  at = expect(at, '"');
  for (;;) {
    while (at < text_.size() && plain[static_cast<unsigned char>(text_[at])]) ++at;
    const char c = peek(at);
    if (c == '"') return at + 1;
    if (c != '\\') throw JsonBreak{at, fmt::format("{} in a string", shown(c))};
    at = escape(at + 1);
  }
}

size_t JsonScan::number(size_t at) const {
  const auto digits = [&](size_t from) {
    if (!is_digit(peek(from))) throw JsonBreak{from, fmt::format("expected a digit, not {}", shown(text_[from]))};
    while (from < text_.size() && is_digit(text_[from])) ++from;
    return from;
  };
  if (text_[at] == '-') ++at;
  at = peek(at) == '0' ? at + 1 : digits(at);
  if (at < text_.size() && text_[at] == '.') at = digits(at + 1);
  if (at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
    ++at;
    if (peek(at) == '+' || text_[at] == '-') ++at;
    at = digits(at);
  }
  return at;
}

size_t JsonScan::word(size_t at, std::string_view word) const {
  if (text_.substr(at, word.size()) != word)
    throw JsonBreak{at, text_.size() - at < word.size() ? "the file ends inside of it" : "this is no value"};
  return at + word.size();
}

size_t JsonScan::name(size_t at, std::string_view& name) const {
  at = space(at);
  const size_t end = string(at);
  name = text_.substr(at + 1, end - at - 2);
  return expect(space(end), ':');
}

size_t JsonScan::value(size_t at) const {
  std::array<bool, deepest> is_object;  // of the brackets that are open
  size_t depth = 0;
  std::string_view ignored;
  for (;;) {
    at = space(at);
    const char c = peek(at);
    if (c == '{' || c == '[') {
      if (depth == deepest) throw JsonBreak{at, fmt::format("nested more than {} levels deep", deepest)};
      is_object[depth++] = c == '{';
      at = space(at + 1);
      if (peek(at) != (c == '{' ? '}' : ']')) {
        if (c == '{') at = name(at, ignored);
        continue;
      }
      ++at, --depth;
    } else if (c == '"') {
      at = string(at);
    } else if (c == '-' || is_digit(c)) {
      at = number(at);
    } else {
      at = word(at, c == 't' ? "true" : c == 'f' ? "false" : "null");
    }
    for (;; ++at, --depth) {  // whatever ends here
      if (depth == 0) return at;
      at = space(at);
      if (peek(at) == ',') break;
      const char close = is_object[depth - 1] ? '}' : ']';
      if (text_[at] != close) throw JsonBreak{at, fmt::format("expected ',' or '{}', not {}", close, shown(text_[at]))};
    }
    at = is_object[depth - 1] ? name(at + 1, ignored) : at + 1;
  }
}

}  // namespace multiviz
