#include <algorithm>

#include "bindings/register.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

const char documents_key = 0;  // registry key, by address: weak table of Lua function -> {signature, help}

constexpr const char* introduction =
    R"(MultiViz: what did a multimodal model look at, how did it combine the modalities, and what did it
represent?

  help(mv)            every function, with its signature
  help(mv.lime)       what a function does and its options
  help(x)             the fields and methods of an object: a tensor, a model, an explanation, ...
  :quit               leaves the prompt (as does Ctrl-D); Ctrl-C stops what is running
)";

std::string describe(const Function& function) {
  return (function.signature.empty() ? function.name : function.signature) + "\n  " + function.help + "\n";
}

// Pushes the documentation table {signature, help} of a Lua function; false when it has none.
bool push_document(lua_State* L, int index) {
  index = lua_absindex(L, index);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &documents_key) == LUA_TTABLE) {
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_istable(L, -1)) return true;
  }
  lua_pop(L, 1);
  return false;
}

std::string document_field(lua_State* L, const char* name) {
  lua_getfield(L, -1, name);
  std::string text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

std::string describe_function(lua_State* L, int index) {
  if (auto* function = to_function(L, index)) return describe(*function);
  if (!push_document(L, index)) return "a function without documentation\n";
  auto text = fmt::format("{}\n  {}\n", document_field(L, "signature"), document_field(L, "help"));
  lua_pop(L, 1);
  return text;
}

std::vector<std::string> sorted_keys(lua_State* L, int table) {
  std::vector<std::string> names;
  table = lua_absindex(L, table);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) names.emplace_back(lua_tostring(L, -2));
  std::sort(names.begin(), names.end());
  return names;
}

// One line for each function below a namespace table.
void list_namespace(lua_State* L, int table, const std::string& name, std::string& text) {
  table = lua_absindex(L, table);
  luaL_checkstack(L, 6, "too deep");
  for (const auto& key : sorted_keys(L, table)) {
    push(L, key);
    lua_rawget(L, table);
    auto* function = to_function(L, -1);
    if (function) {
      text += "  " + (function->signature.empty() ? function->name : function->signature) + "\n";
    } else if (lua_istable(L, -1) && luaL_getmetafield(L, -1, "__multiviz_namespace") != LUA_TNIL) {
      lua_pop(L, 1);
      list_namespace(L, -1, name + "." + key, text);
    } else if (lua_isfunction(L, -1) && push_document(L, -1)) {
      text += "  " + document_field(L, "signature") + "\n";
      lua_pop(L, 1);
    } else if (lua_isfunction(L, -1)) {
      text += fmt::format("  {}.{}\n", name, key);
    }
    lua_pop(L, 1);
  }
}

// The methods or properties of the metatable on top of the stack.
void list_members(lua_State* L, const char* field, const char* title, std::string& text) {
  if (lua_getfield(L, -1, field) == LUA_TTABLE) {
    auto names = sorted_keys(L, -1);
    if (!names.empty()) text += title;
    for (const auto& name : names) {
      lua_getfield(L, -1, name.c_str());
      auto* function = to_function(L, -1);
      text += fmt::format("  {:<24} {}\n", function->signature.empty() ? name : function->signature, function->help);
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

std::string describe_object(lua_State* L, int index) {
  if (!lua_getmetatable(L, index)) return "a value without documentation\n";
  lua_getfield(L, -1, "__name");
  lua_getfield(L, -2, "__multiviz_help");
  auto text = fmt::format("{}: {}\n", luaL_optstring(L, -2, "userdata"), luaL_optstring(L, -1, ""));
  lua_pop(L, 2);
  list_members(L, "__multiviz_properties", "fields\n", text);
  list_members(L, "__multiviz_methods", "methods\n", text);
  lua_pop(L, 1);
  return text;
}

std::string help_text(lua_State* L) {
  switch (lua_type(L, 1)) {
    case LUA_TNONE:
      return introduction;
    case LUA_TFUNCTION:
      return describe_function(L, 1);
    case LUA_TUSERDATA:
      return describe_object(L, 1);
    case LUA_TTABLE: {
      std::string name = "mv", text;
      if (luaL_getmetafield(L, 1, "__multiviz_namespace") == LUA_TNIL) return "a table\n";
      name = lua_tostring(L, -1);
      list_namespace(L, 1, name, text);
      return text + fmt::format("help({}.name) tells more about one.\n", name);
    }
    default:
      return type_name(L, 1) + "\n";
  }
}

int document(lua_State* L) {
  if (!lua_isfunction(L, 1)) wrong_argument(L, 1, "f", "a function");
  auto signature = arg_string(L, 2, "signature"), help = arg_string(L, 3, "help");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &documents_key) != LUA_TTABLE) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    set_field(L, "__mode", "k");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &documents_key);
  }
  lua_pushvalue(L, 1);
  lua_createtable(L, 0, 2);
  set_field(L, "signature", signature);
  set_field(L, "help", help);
  lua_rawset(L, -3);
  lua_settop(L, 1);
  return 1;
}

// The options given over their defaults. A default of false stands for none, which a Lua table cannot hold.
int merge_options(lua_State* L) {
  auto name = arg_string(L, 1, "name");
  if (!absent(L, 2) && !lua_istable(L, 2)) fail("{}: 'options' must be a table of options, got {}", name, given(L, 2));
  if (!lua_istable(L, 3)) wrong_argument(L, 3, "defaults", "a table of every option");
  const auto known = sorted_keys(L, 3);
  lua_settop(L, 3);
  lua_newtable(L);
  for (int table : {3, 2}) {
    if (!lua_istable(L, table)) continue;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TSTRING)
        fail("{}: options are given by name, as in {{ {} = ... }}: there is one without a name", name,
             known.empty() ? "name" : known.front());
      std::string key = lua_tostring(L, -2);
      if (!std::binary_search(known.begin(), known.end(), key))
        fail("{}: unknown option '{}'{}", name, key, suggestion(key, known));
      lua_pushvalue(L, -2);
      lua_pushvalue(L, -2);
      lua_settable(L, 4);
    }
  }
  return 1;
}

int type_of(lua_State* L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__name") == LUA_TSTRING) return 1;
  return push(L, luaL_typename(L, 1));
}

}  // namespace

int help(lua_State* L) {
  return guarded(L, [](lua_State* L) {
    auto text = help_text(L);
    lua_writestring(text.data(), text.size());
    lua_writeline();
    return 0;
  });
}

void register_help(Binder& binder) {
  binder.function("help_text", "mv.help_text([x]) -> string", "What help(x) prints, as a string.",
                  [](lua_State* L) { return push(L, help_text(L)); });
  binder.function("document", "mv.document(f, signature, help) -> f",
                  "Gives a Lua function the text that help(f) prints; returns the function.", document);
  binder.function("options", "mv.options(name, given, defaults) -> table",
                  "For functions in Lua: the options given over their defaults (false for none). An unknown one is an "
                  "error that starts with `name` and suggests the nearest.",
                  merge_options);
  binder.function("type", "mv.type(value) -> string",
                  "\"tensor\", \"model\", \"dataset\", ... of objects, else what Lua's type says.", type_of);
}

}  // namespace multiviz::script
