#include <ATen/ATen.h>

#include <bit>
#include <charconv>
#include <cstring>

#include "io/mapping.h"
#include "io/pickle_arena.h"

namespace multiviz {
namespace {

struct Dtype {
  char kind = 0;  // 'f', 'i', 'u', 'b', 'c', 'S', 'U', 'O'
  uint64_t bytes = 0;
  bool swapped = false;
  at::ScalarType scalar = at::kByte;  // of numbers
};

constexpr struct {
  std::string_view code;
  at::ScalarType type;
} numbers[] = {{"b1", at::kBool},         {"i1", at::kChar},          {"i2", at::kShort},  {"i4", at::kInt},
               {"i8", at::kLong},         {"u1", at::kByte},          {"u2", at::kUInt16}, {"u4", at::kUInt32},
               {"u8", at::kUInt64},       {"f2", at::kHalf},          {"f4", at::kFloat},  {"f8", at::kDouble},
               {"c8", at::kComplexFloat}, {"c16", at::kComplexDouble}};

// dtype('f8', False, True) with the state (3, '<', None, None, None, -1, -1, 0).
Dtype parse_dtype(const PickleArena& arena, const PickleNode* node) {
  const bool is_dtype = node && node->kind == PickleKind::object && node->text == "numpy.dtype";
  check(is_dtype && !pickle_items(*node->content->arguments).empty(), "'{}': the dtype of an array is damaged",
        arena.name);
  const PickleNode& name = *pickle_items(*node->content->arguments)[0];
  check(name.kind == PickleKind::text, "'{}': the dtype of an array is not a simple one: save its fields apart",
        arena.name);
  auto code = name.text;
  char order = '=';
  if (!code.empty() && std::string_view("<>|=").find(code[0]) != std::string_view::npos) {
    order = code[0];
    code.remove_prefix(1);
  }
  if (node->content->state) {
    const auto& state = pickle_items(*node->content->state);
    const bool said = state.size() > 1 && state[1]->kind == PickleKind::text && state[1]->text.size() == 1;
    check(said, "'{}': the dtype of an array is damaged", arena.name);
    order = state[1]->text[0];
  }
  Dtype dtype;
  dtype.swapped = order == '>';
  dtype.kind = code.empty() ? '?' : code[0];
  for (const auto& [known, type] : numbers)
    if (code == known) {
      dtype.scalar = type;
      dtype.bytes = at::elementSize(type);
      return dtype;
    }
  if (dtype.kind == 'O') return dtype;
  const char* end = code.data() + code.size();
  const bool text = (dtype.kind == 'S' || dtype.kind == 'U') &&
                    std::from_chars(code.data() + 1, end, dtype.bytes).ptr == end && dtype.bytes < (1u << 30);
  check(text, "'{}': an array in it has dtype '{}', which is neither numbers nor strings: convert it before saving",
        arena.name, code);
  if (dtype.kind == 'U') dtype.bytes *= 4;
  return dtype;
}

std::vector<int64_t> parse_shape(const PickleArena& arena, const PickleNode* node) {
  check(node && (node->kind == PickleKind::tuple || node->kind == PickleKind::list),
        "'{}': the shape of an array is damaged", arena.name);
  std::vector<int64_t> shape;
  for (const PickleNode* size : pickle_items(*node)) {
    check(size->kind == PickleKind::integer && !size->raw, "'{}': the shape of an array is damaged", arena.name);
    shape.push_back(size->integer);
  }
  return shape;
}

std::string_view fixed_string(PickleArena& arena, std::string_view bytes, const Dtype& dtype) {
  if (dtype.kind == 'S') return bytes.substr(0, bytes.find_last_not_of('\0') + 1);
  std::string text;
  size_t end = bytes.size() / 4;
  auto code_at = [&](size_t i) {
    uint32_t code;
    std::memcpy(&code, bytes.data() + 4 * i, 4);
    return dtype.swapped ? __builtin_bswap32(code) : code;
  };
  while (end > 0 && code_at(end - 1) == 0) --end;
  for (size_t i = 0; i < end; ++i) {
    check(code_at(i) <= 0x10ffff, "'{}': a string in an array is damaged", arena.name);
    append_utf8(text, code_at(i));
  }
  return arena.keep(std::move(text));
}

void set_strings(PickleArena& arena, PickleNode& node, const Dtype& dtype, std::string_view data, uint64_t count) {
  uint64_t needed;
  const bool fits =
      dtype.bytes > 0 ? !__builtin_mul_overflow(count, dtype.bytes, &needed) && needed == data.size() : count == 0;
  check(fits, "'{}': an array of strings does not fit its shape: the file is damaged", arena.name);
  auto& items = node.content->items;
  arena.charge_copy(8 * count);
  for (uint64_t i = 0; i < count; ++i)
    items.push_back(arena.add_text(dtype.kind == 'S' ? PickleKind::bytes : PickleKind::text,
                                   fixed_string(arena, data.substr(i * dtype.bytes, dtype.bytes), dtype)));
}

// Elements come in the order of the file; users see them row by row.
void reorder_rows(std::vector<PickleNode*>& items, const std::vector<int64_t>& shape) {
  std::vector<PickleNode*> rows(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    size_t rest = i, position = 0, stride = 1;
    std::vector<size_t> at(shape.size());
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      at[axis] = rest % static_cast<size_t>(shape[axis]);
      rest /= static_cast<size_t>(shape[axis]);
    }
    for (size_t axis = shape.size(); axis-- > 0; stride *= static_cast<size_t>(shape[axis]))
      position += at[axis] * stride;
    rows[position] = items[i];
  }
  items = std::move(rows);
}

void fill(PickleArena& arena, PickleNode& node, const Dtype& dtype, std::vector<int64_t> shape, bool fortran,
          const PickleNode& data) {
  auto& array = *node.content->array;
  const std::string where = fmt::format("'{}': an array", arena.name);
  const uint64_t bytes =
      byte_count(dtype.kind == 'O' || dtype.kind == 'S' || dtype.kind == 'U' ? at::kByte : dtype.scalar, shape, where);
  node.content->items.clear();
  array.type = dtype.scalar;
  array.shape = std::move(shape);
  array.fortran = fortran && array.shape.size() > 1;
  array.swapped = dtype.swapped && dtype.bytes > 1;
  array.elements = dtype.kind == 'O' || dtype.kind == 'S' || dtype.kind == 'U';
  if (dtype.kind == 'O') {
    const bool fits = data.kind == PickleKind::list && pickle_items(data).size() == bytes;
    check(fits, "{} of objects does not fit its shape: the file is damaged", where);
    arena.charge_copy(8 * bytes);
    node.content->items = pickle_items(data);
    return;
  }
  const bool raw = data.kind == PickleKind::bytes || (data.kind == PickleKind::text && data.raw);
  check(raw, "{} is not made of bytes: the file is damaged", where);
  if (array.elements) {
    set_strings(arena, node, dtype, data.text, bytes);
    if (array.fortran) reorder_rows(node.content->items, array.shape);
    return;
  }
  check(bytes == data.text.size(), "{} needs {} bytes and has {}: the file is damaged", where, bytes, data.text.size());
  array.data = data.text;
}

template <typename T>
T number_in(std::string bytes, bool swapped) {
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

void set_real(PickleNode& node, std::string_view data, const Dtype& dtype) {
  auto part = [&](std::string_view bytes) -> double {
    if (bytes.size() == 8) return number_in<double>(std::string(bytes), dtype.swapped);
    if (bytes.size() == 4) return number_in<float>(std::string(bytes), dtype.swapped);
    return static_cast<float>(number_in<c10::Half>(std::string(bytes), dtype.swapped));
  };
  if (dtype.kind == 'f') {
    node.kind = PickleKind::real;
    node.real = part(data);
    return;
  }
  node.kind = PickleKind::complex;
  node.real = part(data.substr(0, data.size() / 2));
  node.make_content().imaginary = part(data.substr(data.size() / 2));
}

void set_integer(PickleArena& arena, PickleNode& node, std::string_view data, const Dtype& dtype) {
  std::string bytes(data);
  if (dtype.swapped) std::reverse(bytes.begin(), bytes.end());
  const bool negative = dtype.kind == 'i' && (bytes.back() & 0x80);
  node.kind = dtype.kind == 'b' ? PickleKind::boolean : PickleKind::integer;
  if (dtype.kind == 'u' && bytes.size() == 8 && (bytes.back() & 0x80)) {
    node.raw = true;
    node.text = arena.keep(bytes + '\0');
    return;
  }
  node.integer = negative ? -1 : 0;
  std::memcpy(&node.integer, bytes.data(), bytes.size());
  if (dtype.kind == 'b') node.integer = node.integer != 0;
}

}  // namespace

PickleNode* numpy_empty(PickleArena& arena, PickleNode& arguments) {
  const auto& items = pickle_items(arguments);
  const bool plain = !items.empty() && items[0]->kind == PickleKind::global &&
                     (items[0]->text == "numpy.ndarray" || items[0]->text == "numpy.memmap" ||
                      items[0]->text == "numpy.matrix" || items[0]->text.starts_with("numpy.matrixlib"));
  check(plain, "'{}': an array in it is not a plain numpy.ndarray: convert it with numpy.asarray before saving",
        arena.name);
  PickleNode* node = arena.add(PickleKind::array);
  node->make_content().array = std::make_unique<PickleArray>();
  node->content->array->numpy = true;
  return node;
}

void numpy_set_state(PickleArena& arena, PickleNode& array, const PickleNode& state) {
  const auto& items = pickle_items(state);
  const bool whole = state.kind == PickleKind::tuple && items.size() == 5;
  check(whole, "'{}': the state of an array is damaged", arena.name);
  const bool fortran = items[3]->kind != PickleKind::none && items[3]->integer != 0;
  fill(arena, array, parse_dtype(arena, items[2]), parse_shape(arena, items[1]), fortran, *items[4]);
}

PickleNode* numpy_buffer(PickleArena& arena, PickleNode& arguments) {
  const auto& items = pickle_items(arguments);
  const bool whole = items.size() == 4 && items[3]->kind == PickleKind::text;
  check(whole, "'{}': an array in it is damaged", arena.name);
  PickleNode* node = arena.add(PickleKind::array);
  node->make_content().array = std::make_unique<PickleArray>();
  fill(arena, *node, parse_dtype(arena, items[1]), parse_shape(arena, items[2]), items[3]->text == "F", *items[0]);
  return node;
}

PickleNode* numpy_scalar(PickleArena& arena, PickleNode& arguments) {
  const auto& items = pickle_items(arguments);
  check(!items.empty(), "'{}': a number in it is damaged", arena.name);
  const Dtype dtype = parse_dtype(arena, items[0]);
  if (dtype.kind == 'O' && items.size() == 2) return items[1];
  std::string_view data = items.size() > 1 ? items[1]->text : std::string_view();
  check(data.size() == dtype.bytes, "'{}': a number in it is damaged", arena.name);
  PickleNode* node = arena.add(PickleKind::bytes);
  if (dtype.kind == 'f' || dtype.kind == 'c') return set_real(*node, data, dtype), node;
  if (dtype.kind != 'S' && dtype.kind != 'U') return set_integer(arena, *node, data, dtype), node;
  if (dtype.kind == 'U') node->kind = PickleKind::text;
  node->text = fixed_string(arena, data, dtype);
  return node;
}

}  // namespace multiviz
