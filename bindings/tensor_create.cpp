#include <ATen/ATen.h>

#include "bindings/session.h"
#include "bindings/tensor.h"
#include "core/device.h"
#include "core/random.h"

namespace multiviz::script {
namespace {

// The options that every function here takes.
struct Made {
  at::TensorOptions options;
  bool requires_grad = false;
  std::optional<at::Generator> generator;
};

Made read_options(lua_State* L, int index, at::ScalarType dtype, bool random = false) {
  Options options(L, index);
  Made made;
  auto type = options.string("dtype");
  auto device = options.string("device");
  made.options = at::TensorOptions()
                     .dtype(type ? parse_dtype(*type) : dtype)
                     .device(device ? parse_device(*device) : script_device(L));
  made.requires_grad = options.boolean("requires_grad", false);
  if (random)
    if (auto seed = options.integer("seed")) made.generator = make_generator(static_cast<uint64_t>(*seed));
  options.done();
  return made;
}

int finish(lua_State* L, const Made& made, at::Tensor tensor) {
  if (made.requires_grad) tensor.set_requires_grad(true);
  return push(L, std::move(tensor));
}

int tensor(lua_State* L) {
  auto values = arg_tensor(L, 1, "values");
  auto made = read_options(L, 2, values.scalar_type());
  return finish(L, made, values.detach().to(made.options, false, true));
}

using Fill = at::Tensor (*)(at::IntArrayRef, const Made&);

at::Tensor zeros(at::IntArrayRef sizes, const Made& made) { return at::zeros(sizes, made.options); }
at::Tensor ones(at::IntArrayRef sizes, const Made& made) { return at::ones(sizes, made.options); }
// Sampled on the CPU, so that a seed gives the same numbers on every device.
at::Tensor rand(at::IntArrayRef sizes, const Made& made) {
  return at::rand(sizes, made.generator, made.options.device(at::kCPU)).to(made.options.device());
}
at::Tensor randn(at::IntArrayRef sizes, const Made& made) {
  return at::randn(sizes, made.generator, made.options.device(at::kCPU)).to(made.options.device());
}

struct Filled {
  const char* name;
  const char* help;
  Fill fill;
  bool random;
};
constexpr Filled fills[] = {
    {"zeros", "All 0.", zeros, false},
    {"ones", "All 1.", ones, false},
    {"rand", "Uniform in [0, 1).", rand, true},
    {"randn", "Standard normal.", randn, true},
};

void register_fills(Binder& binder) {
  for (const auto& filled : fills) {
    auto name = std::string(filled.name);
    auto seed = filled.random ? ", seed=" : "";
    binder.function(
        filled.name,
        fmt::format("mv.{}(size, ... [, {{dtype=, device=, requires_grad={}}}]) -> tensor", name, seed).c_str(),
        filled.help, [filled](lua_State* L) {
          int next = 0;
          auto sizes = arg_sizes(L, 1, next);
          auto made = read_options(L, next, at::kFloat, filled.random);
          return finish(L, made, filled.fill(sizes, made));
        });
    binder.function((name + "_like").c_str(),
                    fmt::format("mv.{}_like(tensor [, {{dtype=, requires_grad={}}}]) -> tensor", name, seed).c_str(),
                    fmt::format("{} The shape, dtype and device of another tensor.", filled.help).c_str(),
                    [filled](lua_State* L) {
                      auto& like = arg<at::Tensor>(L, 1, "tensor");
                      auto made = read_options(L, 2, like.scalar_type(), filled.random);
                      made.options = made.options.device(like.device());
                      return finish(L, made, filled.fill(like.sizes(), made));
                    });
  }
}

int full(lua_State* L) {
  auto sizes = arg_integers(L, 1, "sizes");
  for (auto size : sizes) check(size >= 0, "mv.full: a size must be 0 or more, got {}", size);
  double value = arg_number(L, 2, "value");
  auto made = read_options(L, 3, at::kFloat);
  return finish(L, made, at::full(sizes, value, made.options));
}

int arange(lua_State* L) {
  double first = arg_number(L, 1, "first");
  bool one = lua_type(L, 2) != LUA_TNUMBER, stepped = lua_type(L, 3) == LUA_TNUMBER;
  bool integers = lua_isinteger(L, 1) && (one || lua_isinteger(L, 2)) && (!stepped || lua_isinteger(L, 3));
  double last = one ? first : arg_number(L, 2, "last");
  if (one) first = 1;
  double step = one || !stepped ? 1 : arg_number(L, 3, "step");
  check(step != 0, "mv.arange: 'step' must not be 0");
  auto made = read_options(L, one ? 2 : (stepped ? 4 : 3), integers ? at::kLong : at::kFloat);
  double count = std::floor((last - first) / step + 1e-9) + 1;
  check(count < 1e10, "mv.arange: that would be {:.0f} numbers", count);
  auto positions = at::arange(static_cast<int64_t>(std::max(count, 0.0)), at::TensorOptions().dtype(at::kDouble));
  return finish(L, made, (positions * step + first).to(made.options));
}

int linspace(lua_State* L) {
  double first = arg_number(L, 1, "first"), last = arg_number(L, 2, "last");
  auto n = arg_integer(L, 3, "n", {.min = 0});
  auto made = read_options(L, 4, at::kFloat);
  return finish(L, made, at::linspace(first, last, n, made.options));
}

int eye(lua_State* L) {
  auto n = arg_integer(L, 1, "n", {.min = 0});
  auto made = read_options(L, 2, at::kFloat);
  return finish(L, made, at::eye(n, made.options));
}

int randint(lua_State* L) {
  auto low = arg_integer(L, 1, "low"), high = arg_integer(L, 2, "high");
  check(high >= low, "mv.randint: 'high' must be at least 'low'");
  auto sizes = arg_integers(L, 3, "sizes");
  auto made = read_options(L, 4, at::kLong, true);
  return finish(
      L, made,
      at::randint(low, high + 1, sizes, made.generator, made.options.device(at::kCPU)).to(made.options.device()));
}

int randperm(lua_State* L) {
  auto n = arg_integer(L, 1, "n", {.min = 0});
  auto made = read_options(L, 2, at::kLong, true);
  auto order = at::randperm(n, made.generator, made.options.device(at::kCPU));
  return finish(L, made, one_based(order).to(made.options.device()));
}

}  // namespace

void register_tensor_create(Binder& binder) {
  binder.function("tensor", "mv.tensor(values [, {dtype=, device=, requires_grad=}]) -> tensor",
                  "A tensor from a number, a tensor (copied) or nested tables of them; numbers are float32.", tensor);
  register_fills(binder);
  binder.function("full", "mv.full({size, ...}, value [, options]) -> tensor", "All the same value.", full);
  binder.function("arange", "mv.arange([first,] last [, step [, options]]) -> tensor",
                  "first, first + step, ... up to and including last; first is 1 by default.", arange);
  binder.function("linspace", "mv.linspace(first, last, n [, options]) -> tensor",
                  "n numbers at equal distances, both ends included.", linspace);
  binder.function("eye", "mv.eye(n [, options]) -> tensor", "The identity matrix.", eye);
  binder.function("randint", "mv.randint(low, high, {size, ...} [, {seed=, ...}]) -> tensor",
                  "Integers from low to high, both included.", randint);
  binder.function("randperm", "mv.randperm(n [, {seed=, ...}]) -> tensor", "The numbers 1 to n in random order.",
                  randperm);
}

}  // namespace multiviz::script
