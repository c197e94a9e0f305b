#include "io/torch_rebuild.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/mapping.h"

namespace multiviz {
namespace {

struct Name {
  std::string_view storage, type;
  at::ScalarType scalar;
};

constexpr Name names[] = {{"FloatStorage", "float32", at::kFloat},
                          {"DoubleStorage", "float64", at::kDouble},
                          {"HalfStorage", "float16", at::kHalf},
                          {"BFloat16Storage", "bfloat16", at::kBFloat16},
                          {"LongStorage", "int64", at::kLong},
                          {"IntStorage", "int32", at::kInt},
                          {"ShortStorage", "int16", at::kShort},
                          {"CharStorage", "int8", at::kChar},
                          {"ByteStorage", "uint8", at::kByte},
                          {"BoolStorage", "bool", at::kBool},
                          {"ComplexFloatStorage", "complex64", at::kComplexFloat},
                          {"ComplexDoubleStorage", "complex128", at::kComplexDouble},
                          {"", "uint16", at::kUInt16},
                          {"", "uint32", at::kUInt32},
                          {"", "uint64", at::kUInt64},
                          {"UntypedStorage", "", at::kByte}};

std::vector<int64_t> sizes_in(const Pickle& tuple, const std::string& where) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < tuple.size(); ++i) out.push_back(tuple[i].integer(where));
  return out;
}

// A view of a storage [N]; everything it reaches must be inside.
at::Tensor view_of(const at::Tensor& storage, const Pickle& arguments, const std::string& where) {
  const int64_t offset = arguments[1].integer(where);
  const auto sizes = sizes_in(arguments[2], where), strides = sizes_in(arguments[3], where);
  check(sizes.size() == strides.size() && offset >= 0, "{}: the shape of a tensor is damaged", where);
  const uint64_t bytes = byte_count(storage.scalar_type(), sizes, where);
  bool empty = false, inside = offset <= storage.numel();
  int64_t last = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t step = 0;
    empty = empty || sizes[i] == 0;
    check(strides[i] >= 0, "{}: a stride of a tensor is negative", where);
    inside = inside && !__builtin_mul_overflow(std::max<int64_t>(sizes[i] - 1, 0), strides[i], &step) &&
             !__builtin_add_overflow(last, step, &last);
  }
  check(inside && (empty || last < storage.numel()), "{}: a tensor reaches outside its storage", where);
  // A stride of 0 makes much of little.
  check(bytes <= 64 * storage.nbytes() + (1 << 20), "{}: a tensor repeats its storage beyond measure", where);
  return storage.as_strided(sizes, strides, offset);
}

at::Tensor rebuild(const Pickle& arguments, size_t needed, const std::string& where) {
  const bool whole = arguments.size() >= needed && arguments[0].is_tensor() && arguments[0].tensor(where).dim() == 1;
  check(whole, "{}: a tensor in it is damaged", where);
  at::Tensor storage = arguments[0].tensor(where);
  if (needed < 7) return view_of(storage, arguments, where);
  auto type = torch_type(arguments[6].class_name(where));
  check(type.has_value(), "{}: a tensor in it has the dtype {}, which is not known here", where,
        arguments[6].class_name(where));
  const auto item = static_cast<int64_t>(at::elementSize(*type));
  check(storage.scalar_type() == at::kByte && storage.numel() % item == 0, "{}: a tensor in it is damaged", where);
  return view_of(storage.view(*type), arguments, where);
}

}  // namespace

std::optional<at::ScalarType> torch_type(std::string_view class_name) {
  for (std::string_view prefix : {"torch.storage.", "torch.cuda.", "torch."})
    if (class_name.starts_with(prefix)) {
      class_name.remove_prefix(prefix.size());
      break;
    }
  if (class_name.empty()) return std::nullopt;
  for (const Name& name : names)
    if (class_name == name.storage || class_name == name.type) return name.scalar;
  return std::nullopt;
}

std::string storage_name(at::ScalarType type) {
  for (const Name& name : names)
    if (name.scalar == type && !name.storage.empty()) return std::string(name.storage);
  fail("a tensor of dtype {} cannot be written as a state dict: convert it first", at::toString(type));
}

at::Tensor storage_at(const ByteRange& data, at::ScalarType type, int64_t count, const std::string& where) {
  const uint64_t bytes = byte_count(type, {count}, where);
  check(bytes <= data.bytes.size(), "{}: a storage needs {} bytes and has {}: the file is truncated or damaged", where,
        bytes, data.bytes.size());
  auto* start = const_cast<char*>(data.bytes.data());  // a private mapping: writing changes this process's copy
  if (type == at::kBool)
    check(std::all_of(start, start + bytes, [](char value) { return value == 0 || value == 1; }),
          "{}: a boolean in it is neither 0 nor 1", where);
  const auto options = at::TensorOptions().dtype(type);
  if (bytes > 0 && reinterpret_cast<uintptr_t>(start) % std::max<size_t>(at::elementSize(type), 8) == 0)
    return at::from_blob(
        start, {count}, [owner = data.owner](void*) {}, options);
  at::Tensor copy = at::empty({count}, options);
  if (bytes > 0) std::memcpy(copy.data_ptr(), start, bytes);
  return copy;
}

std::optional<at::Tensor> torch_rebuild(const std::string& function, const Pickle& arguments,
                                        const std::string& where) {
  if (function == "torch._utils._rebuild_tensor_v2" || function == "torch._utils._rebuild_tensor")
    return rebuild(arguments, 4, where);
  if (function == "torch._utils._rebuild_tensor_v3") return rebuild(arguments, 7, where);
  if (function == "torch._utils._rebuild_parameter" || function == "torch._utils._rebuild_parameter_with_state" ||
      function == "torch.nn.parameter.Buffer") {
    check(arguments.size() > 0, "{}: a parameter in it is damaged", where);
    return arguments[0].tensor(where);
  }
  if (function == "torch._tensor._rebuild_from_type_v2" && arguments.size() > 2 && arguments[0].is(PickleKind::global))
    return torch_rebuild(arguments[0].class_name(where), arguments[2], where);
  return std::nullopt;
}

}  // namespace multiviz
