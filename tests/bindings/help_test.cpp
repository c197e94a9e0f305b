#include <doctest/doctest.h>

#include <cstdlib>

#include "bindings/binder.h"
#include "bindings/state.h"

using namespace multiviz;

namespace {

// Checks every function of the table on top of the stack: methods, properties, or a namespace below mv.
void check_functions(lua_State* L, bool properties) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    auto* function = script::to_function(L, -1);
    if (!function) continue;
    CAPTURE(function->name);
    CHECK(function->help.size() >= 3);  // "-x."
    auto short_name = function->name.substr(function->name.find_last_of(".:") + 1);
    if (!properties) CHECK(function->signature.find(short_name) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("every function, method and field has help") {
  setenv("MULTIVIZ_STDLIB", MULTIVIZ_STDLIB_SOURCE, 1);
  auto state = script::make_state();
  auto* L = state.get();
  // mv and the tables below it, also what Lua modules add.
  REQUIRE(luaL_loadstring(L, R"(
    local mv = require "multiviz"
    local missing, spaces = {}, {}
    local function walk(space, name)
      spaces[#spaces + 1] = space
      for key, value in pairs(space) do
        if type(value) == "table" and mv.help_text(value) ~= "a table\n" then walk(value, name .. "." .. key) end
        if type(value) == "function" and mv.help_text(value):find "without documentation" then
          missing[#missing + 1] = name .. "." .. key
        end
      end
    end
    walk(mv, "mv")
    return table.concat(missing, " "), spaces)") == LUA_OK);
  script::run(L, 0, 2);
  CHECK(std::string(lua_tostring(L, -2)) == "");
  CHECK(lua_rawlen(L, -1) >= 4);  // mv, mv.datasets, mv.models, mv.target, mv.nn, ...
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TTABLE; ++i) {
    check_functions(L, false);
    lua_pop(L, 1);
  }
  lua_settop(L, 0);

  int types = 0;
  for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1)) {
    if (!lua_istable(L, -1)) continue;
    lua_pushstring(L, "__multiviz_methods");
    if (lua_rawget(L, -2) == LUA_TTABLE) {
      ++types;
      lua_getfield(L, -2, "__multiviz_help");
      CHECK(std::string(lua_tostring(L, -1)).size() > 3);
      lua_pop(L, 1);
      check_functions(L, false);
      lua_getfield(L, -2, "__multiviz_properties");
      check_functions(L, true);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  CHECK(types >= 11);  // tensor, image, dataset, datapoint, model, trace, target, explanation, features, path, page
}
