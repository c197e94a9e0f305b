#include "bindings/evaluate.h"

#include "bindings/binder.h"
#include "bindings/state.h"

namespace multiviz::script {
namespace {

constexpr int deepest = 2, most_entries = 40;

// The message is on the stack when it is false.
bool compile(lua_State* L, const std::string& code) {
  return luaL_loadbuffer(L, code.data(), code.size(), "=prompt") == LUA_OK;
}

std::string show_at(lua_State* L, int index, int depth);

std::string show_key(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TSTRING) return lua_tostring(L, index);
  return "[" + show_at(L, index, deepest) + "]";
}

std::string show_table(lua_State* L, int index, int depth) {
  luaL_checkstack(L, 8, "too deep");
  std::string text;
  int entries = 0;
  auto add = [&](const std::string& entry) { text += (entries++ ? ", " : "") + entry; };
  auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= n && entries < most_entries; ++i) {
    lua_rawgeti(L, index, i);
    add(show_at(L, lua_gettop(L), depth + 1));
    lua_pop(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= n) continue;
    if (entries >= most_entries) {
      text += ", ...";
      lua_pop(L, 2);
      break;
    }
    int top = lua_gettop(L);
    add(show_key(L, top - 1) + " = " + show_at(L, top, depth + 1));
  }
  return "{" + text + (n > most_entries ? ", ...}" : "}");
}

std::string show_at(lua_State* L, int index, int depth) {
  if (lua_type(L, index) == LUA_TSTRING) return "\"" + std::string(lua_tostring(L, index), lua_rawlen(L, index)) + "\"";
  if (auto* function = to_function(L, index)) return function->signature.empty() ? function->name : function->signature;
  bool plain = lua_istable(L, index) && luaL_getmetafield(L, index, "__tostring") == LUA_TNIL;
  if (lua_istable(L, index) && !plain) lua_pop(L, 1);
  if (plain && luaL_getmetafield(L, index, "__multiviz_namespace") != LUA_TNIL) {
    std::string name = lua_tostring(L, -1);
    lua_pop(L, 1);
    return fmt::format("{}: see help({})", name, name);
  }
  if (plain && depth < deepest) return show_table(L, index, depth);
  if (plain) return "{...}";
  std::string text = luaL_tolstring(L, index, nullptr);
  lua_pop(L, 1);
  return text;
}

int show_protected(lua_State* L) {
  return guarded(L, [](lua_State* L) { return push(L, show_at(L, 1, 0)); });
}

}  // namespace

Typed evaluate(lua_State* L, const std::string& lines) {
  if (!compile(L, "return " + lines)) {
    lua_pop(L, 1);
    if (!compile(L, lines)) {
      std::string message = lua_tostring(L, -1);
      lua_pop(L, 1);
      if (message.ends_with("<eof>")) return Typed::unfinished;
      throw ScriptError(message);
    }
  }
  run(L, 0, LUA_MULTRET);
  return Typed::complete;
}

std::string show(lua_State* L, int index) {
  index = lua_absindex(L, index);
  lua_pushcfunction(L, show_protected);
  lua_pushvalue(L, index);
  run(L, 1, 1);
  std::string text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

}  // namespace multiviz::script
