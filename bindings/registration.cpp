#include <algorithm>
#include <map>

#include "bindings/binder.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

void append_keys(lua_State* L, int table, std::vector<std::string>& names) {
  table = lua_absindex(L, table);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) names.emplace_back(lua_tostring(L, -2));
}

// __index of every type. Upvalues: methods, properties, metatable.
int index_object(lua_State* L) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) {
      lua_pushvalue(L, 1);
      lua_call(L, 1, 1);
      return 1;
    }
  }
  if (lua_getfield(L, lua_upvalueindex(3), "__multiviz_index") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, LUA_MULTRET);
    if (lua_gettop(L) > 2 && !lua_isnil(L, -1)) return 1;
  }
  return guarded(L, [](lua_State* L) -> int {
    std::vector<std::string> names;
    append_keys(L, lua_upvalueindex(1), names);
    append_keys(L, lua_upvalueindex(2), names);
    std::sort(names.begin(), names.end());
    lua_getfield(L, lua_upvalueindex(3), "__name");
    std::string type = with_article(lua_tostring(L, -1));
    if (lua_type(L, 2) != LUA_TSTRING) fail("{} cannot be indexed with {}", type, type_name(L, 2));
    std::string key = lua_tostring(L, 2);
    fail("{} has no field '{}'{}", type, key, suggestion(key, names));
  });
}

int newindex_object(lua_State* L) {
  if (lua_getfield(L, lua_upvalueindex(1), "__multiviz_newindex") != LUA_TNIL) {
    lua_insert(L, 1);
    lua_call(L, 3, 0);
    return 0;
  }
  return guarded(L, [](lua_State* L) -> int {
    lua_getfield(L, lua_upvalueindex(1), "__name");
    fail("the fields of {} cannot be set", with_article(lua_tostring(L, -1)));
  });
}

// __index of mv and the tables in it: a missing name is a mistake. Upvalue: the table's own name.
int index_namespace(lua_State* L) {
  return guarded(L, [](lua_State* L) -> int {
    std::vector<std::string> names;
    append_keys(L, 1, names);
    std::sort(names.begin(), names.end());
    std::string space = lua_tostring(L, lua_upvalueindex(1));
    if (lua_type(L, 2) != LUA_TSTRING) fail("{} cannot be indexed with {}", space, type_name(L, 2));
    std::string key = lua_tostring(L, 2);
    fail("{} has no '{}'{}", space, key, suggestion(key, names));
  });
}

void make_strict(lua_State* L, const std::string& name) {
  lua_createtable(L, 0, 2);
  lua_pushlstring(L, name.data(), name.size());
  lua_pushcclosure(L, index_namespace, 1);
  lua_setfield(L, -2, "__index");
  lua_pushlstring(L, name.data(), name.size());
  lua_setfield(L, -2, "__multiviz_namespace");
  lua_setmetatable(L, -2);
}

}  // namespace

void TypeBinder::add_method(const char* name, const char* signature, const char* help, Call call) const {
  detail::push_metatable(L, key_);
  lua_getfield(L, -1, "__multiviz_methods");
  push_function(L, {name_ + ":" + name, signature, help, std::move(call)});
  lua_setfield(L, -2, name);
  lua_pop(L, 2);
}

void TypeBinder::add_property(const char* name, const char* help, Call call) const {
  detail::push_metatable(L, key_);
  lua_getfield(L, -1, "__multiviz_properties");
  push_function(L, {name_ + "." + name, "", help, std::move(call)});
  lua_setfield(L, -2, name);
  lua_pop(L, 2);
}

void TypeBinder::add_meta(const char* event, Call call) const {
  static const std::map<std::string, std::string> operators = {
      {"__add", "+"}, {"__sub", "-"}, {"__mul", "*"},   {"__div", "/"}, {"__mod", "%"},    {"__pow", "^"},
      {"__unm", "-"}, {"__eq", "=="}, {"__idiv", "//"}, {"__len", "#"}, {"__concat", ".."}};
  const auto found = operators.find(event);
  detail::push_metatable(L, key_);
  push_function(L, {name_ + " " + (found == operators.end() ? event : found->second), "", "", std::move(call)});
  lua_setfield(L, -2, event);
  lua_pop(L, 1);
}

void TypeBinder::set_fallback(const char* event, Call call) const {
  detail::push_metatable(L, key_);
  push_function(L, {name_ + " " + event, "", "", std::move(call)});
  lua_setfield(L, -2, (std::string("__multiviz_") + event).c_str());
  lua_pop(L, 1);
}

void Binder::make_type(const void* key, const char* name, const char* help, lua_CFunction destroy) {
  lua_newtable(L);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushstring(L, help);
  lua_setfield(L, -2, "__multiviz_help");
  lua_pushboolean(L, 0);  // getmetatable(x) is false: scripts cannot reach in and call __gc
  lua_setfield(L, -2, "__metatable");
  lua_pushcfunction(L, destroy);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__multiviz_methods");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "__multiviz_properties");
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, index_object, 3);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, newindex_object, 1);
  lua_setfield(L, -2, "__newindex");
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void Binder::function(const char* path, const char* signature, const char* help, Call call) {
  push_function(L, {std::string("mv.") + path, signature, help, std::move(call)});
  value(path);
}

void Binder::value(const char* path) {
  if (lua_getmetatable(L, table_))
    lua_pop(L, 1);
  else {
    lua_pushvalue(L, table_);
    make_strict(L, "mv");
    lua_pop(L, 1);
  }
  std::string rest = path, space = "mv";
  lua_pushvalue(L, table_);
  for (size_t dot; (dot = rest.find('.')) != std::string::npos; rest = rest.substr(dot + 1)) {
    auto name = rest.substr(0, dot);
    space += "." + name;
    lua_pushlstring(L, name.data(), name.size());
    if (lua_rawget(L, -2) != LUA_TTABLE) {
      lua_pop(L, 1);
      lua_newtable(L);
      make_strict(L, space);
      lua_pushvalue(L, -1);
      lua_setfield(L, -3, name.c_str());
    }
    lua_remove(L, -2);
  }
  lua_insert(L, -2);
  lua_setfield(L, -2, rest.c_str());
  lua_pop(L, 1);
}

}  // namespace multiviz::script
