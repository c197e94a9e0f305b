#include "io/base64.h"

#include <array>
#include <cstdint>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr uint8_t no_digit = 64;

std::array<uint8_t, 256> make_digits() {
  std::array<uint8_t, 256> out;
  out.fill(no_digit);
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < letters.size(); ++i) out[static_cast<unsigned char>(letters[i])] = static_cast<uint8_t>(i);
  return out;
}

}  // namespace

std::string decode_base64(std::string_view text, const std::string& where) {
  static const auto digits = make_digits();
  // Python 2's str() of bytes, which some of the published files hold: b'...'.
  if (text.starts_with("b'") && text.ends_with('\'')) text = text.substr(2, text.size() - 3);
  check(text.size() % 4 == 0, "{}: its base64 is cut short", where);
  size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      bool pad = i + k >= text.size() - padding;
      const uint8_t digit = pad ? 0 : digits[static_cast<unsigned char>(text[i + k])];
      check(digit != no_digit, "{}: its base64 has the character '{}'", where, text[i + k]);
      group = group << 6 | digit;
    }
    for (int shift : {16, 8, 0}) out += static_cast<char>(group >> shift & 0xff);
  }
  out.resize(out.size() - padding);
  return out;
}

}  // namespace multiviz
