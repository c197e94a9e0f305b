#include <ATen/ATen.h>

#include "bindings/tensor.h"

namespace multiviz::script {
namespace {

struct Unary {
  const char* name;
  const char* help;
  at::Tensor (*apply)(const at::Tensor&);
};

at::Tensor gelu(const at::Tensor& x) { return at::gelu(x); }
at::Tensor softplus(const at::Tensor& x) { return at::softplus(x); }
at::Tensor round(const at::Tensor& x) { return at::round(x); }
at::Tensor tril(const at::Tensor& x) { return at::tril(x); }
at::Tensor triu(const at::Tensor& x) { return at::triu(x); }
at::Tensor diag(const at::Tensor& x) { return at::diag(x); }

constexpr Unary unaries[] = {
    {"abs", "|x|.", at::abs},
    {"acos", "Arc cosine.", at::acos},
    {"asin", "Arc sine.", at::asin},
    {"atan", "Arc tangent.", at::atan},
    {"ceil", "The next whole number.", at::ceil},
    {"cos", "Cosine.", at::cos},
    {"cosh", "Hyperbolic cosine.", at::cosh},
    {"diag", "The diagonal of a matrix, or the matrix with this diagonal.", diag},
    {"erf", "Error function.", at::erf},
    {"exp", "e^x.", at::exp},
    {"expm1", "e^x - 1.", at::expm1},
    {"floor", "The whole number before.", at::floor},
    {"gelu", "GELU.", gelu},
    {"isfinite", "Where it is neither infinite nor NaN.", at::isfinite},
    {"isinf", "Where it is infinite.", at::isinf},
    {"isnan", "Where it is NaN.", at::isnan},
    {"log", "Natural logarithm.", at::log},
    {"log10", "Logarithm to base 10.", at::log10},
    {"log1p", "log(1 + x).", at::log1p},
    {"log2", "Logarithm to base 2.", at::log2},
    {"logical_not", "Where it is false or 0.", at::logical_not},
    {"neg", "-x.", at::neg},
    {"reciprocal", "1 / x.", at::reciprocal},
    {"relu", "max(x, 0).", at::relu},
    {"round", "The nearest whole number.", round},
    {"rsqrt", "1 / sqrt(x).", at::rsqrt},
    {"sigmoid", "1 / (1 + e^-x).", at::sigmoid},
    {"sign", "-1, 0 or 1.", at::sign},
    {"silu", "x * sigmoid(x).", at::silu},
    {"sin", "Sine.", at::sin},
    {"sinh", "Hyperbolic sine.", at::sinh},
    {"softplus", "log(1 + e^x).", softplus},
    {"sqrt", "Square root.", at::sqrt},
    {"square", "x * x.", at::square},
    {"tan", "Tangent.", at::tan},
    {"tanh", "Hyperbolic tangent.", at::tanh},
    {"tril", "The lower triangle of matrices, 0 elsewhere.", tril},
    {"triu", "The upper triangle of matrices, 0 elsewhere.", triu},
    {"trunc", "Without its fraction.", at::trunc},
};

using Apply = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

struct Binary {
  const char* name;
  const char* event;  // the metamethod, or null
  const char* help;
  Apply apply;
};

at::Tensor add(const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); }
at::Tensor sub(const at::Tensor& a, const at::Tensor& b) { return at::sub(a, b); }
at::Tensor floor_divide(const at::Tensor& a, const at::Tensor& b) { return at::div(a, b, "floor"); }

const Binary binaries[] = {
    {"add", "__add", "a + b.", add},
    {"sub", "__sub", "a - b.", sub},
    {"mul", "__mul", "a * b, entry by entry.", static_cast<Apply>(at::mul)},
    {"div", "__div", "a / b.", static_cast<Apply>(at::div)},
    {"floor_divide", "__idiv", "a / b, rounded down.", floor_divide},
    {"remainder", "__mod", "What is left of a after dividing by b, with b's sign.", static_cast<Apply>(at::remainder)},
    {"pow", "__pow", "a to the power b.", static_cast<Apply>(at::pow)},
    {"atan2", nullptr, "The angle of the point (b, a).", at::atan2},
    {"maximum", nullptr, "The larger of both.", at::maximum},
    {"minimum", nullptr, "The smaller of both.", at::minimum},
    {"eq", nullptr, "Where a == b.", static_cast<Apply>(at::eq)},
    {"ne", nullptr, "Where a ~= b.", static_cast<Apply>(at::ne)},
    {"lt", nullptr, "Where a < b.", static_cast<Apply>(at::lt)},
    {"le", nullptr, "Where a <= b.", static_cast<Apply>(at::le)},
    {"gt", nullptr, "Where a > b.", static_cast<Apply>(at::gt)},
    {"ge", nullptr, "Where a >= b.", static_cast<Apply>(at::ge)},
    {"logical_and", nullptr, "Where both are true.", at::logical_and},
    {"logical_or", nullptr, "Where one is true.", at::logical_or},
    {"logical_xor", nullptr, "Where exactly one is true.", at::logical_xor},
};

void check_broadcast(lua_State* L, const at::Tensor& a, const at::Tensor& b) {
  auto left = a.sizes(), right = b.sizes();
  for (size_t k = 1; k <= std::min(left.size(), right.size()); ++k) {
    auto m = left[left.size() - k], n = right[right.size() - k];
    check(m == n || m == 1 || n == 1,
          "{}: shapes {} and {} do not fit: sizes must be equal or 1, counted from the last", function_name(L),
          shape_text(left), shape_text(right));
  }
}

int apply_binary(lua_State* L, Apply apply, const char* left, const char* right) {
  auto a = arg_operand(L, 1, left), b = arg_operand(L, 2, right);
  check_broadcast(L, a, b);
  return push(L, apply(a, b));
}

// Operators that change the tensor itself.
struct InPlace {
  const char* name;
  const char* help;
  at::Tensor& (*apply)(at::Tensor&, const at::Tensor&);
};

const InPlace in_places[] = {
    {"add_", "Adds b to the tensor itself.",
     [](at::Tensor& a, const at::Tensor& b) -> at::Tensor& { return a.add_(b); }},
    {"sub_", "Subtracts b from the tensor itself.",
     [](at::Tensor& a, const at::Tensor& b) -> at::Tensor& { return a.sub_(b); }},
    {"mul_", "Multiplies the tensor itself.",
     [](at::Tensor& a, const at::Tensor& b) -> at::Tensor& { return a.mul_(b); }},
    {"div_", "Divides the tensor itself.", [](at::Tensor& a, const at::Tensor& b) -> at::Tensor& { return a.div_(b); }},
    {"copy_", "Copies b into the tensor.",
     [](at::Tensor& a, const at::Tensor& b) -> at::Tensor& { return a.copy_(b); }},
};

int clamp(lua_State* L, at::Tensor& self) {
  std::optional<at::Scalar> low, high;
  if (!absent(L, 2)) low = arg_number(L, 2, "min");
  if (!absent(L, 3)) high = arg_number(L, 3, "max");
  check(low || high, "tensor:clamp: give 'min', 'max' or both");
  return push(L, self.clamp(low, high));
}

int softmax(lua_State* L, at::Tensor& self) { return push(L, self.softmax(arg_dim(L, 2, self.dim()))); }
int log_softmax(lua_State* L, at::Tensor& self) { return push(L, self.log_softmax(arg_dim(L, 2, self.dim()))); }

int matmul(lua_State* L) {
  auto &a = arg<at::Tensor>(L, 1, "a"), &b = arg<at::Tensor>(L, 2, "b");
  check(a.dim() > 0 && b.dim() > 0, "{}: a tensor without dimensions has no matrix product: use *", function_name(L));
  auto inner = b.size(b.dim() == 1 ? 0 : -2);
  check(a.size(-1) == inner,
        "{}: shapes {} and {} do not fit: the last dimension of the first has {}, the {} of the second {}",
        function_name(L), shape_text(a.sizes()), shape_text(b.sizes()), a.size(-1),
        b.dim() == 1 ? "only one" : "last but one", inner);
  int64_t batches = std::min(a.dim(), b.dim()) - 2;
  for (int64_t d = 0; d < batches; ++d) {
    int64_t m = a.size(-3 - d), n = b.size(-3 - d);
    check(m == n || m == 1 || n == 1, "{}: shapes {} and {} do not fit: batches must be equally many or one",
          function_name(L), shape_text(a.sizes()), shape_text(b.sizes()));
  }
  return push(L, a.matmul(b));
}

int where_entries(lua_State* L) {
  auto& condition = arg<at::Tensor>(L, 1, "condition");
  check(condition.scalar_type() == at::kBool,
        "mv.where: 'condition' must hold booleans, got {}: compare first, as in t:gt(0)",
        dtype_name(condition.scalar_type()));
  auto a = arg_operand(L, 2, "a"), b = arg_operand(L, 3, "b");
  check_broadcast(L, condition, a);
  check_broadcast(L, condition, b);
  check_broadcast(L, a, b);
  return push(L, at::where(condition, a, b));
}

int einsum(lua_State* L) {
  auto equation = arg_string(L, 1, "equation");
  std::vector<at::Tensor> operands;
  for (int i = 2; i <= lua_gettop(L); ++i) operands.push_back(arg<at::Tensor>(L, i, "operand"));
  check(!operands.empty(), "mv.einsum: give one tensor or more after the equation");
  return push(L, at::einsum(equation, operands));
}

int equal(lua_State* L, at::Tensor& self) {
  auto other = arg_tensor(L, 2, "other");
  return push(L, self.sizes() == other.sizes() && self.eq(other).all().item<bool>());
}

int allclose(lua_State* L, at::Tensor& self) {
  auto other = arg_tensor(L, 2, "other");
  check_broadcast(L, self, other);
  Options options(L, 3);
  double rtol = options.number("rtol", 1e-5, {.min = 0}), atol = options.number("atol", 1e-8, {.min = 0});
  options.done();
  return push(L, at::allclose(self.to(at::kDouble), other.to(at::kDouble).to(self.device()), rtol, atol, true));
}

}  // namespace

