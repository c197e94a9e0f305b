#include "bindings/forward_raw.h"

#include "bindings/convert.h"
#include "models/raw.h"

namespace multiviz::script {
namespace {

RawInputs arg_inputs(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) wrong_argument(L, index, "inputs", "a table of tensors by name");
  RawInputs out;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    check(lua_type(L, -2) == LUA_TSTRING, "the inputs of forward_raw have names: give a table of tensors by name");
    std::string name = lua_tostring(L, -2);
    auto* tensor = test<at::Tensor>(L, -1);
    check(tensor != nullptr, "the input '{}' must be a tensor, got {}", name, type_name(L, -1));
    out[name] = *tensor;
    lua_pop(L, 1);
  }
  return out;
}

void push_raw(lua_State* L, const RawOutput& output) {
  if (output.tensor.defined()) {
    push(L, output.tensor);
    return;
  }
  luaL_checkstack(L, 4, "outputs nest too deeply");
  lua_newtable(L);
  for (size_t i = 0; i < output.items.size(); ++i) {
    push_raw(L, output.items[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  for (const auto& [name, field] : output.fields) {
    push_raw(L, field);
    lua_setfield(L, -2, name.c_str());
  }
}

}  // namespace

int forward_raw(lua_State* L, ModelPtr& self) {
  const auto* raw = dynamic_cast<const RawForward*>(self.get());
  check(raw != nullptr, "{} has no reference implementation whose inputs forward_raw could take: use forward",
        self->signature().name);
  RawOutput whole;
  whole.fields = raw->forward_raw(arg_inputs(L, 2));
  push_raw(L, whole);
  return 1;
}

}  // namespace multiviz::script
