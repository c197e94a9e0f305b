#include "bindings/binder.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <cstring>

#include "bindings/state.h"
#include "core/batch.h"
#include "core/cancel.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

// Registry keys, by address.
const char function_metatable = 0;
const char identities = 0;
const char pending_bytes = 0;

constexpr const char* out_of_memory = "out of memory: use smaller inputs or fewer of them";

int destroy_function(lua_State* L) {
  auto* function = static_cast<Function*>(lua_touserdata(L, 1));
  if (!function || !lua_getmetatable(L, 1)) return 0;
  lua_pushnil(L);
  lua_setmetatable(L, 1);
  function->~Function();
  return 0;
}

int invoke(lua_State* L) { return guarded(L, static_cast<Function*>(lua_touserdata(L, lua_upvalueindex(1)))->call); }

int raise(lua_State* L, const std::string& message) {
  lua_pushlstring(L, message.data(), message.size());
  return lua_error(L);
}

std::string ordinal_range(Range range, bool integer) {
  std::string kind = integer ? "an integer" : "a number";
  bool low = std::isfinite(range.min), high = std::isfinite(range.max);
  if (low && high) return fmt::format("{} from {} to {}", kind, range.min, range.max);
  if (low) return fmt::format("{} >= {}", kind, range.min);
  if (high) return fmt::format("{} <= {}", kind, range.max);
  return kind;
}

bool is_empty_table(lua_State* L, int index) {
  index = lua_absindex(L, index);
  lua_pushnil(L);
  if (!lua_next(L, index)) return true;
  lua_pop(L, 2);
  return false;
}

// Pushes the registry's table at this key, made (with this __mode when not null) the first time.
void push_registry_table(lua_State* L, const void* key, const char* mode) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  if (mode) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

}  // namespace

int guarded(lua_State* L, const Call& call) {
  std::string message;
  try {
    throw_if_cancelled();  // a loop of short calls: Lua's own hook comes only once in many instructions
    return call(L);
  } catch (const ScriptError& error) {
    return raise(L, error.what());
  } catch (const Cancelled& error) {
    fail_from_now_on(L);
    return raise(L, error.what());
  } catch (const c10::Error& error) {
    message = is_out_of_memory(error) ? out_of_memory : error.what_without_backtrace();
  } catch (const std::bad_alloc&) {
    message = out_of_memory;
  } catch (const std::exception& error) {
    message = error.what();
  }
  return raise(L, where(L) + message);
}

std::string where(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "multiviz.stdlib");
  std::string library = lua_isstring(L, -1) ? fmt::format("@{}", lua_tostring(L, -1)) : "";
  lua_pop(L, 1);
  lua_Debug frame;
  for (int level = 1; lua_getstack(L, level, &frame); ++level) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0) continue;
    if (!library.empty() && std::string_view(frame.source).starts_with(library)) continue;
    return fmt::format("{}:{}: ", frame.short_src, frame.currentline);
  }
  return "";
}

// ---- Arguments ----

std::string with_article(const std::string& noun) {
  if (noun == "features") return noun;
  return fmt::format("{} {}", std::strchr("aeiou", noun[0]) ? "an" : "a", noun);
}

const std::string& function_name(lua_State* L) {
  static const std::string unknown = "?";
  auto* function = static_cast<Function*>(lua_touserdata(L, lua_upvalueindex(1)));
  if (!function || !lua_getmetatable(L, lua_upvalueindex(1))) return unknown;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &function_metatable);
  bool ours = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return ours ? function->name : unknown;
}

std::string type_name(lua_State* L, int index) {
  if (lua_isnone(L, index)) return "nothing";
  if (lua_isnil(L, index)) return "nil";
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
    std::string name = lua_tostring(L, -1);
    lua_pop(L, 1);
    return with_article(name);
  }
  if (lua_type(L, index) == LUA_TTABLE && is_empty_table(L, index)) return "an empty table";
  return with_article(luaL_typename(L, index));
}

std::string given(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TSTRING) return fmt::format("'{}'", lua_tostring(L, index));
  if (lua_type(L, index) != LUA_TNUMBER) return type_name(L, index);
  const double value = lua_tonumber(L, index);
  return std::isnan(value) ? "nan" : fmt::format("{}", value);
}

