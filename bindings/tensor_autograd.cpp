#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include "bindings/tensor.h"

namespace multiviz::script {
namespace {

std::vector<at::Tensor> read_inputs(lua_State* L, int index) {
  if (auto* tensor = test<at::Tensor>(L, index)) return {*tensor};
  if (!lua_istable(L, index)) wrong_argument(L, index, "inputs", "a tensor or a table of tensors");
  std::vector<at::Tensor> inputs(lua_rawlen(L, index));
  for (size_t i = 0; i < inputs.size(); ++i) {
    lua_rawgeti(L, index, static_cast<lua_Integer>(i) + 1);
    auto* tensor = test<at::Tensor>(L, -1);
    check(tensor, "mv.grad: entry {} of 'inputs' must be a tensor, got {}", i + 1, type_name(L, -1));
    inputs[i] = *tensor;
    lua_pop(L, 1);
  }
  check(!inputs.empty(), "mv.grad: 'inputs' is empty");
  return inputs;
}

std::vector<at::Tensor> outer_gradient(lua_State* L, const at::Tensor& y, std::optional<at::Tensor> given) {
  check(y.requires_grad(),
        "{}: the output does not depend on a tensor that requires gradients: set x.requires_grad = true first",
        function_name(L));
  if (given) {
    check(given->sizes() == y.sizes(), "{}: 'gradient' has shape {}, the output {}", function_name(L),
          shape_text(given->sizes()), shape_text(y.sizes()));
    return {given->to(y.options())};
  }
  check(y.numel() == 1, "{}: the output has shape {}: sum it to one number, or give {{ gradient = ... }} of that shape",
        function_name(L), shape_text(y.sizes()));
  return {at::ones_like(y)};
}

int grad(lua_State* L) {
  auto& y = arg<at::Tensor>(L, 1, "y");
  auto inputs = read_inputs(L, 2);
  Options options(L, 3);
  bool create = options.boolean("create_graph", false), retain = options.boolean("retain_graph", create);
  bool unused = options.boolean("allow_unused", false);
  auto outer = outer_gradient(L, y, options.tensor("gradient"));
  options.done();
  for (size_t i = 0; i < inputs.size(); ++i)
    check(inputs[i].requires_grad(),
          "mv.grad: input {} does not require gradients: set x.requires_grad = true before using it", i + 1);
  at::AutoGradMode enable(true);
  auto gradients = torch::autograd::grad({y}, inputs, outer, retain, create, true);
  for (size_t i = 0; i < gradients.size(); ++i) {
    check(unused || gradients[i].defined(),
          "mv.grad: the output does not depend on input {}: see {{ allow_unused = true }}", i + 1);
    if (!gradients[i].defined()) gradients[i] = at::zeros_like(inputs[i]);
  }
  return lua_istable(L, 2) ? push(L, gradients) : push(L, gradients[0]);
}

int backward(lua_State* L, at::Tensor& self) {
  Options options(L, 2);
  bool create = options.boolean("create_graph", false), retain = options.boolean("retain_graph", create);
  auto outer = outer_gradient(L, self, options.tensor("gradient"));
  options.done();
  torch::autograd::backward({self}, outer, retain, create);
  return 0;
}

// Calls the function with the remaining arguments and returns what it returns.
int with_gradients(lua_State* L, bool on) {
  if (!lua_isfunction(L, 1)) wrong_argument(L, 1, "f", "a function");
  at::AutoGradMode mode(on);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

int requires_grad(lua_State* L, at::Tensor& self) {
  set_requires_grad(self, absent(L, 2) || arg_boolean(L, 2, "on"));
  lua_settop(L, 1);
  return 1;
}

}  // namespace

void set_requires_grad(at::Tensor& tensor, bool on) {
  check(!on || tensor.is_floating_point(),
        "only floating point numbers have gradients, this tensor is {}: use t:float()",
        dtype_name(tensor.scalar_type()));
  check(on || tensor.is_leaf(), "this tensor was computed from others that require gradients: use t:detach()");
  tensor.set_requires_grad(on);
}

void register_tensor_autograd(Binder& binder, TensorType& type) {
  type.property("requires_grad", "Whether gradients are recorded for it; may be set.",
                [](lua_State* L, auto& self) { return push(L, self.requires_grad()); });
  type.property("grad", "What t:backward() has added up for it, or nil.",
                [](lua_State* L, auto& self) { return push(L, self.grad()); });
  type.method("requires_grad_", "t:requires_grad_([on=true]) -> t", "Turns the recording of gradients on or off.",
              requires_grad);
  type.method("detach", "t:detach() -> tensor", "The same entries, cut off from the computation that made them.",
              [](lua_State* L, auto& self) { return push(L, self.detach()); });
  type.method("backward", "y:backward([{gradient=, retain_graph=, create_graph=}])",
              "Adds the gradient of y to x.grad of every tensor that requires it.", backward);
  binder.function(
      "grad", "mv.grad(y, x | {x, ...} [, {create_graph=, retain_graph=, gradient=, allow_unused=}]) -> gradients",
      "The gradient of y for each x: a tensor for a tensor, a table for a table. With create_graph it can be "
      "differentiated again.",
      grad);
  binder.function("no_grad", "mv.no_grad(f, ...) -> ...", "Calls f without recording gradients.",
                  [](lua_State* L) { return with_gradients(L, false); });
  binder.function("enable_grad", "mv.enable_grad(f, ...) -> ...", "Calls f with gradients recorded, inside mv.no_grad.",
                  [](lua_State* L) { return with_gradients(L, true); });
}

}  // namespace multiviz::script
