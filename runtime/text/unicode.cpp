#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <iterator>

#include "text/unicode_exceptions.h"

namespace multiviz {
namespace {

constexpr char32_t replacement = 0xfffd;

template <typename Table>
auto find_range(const Table& table, char32_t code) {
  auto after = std::upper_bound(std::begin(table), std::end(table), code,
                                [](char32_t c, const auto& range) { return c < range.first; });
  if (after == std::begin(table)) return std::end(table);
  auto range = std::prev(after);
  return code <= range->last ? range : std::end(table);
}

template <typename Table>
bool in(const Table& table, char32_t code) {
  return find_range(table, code) != std::end(table);
}

utf8proc_category_t category(char32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)); }

bool between(utf8proc_category_t value, utf8proc_category_t first, utf8proc_category_t last) {
  return value >= first && value <= last;
}

// The number of bytes of the well-formed sequence at the front, 0 when it is none.
size_t sequence(std::string_view bytes, char32_t& code) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned char lead = byte(0);
  code = lead;
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || bytes.size() < length) return 0;
  code = lead & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code < 0xe000;
  return code >= least[length] && code <= 0x10ffff && !surrogate ? length : 0;
}

int combining_class(char32_t code) {
  if (code < 0x300 || in(normal_unknown, code)) return 0;
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class;
}

// A character of a text being normalised, and how many more there are since it than the original had: 1 when it was
// added, -n when n others went into it. Hugging Face's offsets follow from these.
struct Change {
  char32_t code;
  int64_t more;
};

std::vector<Change> decompose(const Chars& chars, bool compatible) {
  constexpr int longest = 32;  // the longest compatibility decomposition has 18
  std::vector<Change> out;
  out.reserve(chars.size());
  auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  for (const auto& from : chars) {
    utf8proc_int32_t parts[longest] = {static_cast<utf8proc_int32_t>(from.code)};
    utf8proc_ssize_t count = 1;
    int boundary = 0;
    if (from.code >= 0x80 && !in(normal_unknown, from.code))
      count = utf8proc_decompose_char(parts[0], parts, longest, options, &boundary);
    for (int i = 0; i < std::min<utf8proc_ssize_t>(count, longest); ++i)
      out.push_back({static_cast<char32_t>(parts[i]), i > 0});
  }
  return out;
}

// Runs of marks in the order of their classes.
void order_marks(std::vector<Change>& chars) {
  auto mark = [](const Change& c) { return combining_class(c.code) != 0; };
  for (auto it = chars.begin(); it != chars.end();) {
    auto first = std::find_if(it, chars.end(), mark);
    it = std::find_if_not(first, chars.end(), mark);
    std::stable_sort(
        first, it, [](const Change& a, const Change& b) { return combining_class(a.code) < combining_class(b.code); });
  }
}

// The character that canonically decomposes into these two, 0 for none.
char32_t composed(char32_t a, char32_t b) {
  if (b < 0x300 || in(normal_unknown, a) || in(normal_unknown, b)) return 0;
  utf8proc_int32_t pair[3] = {static_cast<utf8proc_int32_t>(a), static_cast<utf8proc_int32_t>(b), 0};
  auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (utf8proc_normalize_utf32(pair, 2, options) != 1) return 0;
  auto whole = static_cast<char32_t>(pair[0]);
  return in(normal_unknown, whole) ? 0 : whole;
}

void compose(std::vector<Change>& chars) {
  std::vector<Change> out;
  out.reserve(chars.size());
  size_t starter = SIZE_MAX;  // where in `out` the last one is
  int last = -1;              // class of what follows it, -1 when nothing does
  for (const auto& next : chars) {
    int rank = combining_class(next.code);
    if (starter != SIZE_MAX && last < rank) {
      if (char32_t whole = composed(out[starter].code, next.code)) {
        out[starter].code = whole;
        out[starter].more += next.more - 1;
        continue;
      }
    }
    if (rank == 0) {
      starter = out.size();
      last = -1;
    } else {
      last = rank;
    }
    out.push_back(next);
  }
  chars = std::move(out);
}

}  // namespace

Chars decode_utf8(std::string_view text) {
  Chars chars;
  chars.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    char32_t code = 0;
    size_t length = sequence(text.substr(i), code);
    if (length == 0) {
      code = replacement;
      length = 1;
    }
    chars.push_back({code, i, i + length});
    i += length;
  }
  return chars;
}

void append_utf8(std::string& out, char32_t code) {
  auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

std::string encode_utf8(const Chars& chars) {
  std::string out;
  out.reserve(chars.size());
  for (const auto& c : chars) append_utf8(out, c.code);
  return out;
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  if (in(letters_too, c)) return true;
  return between(category(c), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO) && !in(letters_not, c);
}

bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  if (in(numbers_too, c)) return true;
  return between(category(c), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO) && !in(numbers_not, c);
}

bool is_punctuation(char32_t c) {
  if (in(punctuation_too, c)) return true;
  return between(category(c), UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO) && !in(punctuation_not, c);
}

bool is_nonspacing_mark(char32_t c) {
  if (c < 0x300) return false;
  return in(marks_too, c) || (category(c) == UTF8PROC_CATEGORY_MN && !in(marks_not, c));
}

bool is_control(char32_t c) {
  auto kind = category(c);
  return (kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_CO) &&
         !in(controls_not, c);
}

bool is_word(char32_t c) {
  // Letters that are symbols by category: circled and squared ones; and the two joiners.
  constexpr CodeRange others[] = {
      {0x200c, 0x200d}, {0x24b6, 0x24e9}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}};
  if (in(others, c) || is_letter(c)) return true;
  auto kind = category(c);
  return between(kind, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_NL) || kind == UTF8PROC_CATEGORY_PC;
}

void normalize(Chars& chars, NormalForm form) {
  if (std::all_of(chars.begin(), chars.end(), [](const Char& c) { return c.code < 0x80; })) return;
  auto changed = decompose(chars, form == NormalForm::nfkd || form == NormalForm::nfkc);
  order_marks(changed);
  if (form == NormalForm::nfc || form == NormalForm::nfkc) compose(changed);
  Chars out;
  out.reserve(changed.size());
  size_t next = 0;  // of the original characters
  for (const auto& [code, more] : changed) {
    const auto& from = more > 0 ? chars[std::max<size_t>(next, 1) - 1] : chars[std::min(next, chars.size() - 1)];
    out.push_back({code, from.begin, from.end});
    if (more <= 0) next += static_cast<size_t>(1 - more);
  }
  chars = std::move(out);
}

void lower_case(Chars& chars) {
  constexpr char32_t dotted_i = 0x130, dot = 0x307;
  Chars out;
  out.reserve(chars.size());
  for (auto c : chars) {
    if (c.code < 0x80) {
      if (c.code >= 'A' && c.code <= 'Z') c.code += 'a' - 'A';
    } else if (c.code == dotted_i) {
      out.push_back({'i', c.begin, c.end});
      c.code = dot;
    } else if (auto newer = find_range(lower_newer, c.code); newer != std::end(lower_newer)) {
      c.code = static_cast<char32_t>(static_cast<int>(c.code) + newer->delta);
    } else {
      c.code = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code)));
    }
    out.push_back(c);
  }
  chars = std::move(out);
}

}  // namespace multiviz
