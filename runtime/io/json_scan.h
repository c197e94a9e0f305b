#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace multiviz {

// Where JSON text broke, and how. Thrown by JsonScan, caught by who knows the file's name.
struct JsonBreak {
  size_t at;  // byte of the text
  std::string reason;
};

// Walks over JSON text, checks its form (RFC 8259; that strings are UTF-8 is left to who reads them) and builds
// nothing: some hundred megabytes a second. A function takes the position where something begins and returns the one
// behind it; white space in front is passed over. Throws JsonBreak where the form is wrong or nests deeper than 200.
class JsonScan {
 public:
  explicit JsonScan(std::string_view text) : text_(text) {}
  std::string_view text() const { return text_; }

  size_t space(size_t at) const;
  size_t value(size_t at) const;
  size_t string(size_t at) const;                        // from its quote
  size_t expect(size_t at, char c) const;                // one character
  char peek(size_t at) const;                            // throws at the end of the text
  size_t name(size_t at, std::string_view& name) const;  // a member's name, escapes as written, and its colon

  // An object, whose members visit(name, begin, end) gets: the name, escapes as written, and its value's place.
  template <typename Visit>
  size_t object(size_t at, Visit&& visit) const {
    at = space(expect(space(at), '{'));
    if (peek(at) == '}') return at + 1;
    for (;;) {
      std::string_view key;
      const size_t begin = space(name(at, key));
      const size_t end = value(begin);
      visit(key, begin, end);
      at = space(end);
      if (peek(at) == '}') return at + 1;
      at = expect(at, ',');
    }
  }

 private:
  size_t number(size_t at) const;
  size_t word(size_t at, std::string_view word) const;
  size_t escape(size_t at) const;

  std::string_view text_;
};

}  // namespace multiviz
