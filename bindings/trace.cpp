#include "bindings/trace.h"

#include <ATen/ATen.h>

#include "bindings/register.h"

namespace multiviz::script {
namespace {

at::Tensor replaced(const Callback& function, const std::string& name, const at::Tensor& value) {
  at::Tensor out;
  function.call([&](lua_State* L) { return push(L, value); }, 1,
                [&](lua_State* L) {
                  auto tensor = to_tensor(L, 1, name);
                  check(tensor.has_value(), "the replacement of '{}' must return a tensor, got {}", name,
                        type_name(L, 1));
                  out = tensor->to(value.options());
                });
  return out;
}

void read_replacements(lua_State* L, Options& options, Trace& trace) {
  auto type = options.raw("replace");
  if (type != LUA_TNIL && type != LUA_TTABLE) options.wrong("replace", "a table of functions by tap");
  if (type == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      check(lua_type(L, -2) == LUA_TSTRING, "option 'replace' must be a table of functions by tap");
      std::string name = lua_tostring(L, -2);
      auto function = std::make_shared<Callback>(L, lua_gettop(L), name.c_str());
      trace.replace(name, [function, name](const at::Tensor& value) { return replaced(*function, name, value); });
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

int make_trace(lua_State* L) {
  Options options(L, 1);
  auto trace = std::make_shared<Trace>();
  for (auto& pattern : options.strings("record").value_or(std::vector<std::string>{})) trace->record(pattern);
  read_replacements(L, options, *trace);
  trace->set_second_order(options.boolean("second_order", false));
  options.done();
  return push(L, trace);
}

int names(lua_State* L, TracePtr& self) {
  std::vector<std::string> out;
  for (const auto& [name, _] : self->activations()) out.push_back(name);
  return push(L, out);
}

int lookup(lua_State* L, TracePtr& self) { return push(L, self->at(arg_string(L, 2, "tap"))); }

}  // namespace

void register_trace(Binder& binder) {
  auto type =
      binder.type<TracePtr>("trace", "What a forward pass is to record and to replace; trace[\"tap\"] afterwards.");
  type.property("names", "The taps that were recorded.", names);
  type.method("at", "trace:at(tap) -> tensor", "The recorded activation, the batch first.", lookup);
  type.index(lookup);
  type.method("clear", "trace:clear()", "Forgets what was recorded.", [](lua_State*, TracePtr& self) {
    self->clear();
    return 0;
  });
  type.tostring([](TracePtr& self) { return fmt::format("trace of {} activations", self->activations().size()); });
  binder.function("trace", "mv.trace{record={\"image.*\"}, replace={tap=function(t) return t end}} -> trace",
                  "Give it to model:forward(x, {trace=...}): names may end in *; a replacement keeps the shape.",
                  make_trace);
}

}  // namespace multiviz::script
