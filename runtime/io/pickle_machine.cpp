#include "io/pickle_machine.h"

#include <bit>
#include <charconv>
#include <cstring>

namespace multiviz {

PickleNode* PickleMachine::run(size_t* length) {
  none_ = arena_->add(PickleKind::none);
  true_ = arena_->add(PickleKind::boolean);
  true_->integer = 1;
  false_ = arena_->add(PickleKind::boolean);
  for (;;) {
    start_ = position_;
    const auto code = static_cast<unsigned char>(take(1)[0]);
    if (code == '.') break;
    const bool known = constants(code) || numbers(code) || strings(code) || tuples(code) || containers(code) ||
                       memo(code) || objects(code) || references(code);
    if (!known) fail("{}: {:#04x} is no pickle instruction: the file is damaged or no pickle", where(), code);
  }
  if (length) *length = position_;
  return pop();
}

void PickleMachine::damaged(const char* what) const {
  fail("{}: {}: the file is truncated, damaged or no pickle", where(), what);
}

std::string_view PickleMachine::take(uint64_t count) {
  require(count <= bytes_.size() - position_, "it ends too early");
  auto taken = bytes_.substr(position_, count);
  position_ += count;
  return taken;
}

std::string_view PickleMachine::take_line() {
  const size_t end = bytes_.find('\n', position_);
  require(end != std::string_view::npos, "a line does not end");
  auto line = take(end - position_);
  ++position_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

uint64_t PickleMachine::take_unsigned(size_t bytes) {
  uint64_t value = 0;
  auto taken = take(bytes);
  for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(taken[i]);
  return value;
}

PickleNode* PickleMachine::pop() {
  PickleNode* node = top();
  stack_.pop_back();
  return node;
}

PickleNode* PickleMachine::top() {
  require(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "it takes a value that is not there");
  return stack_.back();
}

std::vector<PickleNode*> PickleMachine::pop_mark() {
  require(!marks_.empty(), "it goes back to a mark that is not there");
  std::vector<PickleNode*> items(stack_.begin() + static_cast<ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

bool PickleMachine::constants(unsigned char code) {
  switch (code) {
    case 'N':
      return push(none_), true;
    case 0x88:
      return push(true_), true;
    case 0x89:
      return push(false_), true;
    case '(':
      require(marks_.size() < 10'000, "it nests too deep");
      return marks_.push_back(stack_.size()), true;
    case '0':  // a mark counts as a value
      if (!marks_.empty() && marks_.back() == stack_.size()) return marks_.pop_back(), true;
      return pop(), true;
    case '1':
      return pop_mark(), true;
    case '2':
      return push(top()), true;
    case 0x80: {
      const auto version = take_unsigned(1);
      check(version <= 5, "'{}' is a pickle of protocol {}: only 0 to 5 are known", arena_->name, version);
      return true;
    }
    case 0x95:  // a frame says how much to read at once, which a mapped file does not need
      return take(8), true;
    default:
      return false;
  }
}

void PickleMachine::push_integer(int64_t value) {
  PickleNode* node = arena_->add(PickleKind::integer);
  node->integer = value;
  push(node);
}

void PickleMachine::push_long(std::string_view bytes) {
  PickleNode* node = arena_->add(PickleKind::integer);
  const bool negative = !bytes.empty() && (bytes.back() & 0x80);
  size_t used = bytes.size();
  while (used > 8 && bytes[used - 1] == (negative ? '\xff' : '\0') && ((bytes[used - 2] & 0x80) != 0) == negative)
    --used;
  if (used > 8) {
    node->raw = true;
    node->text = bytes.substr(0, used);
  } else {
    node->integer = negative ? -1 : 0;
    std::memcpy(&node->integer, bytes.data(), used);
  }
  push(node);
}

// Decimal digits of any number, to bytes.
void PickleMachine::push_decimal(std::string_view line) {
  if (line.ends_with('L')) line.remove_suffix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error == std::errc() && end == line.data() + line.size()) return push_integer(value);
  const bool negative = line.starts_with('-');
  auto digits = line.substr(negative ? 1 : 0);
  require(!digits.empty() && digits.size() <= 1000, "an integer is not well written");
  std::string bytes;
  for (char digit : digits) {
    require(digit >= '0' && digit <= '9', "an integer is not well written");
    unsigned carry = static_cast<unsigned>(digit - '0');
    for (char& byte : bytes) {
      carry += static_cast<unsigned char>(byte) * 10u;
      byte = static_cast<char>(carry & 0xff);
      carry >>= 8;
    }
    if (carry) bytes += static_cast<char>(carry);
  }
  bytes += '\0';
  if (negative) {
    bool carry = true;
    for (char& byte : bytes) {
      byte = static_cast<char>(~byte + (carry ? 1 : 0));
      carry = carry && byte == 0;
    }
  }
  push_long(arena_->keep(std::move(bytes)));
}

void PickleMachine::push_float(std::string_view line) {
  PickleNode* node = arena_->add(PickleKind::real);
  double value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  require(error != std::errc::invalid_argument && end == line.data() + line.size(), "a number is not well written");
  node->real = value;
  push(node);
}

bool PickleMachine::numbers(unsigned char code) {
  switch (code) {
    case 'I': {
      auto line = take_line();
      if (line == "00" || line == "01") return push(line == "01" ? true_ : false_), true;
      return push_decimal(line), true;
    }
    case 'L':
      return push_decimal(take_line()), true;
    case 'J':
      return push_integer(static_cast<int32_t>(take_unsigned(4))), true;
    case 'K':
      return push_integer(static_cast<int64_t>(take_unsigned(1))), true;
    case 'M':
      return push_integer(static_cast<int64_t>(take_unsigned(2))), true;
    case 0x8a:
      return push_long(take(take_unsigned(1))), true;
    case 0x8b:
      return push_long(take(take_unsigned(4))), true;
    case 'F':
      return push_float(take_line()), true;
    case 'G': {
      PickleNode* node = arena_->add(PickleKind::real);
      node->real = std::bit_cast<double>(__builtin_bswap64(take_unsigned(8)));
      return push(node), true;
    }
    default:
      return false;
  }
}

void PickleMachine::push_text(PickleKind kind, std::string_view text, bool raw) {
  PickleNode* node = arena_->add_text(kind, text);
  node->raw = raw;
  push(node);
}

bool PickleMachine::strings(unsigned char code) {
  using enum PickleKind;
  switch (code) {
    case 'S':
      return push_text(PickleKind::text, arena_->keep(unescape_string(take_line(), where())), true), true;
    case 'V':
      return push_text(PickleKind::text, arena_->keep(unescape_unicode(take_line(), where()))), true;
    case 'T':
      return push_text(PickleKind::text, take(take_unsigned(4)), true), true;
    case 'U':
      return push_text(PickleKind::text, take(take_unsigned(1)), true), true;
    case 'B':
      return push_text(PickleKind::bytes, take(take_unsigned(4))), true;
    case 'C':
      return push_text(PickleKind::bytes, take(take_unsigned(1))), true;
    case 0x8e:
    case 0x96:
      return push_text(PickleKind::bytes, take(take_unsigned(8))), true;
    case 'X':
      return push_text(PickleKind::text, take(take_unsigned(4))), true;
    case 0x8c:
      return push_text(PickleKind::text, take(take_unsigned(1))), true;
    case 0x8d:
      return push_text(PickleKind::text, take(take_unsigned(8))), true;
    default:
      return false;
  }
}

}  // namespace multiviz