void wrong_argument(lua_State* L, int index, const char* name, const std::string& expected) {
  const auto& function = function_name(L);
  if (std::strcmp(name, "self") == 0)
    fail("{}: must be called on {}, got {}: write object:method(...), with a colon", function, expected,
         type_name(L, index));
  fail("{}: '{}' must be {}, got {}", function, name, expected, given(L, index));
}

int64_t arg_integer(lua_State* L, int index, const char* name, Range range) {
  int valid = 0;
  auto value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &valid) : 0;
  if (!valid || static_cast<double>(value) < range.min || static_cast<double>(value) > range.max)
    wrong_argument(L, index, name, ordinal_range(range, true));
  return value;
}

double arg_number(lua_State* L, int index, const char* name, Range range) {
  bool valid = lua_type(L, index) == LUA_TNUMBER;
  double value = valid ? lua_tonumber(L, index) : 0;
  if (!valid || !(value >= range.min && value <= range.max))
    wrong_argument(L, index, name, ordinal_range(range, false));
  return value;
}

std::string arg_string(lua_State* L, int index, const char* name) {
  if (lua_type(L, index) != LUA_TSTRING) wrong_argument(L, index, name, "a string");
  size_t size = 0;
  const char* text = lua_tolstring(L, index, &size);
  return std::string(text, size);
}

bool arg_boolean(lua_State* L, int index, const char* name) {
  if (!lua_isboolean(L, index)) wrong_argument(L, index, name, "true or false");
  return lua_toboolean(L, index);
}

// ---- Objects ----

namespace detail {

bool has_type(lua_State* L, int index, const void* key) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

void push_metatable(lua_State* L, const void* key) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TTABLE) fail("internal: this type was never registered");
}

std::string expected_type(lua_State* L, const void* key) {
  push_metatable(L, key);
  lua_getfield(L, -1, "__name");
  auto name = with_article(lua_tostring(L, -1));
  lua_pop(L, 2);
  return name;
}

bool push_known(lua_State* L, const void* key, const void* object) {
  push_registry_table(L, &identities, "v");
  lua_rawgetp(L, -1, object);
  lua_remove(L, -2);
  if (has_type(L, -1, key)) return true;
  lua_pop(L, 1);
  return false;
}

void remember(lua_State* L, const void* object) {
  push_registry_table(L, &identities, "v");
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, object);
  lua_pop(L, 1);
}

}  // namespace detail

void account(lua_State* L, size_t bytes) {
  constexpr lua_Integer collect_every = 32 << 20;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pending_bytes);
  lua_Integer total = lua_tointeger(L, -1) + static_cast<lua_Integer>(bytes);
  lua_pop(L, 1);
  if (total >= collect_every) {
    lua_gc(L, LUA_GCCOLLECT);
    total = 0;
  }
  lua_pushinteger(L, total);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pending_bytes);
}

// ---- Pushing ----

int push(lua_State* L, const std::string& value) { return lua_pushlstring(L, value.data(), value.size()), 1; }
int push(lua_State* L, const char* value) { return lua_pushstring(L, value), 1; }
int push(lua_State* L, bool value) { return lua_pushboolean(L, value), 1; }
int push(lua_State* L, double value) { return lua_pushnumber(L, value), 1; }
int push(lua_State* L, int64_t value) { return lua_pushinteger(L, value), 1; }

int push_function(lua_State* L, Function function) {
  void* memory = lua_newuserdatauv(L, sizeof(Function), 0);
  new (memory) Function(std::move(function));
  push_registry_table(L, &function_metatable, nullptr);
  if (lua_getfield(L, -1, "__gc") == LUA_TNIL) {
    lua_pushcfunction(L, destroy_function);
    lua_setfield(L, -3, "__gc");
  }
  lua_pop(L, 1);
  lua_setmetatable(L, -2);
  lua_pushcclosure(L, invoke, 1);
  return 1;
}

const Function* to_function(lua_State* L, int index) {
  if (lua_tocfunction(L, index) != invoke || !lua_getupvalue(L, index, 1)) return nullptr;
  auto* function = static_cast<const Function*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return function;
}

}  // namespace multiviz::script
