#include "io/pickle_writer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "core/error.h"

namespace multiviz {
namespace {

// The opcodes of Python's pickletools that are used here.
constexpr char mark = '(', stop = '.', none_code = 'N', new_true = '\x88', new_false = '\x89', binint = 'J',
               long1 = '\x8a', binfloat = 'G', binunicode = 'X', binbytes = 'B', binbytes8 = '\x8e', empty_list = ']',
               appends = 'e', tuple_code = 't', empty_dict = '}', setitems = 'u', global_code = 'c',
               stack_global = '\x93', reduce_code = 'R', build_code = 'b', binpersid = 'Q', proto = '\x80';

const char* numpy_name(const at::Tensor& numbers) {
  switch (numbers.scalar_type()) {
    case at::kFloat:
      return "f4";
    case at::kDouble:
      return "f8";
    case at::kHalf:
      return "f2";
    case at::kByte:
      return "u1";
    case at::kChar:
      return "i1";
    case at::kShort:
      return "i2";
    case at::kInt:
      return "i4";
    case at::kLong:
      return "i8";
    case at::kBool:
      return "b1";
    default:
      fail("cannot write an array of {}: convert it to float32 first", at::toString(numbers.scalar_type()));
  }
}

}  // namespace

PickleWriter::PickleWriter(int protocol) : protocol_(protocol), out_{proto, static_cast<char>(protocol)} {}

template <typename T>
void PickleWriter::put(T value) {
  static_assert(std::endian::native == std::endian::little);
  out_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void PickleWriter::none() { op(none_code); }
void PickleWriter::boolean(bool value) { op(value ? new_true : new_false); }

void PickleWriter::integer(int64_t value) {
  if (value == static_cast<int32_t>(value)) {
    op(binint);
    put(static_cast<int32_t>(value));
  } else {
    op(long1);
    out_ += static_cast<char>(sizeof value);
    put(value);
  }
}

void PickleWriter::real(double value) {
  op(binfloat);  // big-endian
  const auto bits = std::bit_cast<uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) out_ += static_cast<char>(bits >> shift);
}

void PickleWriter::text(std::string_view value) {
  check(value.size() <= std::numeric_limits<uint32_t>::max(), "cannot write a text of {} bytes", value.size());
  op(binunicode);
  put(static_cast<uint32_t>(value.size()));
  out_ += value;
}

void PickleWriter::bytes(std::string_view value) {
  check(protocol_ >= 3, "internal: a pickle of protocol {} cannot hold bytes", protocol_);
  if (value.size() <= std::numeric_limits<uint32_t>::max()) {
    op(binbytes);
    put(static_cast<uint32_t>(value.size()));
  } else {
    op(binbytes8);
    put(static_cast<uint64_t>(value.size()));
  }
  out_ += value;
}

void PickleWriter::begin_list() { op(empty_list), op(mark); }
void PickleWriter::end_list() { op(appends); }
void PickleWriter::begin_tuple() { op(mark); }
void PickleWriter::end_tuple() { op(tuple_code); }
void PickleWriter::begin_dict() { op(empty_dict), op(mark); }
void PickleWriter::end_dict() { op(setitems); }

void PickleWriter::begin_ordered_dict() {
  global("collections", "OrderedDict");
  begin_tuple(), end_tuple();
  reduce();
  op(mark);
}

void PickleWriter::integers(at::IntArrayRef values) {
  begin_tuple();
  for (int64_t value : values) integer(value);
  end_tuple();
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  if (protocol_ >= 4) {
    text(module);
    text(name);
    op(stack_global);
  } else {
    op(global_code);
    out_.append(module).append("\n").append(name).append("\n");
  }
}

void PickleWriter::reduce() { op(reduce_code); }
void PickleWriter::build() { op(build_code); }
void PickleWriter::persistent() { op(binpersid); }

// What numpy.ndarray.__reduce__ gives: _reconstruct(ndarray, (0,), b"b") and a state.
void PickleWriter::array(const at::Tensor& numbers) {
  const char* name = numpy_name(numbers);
  const at::Tensor data = numbers.detach().cpu().contiguous();
  global("numpy.core.multiarray", "_reconstruct");
  begin_tuple();
  global("numpy", "ndarray");
  integers({0});
  bytes("b");
  end_tuple();
  reduce();
  begin_tuple();
  integer(1);
  integers(data.sizes());
  global("numpy", "dtype");
  begin_tuple(), text(name), boolean(false), boolean(true), end_tuple();
  reduce();
  begin_tuple(), integer(3), text(data.element_size() == 1 ? "|" : "<"), none(), none(), none();
  integer(-1), integer(-1), integer(0), end_tuple();
  op(build_code);
  boolean(false);  // C order
  bytes({static_cast<const char*>(data.const_data_ptr()), data.nbytes()});
  end_tuple();
  op(build_code);
}

std::string PickleWriter::finish() {
  op(stop);
  return std::move(out_);
}

}  // namespace multiviz
