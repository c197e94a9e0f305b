#include "io/pickle_arena.h"

namespace multiviz {
namespace {

// The length of the character at the start of `text` when it is well formed, else 0.
size_t character(std::string_view text, uint32_t& code) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
  if (length > text.size() || (length == 4 && (first < 0xf0 || first > 0xf4))) return 0;
  code = length == 1 ? first : first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return 0;
    code = code << 6 | (next & 0x3f);
  }
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  return code >= smallest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? length : 0;
}

// The value of `count` hexadecimal digits at `position`.
uint32_t hexadecimal(std::string_view text, size_t position, size_t count, const std::string& where) {
  check(position + count <= text.size(), "{}: a string is not well written", where);
  uint32_t value = 0;
  for (char digit : text.substr(position, count)) {
    const int lower = digit | 0x20;
    const bool decimal = digit >= '0' && digit <= '9';
    check(decimal || (lower >= 'a' && lower <= 'f'), "{}: a string is not well written", where);
    value = value << 4 | static_cast<uint32_t>(decimal ? digit - '0' : lower - 'a' + 10);
  }
  return value;
}

}  // namespace

bool is_utf8(std::string_view text) {
  uint32_t code;
  while (!text.empty()) {
    const size_t length = character(text, code);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_utf8(std::string& text, uint32_t code) {
  auto tail = [&](int shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6), tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12), tail(6), tail(0);
  } else {
    text += static_cast<char>(0xf0 | (code >> 18 & 7)), tail(12), tail(6), tail(0);
  }
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (char byte : bytes) append_utf8(text, static_cast<unsigned char>(byte));
  return text;
}

std::optional<std::string> utf8_to_latin1(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  uint32_t code;
  while (!text.empty()) {
    const size_t length = character(text, code);
    if (length == 0 || code > 0xff) return std::nullopt;
    bytes += static_cast<char>(code);
    text.remove_prefix(length);
  }
  return bytes;
}

std::string unescape_string(std::string_view quoted, const std::string& where) {
  const bool whole = quoted.size() >= 2 && (quoted[0] == '\'' || quoted[0] == '"') && quoted.back() == quoted[0];
  check(whole, "{}: a string is not well written", where);
  auto text = quoted.substr(1, quoted.size() - 2);
  constexpr std::string_view letters = "abfnrtv\\'\"", meanings = "\a\b\f\n\r\t\v\\'\"";
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    check(++i < text.size(), "{}: a string is not well written", where);
    if (text[i] == 'x') {
      bytes += static_cast<char>(hexadecimal(text, i + 1, 2, where));
      i += 2;
    } else if (text[i] >= '0' && text[i] <= '7') {
      unsigned value = 0;
      const size_t end = std::min(i + 3, text.size());
      for (; i < end && text[i] >= '0' && text[i] <= '7'; ++i) value = value * 8 + static_cast<unsigned>(text[i] - '0');
      bytes += static_cast<char>(value);
      --i;
    } else if (size_t at = letters.find(text[i]); at != std::string_view::npos) {
      bytes += meanings[at];
    } else {
      bytes += '\\';
      bytes += text[i];
    }
  }
  return bytes;
}

std::string unescape_unicode(std::string_view text, const std::string& where) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'u' || text[i + 1] == 'U');
    if (!escape) {
      append_utf8(out, static_cast<unsigned char>(text[i]));
      continue;
    }
    const size_t digits = text[i + 1] == 'u' ? 4 : 8;
    uint32_t code = hexadecimal(text, i + 2, digits, where);
    i += 1 + digits;
    const bool high = code >= 0xd800 && code < 0xdc00;
    if (high && text.substr(i + 1, 2) == "\\u") {  // Python 2 writes surrogate pairs
      const uint32_t low = hexadecimal(text, i + 3, 4, where);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i += 6;
      }
    }
    check(code <= 0x10ffff, "{}: a string is not well written", where);
    append_utf8(out, code);
  }
  return out;
}

}  // namespace multiviz