void register_tensor_math(Binder& binder, TensorType& type) {
  for (const auto& unary : unaries) {
    auto signature = fmt::format("t:{}() -> tensor", unary.name);
    type.method(unary.name, signature.c_str(), unary.help,
                [apply = unary.apply](lua_State* L, at::Tensor& self) { return push(L, apply(self)); });
  }
  type.meta("__unm", [](lua_State* L, at::Tensor& self) { return push(L, self.neg()); });
  for (const auto& binary : binaries) {
    auto signature = fmt::format("a:{}(b) -> tensor", binary.name);
    type.method(binary.name, signature.c_str(), binary.help,
                [apply = binary.apply](lua_State* L, at::Tensor&) { return apply_binary(L, apply, "self", "b"); });
    if (binary.event)
      type.meta_raw(binary.event, [apply = binary.apply](lua_State* L) {
        return apply_binary(L, apply, "left operand", "right operand");
      });
  }
  for (const auto& in_place : in_places) {
    auto signature = fmt::format("t:{}(b) -> t", in_place.name);
    type.method(in_place.name, signature.c_str(), in_place.help,
                [apply = in_place.apply](lua_State* L, at::Tensor& self) {
                  auto other = arg_operand(L, 2, "b");
                  check(at::is_expandable_to(other.sizes(), self.sizes()), "{}: shape {} does not fit into {}",
                        function_name(L), shape_text(other.sizes()), shape_text(self.sizes()));
                  apply(self, other);
                  lua_settop(L, 1);
                  return 1;
                });
  }
  type.method("clamp", "t:clamp(min, max) -> tensor",
              "Entries below min become min, above max become max; nil is no limit.", clamp);
  type.method("softmax", "t:softmax(dim) -> tensor", "Softmax over a dimension.", softmax);
  type.method("log_softmax", "t:log_softmax(dim) -> tensor", "Logarithm of the softmax over a dimension.", log_softmax);
  type.method("matmul", "a:matmul(b) -> tensor", "Matrix product; earlier dimensions are batches.",
              [](lua_State* L, at::Tensor&) { return matmul(L); });
  type.method("equal", "a:equal(b) -> boolean", "Whether shape and every entry are equal.", equal);
  type.method("allclose", "a:allclose(b [, {rtol=1e-5, atol=1e-8}]) -> boolean",
              "Whether |a - b| <= atol + rtol |b| everywhere; NaN equals NaN.", allclose);
  binder.function("matmul", "mv.matmul(a, b) -> tensor", "Matrix product; earlier dimensions are batches.", matmul);
  binder.function("where", "mv.where(condition, a, b) -> tensor", "a where the condition holds, else b.",
                  where_entries);
  binder.function("einsum", "mv.einsum(equation, tensor, ...) -> tensor", "Sums of products, as in \"ij,jk->ik\".",
                  einsum);
}

}  // namespace multiviz::script
