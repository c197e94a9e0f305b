#include "bindings/tensor.h"

#include <ATen/ATen.h>
#include <ATen/ScalarOps.h>

#include "bindings/register.h"
#include "core/device.h"

namespace multiviz::script {
namespace {

int item(lua_State* L, at::Tensor& self) {
  check(self.numel() == 1, "tensor:item: only a tensor of one entry is a number, this one has shape {}: index it first",
        shape_text(self.sizes()));
  return push_table(L, self.reshape({}));
}

int to(lua_State* L, at::Tensor& self) {
  at::Tensor result = self;
  if (lua_istable(L, 2)) {
    Options options(L, 2);
    if (auto dtype = options.string("dtype")) result = result.to(parse_dtype(*dtype));
    if (auto device = options.string("device")) result = result.to(parse_device(*device));
    options.done();
    return push(L, result);
  }
  if (auto* like = test<at::Tensor>(L, 2)) return push(L, self.to(like->options()));
  auto name = arg_string(L, 2, "dtype or device");
  bool device = name == "cpu" || name == "auto" || name.starts_with("cuda");
  return push(L, device ? self.to(parse_device(name)) : self.to(parse_dtype(name)));
}

int size(lua_State* L, at::Tensor& self) {
  if (absent(L, 2)) return push(L, self.sizes().vec());
  return push(L, self.size(arg_dim(L, 2, self.dim())));
}

void register_conversions(TensorType& type) {
  struct Conversion {
    const char* name;
    at::ScalarType type;
  };
  static constexpr Conversion conversions[] = {
      {"float", at::kFloat}, {"double", at::kDouble}, {"half", at::kHalf}, {"long", at::kLong},
      {"int", at::kInt},     {"byte", at::kByte},     {"bool", at::kBool},
  };
  for (const auto& conversion : conversions)
    type.method(conversion.name, fmt::format("t:{}() -> tensor", conversion.name).c_str(),
                fmt::format("The entries as {}.", dtype_name(conversion.type)).c_str(),
                [to = conversion.type](lua_State* L, at::Tensor& self) { return push(L, self.to(to)); });
  type.method("to", "t:to(dtype | device | {dtype=, device=} | tensor) -> tensor", "Another dtype or device.", to);
  type.method("cpu", "t:cpu() -> tensor", "On the CPU.", [](lua_State* L, auto& self) { return push(L, self.cpu()); });
  type.method("cuda", "t:cuda() -> tensor", "On the first GPU.",
              [](lua_State* L, auto& self) { return push(L, self.to(parse_device("cuda"))); });
}

void register_properties(TensorType& type) {
  type.property("shape", "Size of each dimension.",
                [](lua_State* L, auto& self) { return push(L, self.sizes().vec()); });
  type.property("dtype", "Type of the entries: \"float32\", \"int64\", \"bool\", ...",
                [](lua_State* L, auto& self) { return push(L, dtype_name(self.scalar_type())); });
  type.property("device", "Where it is: \"cpu\", \"cuda:0\".",
                [](lua_State* L, auto& self) { return push(L, self.device().str()); });
  type.method("size", "t:size([dim]) -> integer | table", "Size of one dimension, or of each.", size);
  type.method("dim", "t:dim() -> integer", "Number of dimensions.",
              [](lua_State* L, auto& self) { return push(L, self.dim()); });
  type.method("numel", "t:numel() -> integer", "Number of entries.",
              [](lua_State* L, auto& self) { return push(L, self.numel()); });
  type.method("item", "t:item() -> number", "The number in a tensor of one entry.", item);
  type.method("tolist", "t:tolist() -> table | number", "Nested tables of numbers.",
              [](lua_State* L, auto& self) { return push_table(L, self); });
  type.meta("__len", [](lua_State* L, at::Tensor& self) {
    check(self.dim() > 0, "a tensor without dimensions has no length: use t:item()");
    return push(L, self.size(0));
  });
  type.tostring([](at::Tensor& self) { return tensor_text(self); });
}

}  // namespace

int64_t arg_dim(lua_State* L, int index, int64_t dims) {
  auto dim = arg_integer(L, index, "dim");
  return to_zero_based(dim, dims, fmt::format("{}: dimension {}", function_name(L), dim));
}

std::vector<int64_t> arg_dims(lua_State* L, int index, int64_t dims) {
  auto given = arg_integers(L, index, "dim");
  std::vector<int64_t> result;
  for (auto dim : given)
    result.push_back(to_zero_based(dim, dims, fmt::format("{}: dimension {}", function_name(L), dim)));
  return result;
}

std::vector<int64_t> arg_sizes(lua_State* L, int index, int& next, bool infer) {
  std::vector<int64_t> sizes;
  next = index + 1;
  if (lua_istable(L, index)) {
    sizes = arg_integers(L, index, "sizes");
  } else {
    for (next = index; lua_type(L, next) == LUA_TNUMBER; ++next) sizes.push_back(arg_integer(L, next, "sizes"));
    if (next == index && !absent(L, index)) wrong_argument(L, index, "sizes", "integers or a table of integers");
  }
  for (auto size : sizes)
    check(size >= (infer ? -1 : 0), "{}: a size must be 0 or more, got {}", function_name(L), size);
  return sizes;
}

at::Tensor arg_operand(lua_State* L, int index, const char* name) {
  if (auto* tensor = test<at::Tensor>(L, index)) return *tensor;
  if (lua_type(L, index) != LUA_TNUMBER) wrong_argument(L, index, name, "a tensor or a number");
  if (lua_isinteger(L, index)) return at::native::wrapped_scalar_tensor(static_cast<int64_t>(lua_tointeger(L, index)));
  return at::native::wrapped_scalar_tensor(lua_tonumber(L, index));
}

at::Tensor zero_based(lua_State* L, const at::Tensor& positions, int64_t n, const char* name) {
  check(at::isIntegralType(positions.scalar_type(), false) ||
            (positions.is_floating_point() && !positions.requires_grad()),
        "{}: '{}' must hold positions, got {}", function_name(L), name, dtype_name(positions.scalar_type()));
  auto whole = positions.to(at::kLong);
  if (whole.numel() > 0) {
    check(positions.equal(whole.to(positions.scalar_type())), "{}: '{}' must hold whole numbers", function_name(L),
          name);
    auto low = whole.min().item<int64_t>(), high = whole.max().item<int64_t>();
    bool zero = whole.eq(0).any().item<bool>();
    check(low >= -n && high <= n && !zero,
          "{}: '{}' holds position {}, which is out of range: they are numbered 1 to {}", function_name(L), name,
          zero ? 0 : (high > n ? high : low), n);
  }
  return at::where(whole < 0, whole + n, whole - 1);
}

std::string shape_text(at::IntArrayRef shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

void register_tensor(Binder& binder) {
  auto type = binder.type<at::Tensor>(
      "tensor", "An array of numbers with LibTorch's names and semantics. Positions and dimensions count from 1.");
  register_properties(type);
  register_conversions(type);
  register_tensor_autograd(binder, type);
  register_tensor_create(binder);
  register_tensor_index(type);
  register_tensor_math(binder, type);
  register_tensor_nn(binder);
  register_tensor_reduce(type);
  register_tensor_shape(binder, type);
}

}  // namespace multiviz::script
