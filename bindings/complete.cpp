#include "bindings/complete.h"

#include <algorithm>

#include "bindings/binder.h"

namespace multiviz::script {
namespace {

constexpr const char* keywords[] = {"and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
                                    "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
                                    "repeat",   "return", "then", "true", "until",  "while"};

struct Request {
  std::string line;
  std::vector<std::string> words;
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

bool is_name(const std::string& text) {
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), is_word);
}

// table.name, or a property of an object: the only fields that may be read without side effects.
void step(lua_State* L, const std::string& name) {
  if (lua_istable(L, -1)) {
    lua_pushlstring(L, name.data(), name.size());
    lua_rawget(L, -2);
  } else if (lua_type(L, -1) == LUA_TUSERDATA && luaL_getmetafield(L, -1, "__multiviz_properties") == LUA_TTABLE) {
    lua_getfield(L, -1, name.c_str());
    lua_remove(L, -2);
    lua_pushvalue(L, -2);
    if (lua_isnil(L, -2) || lua_pcall(L, 1, 1, 0) != LUA_OK) lua_pushnil(L);
  } else {
    lua_pushnil(L);
  }
}

void add_keys(lua_State* L, int table, const std::string& before, const std::string& start, Request& request) {
  table = lua_absindex(L, table);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    std::string key = lua_tostring(L, -2);
    if (key.starts_with(start) && is_name(key)) request.words.push_back(before + key);
  }
}

void add_members(lua_State* L, char separator, const std::string& before, const std::string& start, Request& request) {
  if (lua_istable(L, -1)) return add_keys(L, -1, before, start, request);
  if (lua_type(L, -1) == LUA_TSTRING && separator == ':') {
    lua_getglobal(L, "string");
    if (lua_istable(L, -1)) add_keys(L, -1, before, start, request);
    return;
  }
  if (lua_type(L, -1) != LUA_TUSERDATA) return;
  const char* members = separator == ':' ? "__multiviz_methods" : "__multiviz_properties";
  if (luaL_getmetafield(L, -1, members) == LUA_TTABLE) add_keys(L, -1, before, start, request);
}

int find(lua_State* L) {
  auto& request = *static_cast<Request*>(lua_touserdata(L, 1));
  return guarded(L, [&request](lua_State* L) {
    const auto& line = request.line;
    size_t begin = line.size();
    while (begin > 0 && (is_word(line[begin - 1]) || line[begin - 1] == '.' || line[begin - 1] == ':')) --begin;
    auto word = line.substr(begin);
    auto last = word.find_last_of(".:");
    lua_pushglobaltable(L);
    if (last == std::string::npos) {
      if (word.empty()) return 0;
      add_keys(L, -1, "", word, request);
      for (const char* keyword : keywords)
        if (std::string(keyword).starts_with(word)) request.words.emplace_back(keyword);
      return 0;
    }
    for (size_t at = 0; at < last;) {
      auto end = std::min(word.find_first_of(".:", at), last);
      step(L, word.substr(at, end - at));
      at = end + 1;
    }
    add_members(L, word[last], word.substr(0, last + 1), word.substr(last + 1), request);
    return 0;
  });
}

}  // namespace

std::vector<std::string> complete(lua_State* L, const std::string& line) {
  Request request{line, {}};
  int top = lua_gettop(L);
  lua_pushcfunction(L, find);
  lua_pushlightuserdata(L, &request);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) request.words.clear();
  lua_settop(L, top);
  std::sort(request.words.begin(), request.words.end());
  return request.words;
}

std::string common_prefix(const std::vector<std::string>& words) {
  if (words.empty()) return "";
  auto prefix = words[0];
  for (const auto& word : words) {
    auto [end, other] = std::mismatch(prefix.begin(), prefix.end(), word.begin(), word.end());
    prefix.erase(end, prefix.end());
  }
  return prefix;
}

}  // namespace multiviz::script
