#include "bindings/options.h"

#include <algorithm>
#include <cmath>

#include "bindings/session.h"
#include "core/suggest.h"

namespace multiviz::script {
namespace {

std::string quoted_list(const std::vector<std::string>& values) {
  std::string list;
  for (size_t i = 0; i < values.size(); ++i)
    list += (i == 0 ? "" : i + 1 == values.size() ? " or " : ", ") + ("\"" + values[i] + "\"");
  return list;
}

std::string bounds(Range range) {
  bool low = std::isfinite(range.min), high = std::isfinite(range.max);
  if (low && high) return fmt::format(" from {} to {}", range.min, range.max);
  if (low) return fmt::format(" >= {}", range.min);
  if (high) return fmt::format(" <= {}", range.max);
  return "";
}

}  // namespace

Options::Options(lua_State* L, int index) : L(L), index_(lua_absindex(L, index)) {
  if (lua_isnoneornil(L, index))
    index_ = 0;
  else if (!lua_istable(L, index))
    wrong_argument(L, index, "options", "a table of options");
}

bool Options::asked(const std::string& name) const {
  return std::find(known_.begin(), known_.end(), name) != known_.end();
}

int Options::raw(const char* name) {
  luaL_checkstack(L, 8, "too many options");
  if (!asked(name)) known_.emplace_back(name);
  if (!index_) return lua_pushnil(L), LUA_TNIL;
  lua_pushstring(L, name);
  return lua_rawget(L, index_);
}

void Options::wrong(const char* name, const std::string& expected) {
  fail("{}: option '{}' must be {}, got {}", function_name(L), name, expected, given(L, -1));
}

bool Options::has(const char* name) {
  bool present = raw(name) != LUA_TNIL;
  lua_pop(L, 1);
  return present;
}

void Options::require(const char* name) {
  if (!has(name)) fail("{}: the option '{}' is missing: give it as {{ {} = ... }}", function_name(L), name, name);
}

std::optional<int64_t> Options::integer(const char* name) {
  if (!has(name)) return std::nullopt;
  return integer(name, 0);
}

int64_t Options::integer(const char* name, int64_t fallback, Range range) {
  int type = raw(name), valid = 0;
  if (type == LUA_TNIL) return lua_pop(L, 1), fallback;
  auto value = type == LUA_TNUMBER ? lua_tointegerx(L, -1, &valid) : 0;
  if (!valid || static_cast<double>(value) < range.min || static_cast<double>(value) > range.max)
    wrong(name, "an integer" + bounds(range));
  lua_pop(L, 1);
  return value;
}

std::optional<double> Options::number(const char* name) {
  if (!has(name)) return std::nullopt;
  return number(name, 0);
}

double Options::number(const char* name, double fallback, Range range) {
  int type = raw(name);
  if (type == LUA_TNIL) return lua_pop(L, 1), fallback;
  double value = lua_tonumber(L, -1);
  if (type != LUA_TNUMBER || !(value >= range.min && value <= range.max)) wrong(name, "a number" + bounds(range));
  lua_pop(L, 1);
  return value;
}

bool Options::boolean(const char* name, bool fallback) {
  int type = raw(name);
  if (type == LUA_TNIL) return lua_pop(L, 1), fallback;
  if (type != LUA_TBOOLEAN) wrong(name, "true or false");
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

std::optional<std::string> Options::string(const char* name) {
  if (!has(name)) return std::nullopt;
  return string(name, "");
}

std::string Options::string(const char* name, const std::string& fallback) {
  int type = raw(name);
  if (type == LUA_TNIL) return lua_pop(L, 1), fallback;
  if (type != LUA_TSTRING) wrong(name, "a string");
  size_t size = 0;
  const char* text = lua_tolstring(L, -1, &size);
  std::string value(text, size);
  lua_pop(L, 1);
  return value;
}

std::string Options::choice(const char* name, const std::vector<std::string>& values, const std::string& fallback) {
  if (!has(name)) return fallback;
  auto value = string(name, fallback);
  if (std::find(values.begin(), values.end(), value) != values.end()) return value;
  auto near = nearest(value, values);
  fail("{}: option '{}' must be {}, got '{}'{}", function_name(L), name, quoted_list(values), value,
       near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near));
}

std::optional<std::vector<std::string>> Options::strings(const char* name) {
  if (raw(name) == LUA_TNIL) return lua_pop(L, 1), std::nullopt;
  auto values = to_strings(L, -1);
  if (!values) wrong(name, "a string or a sequence of strings");
  lua_pop(L, 1);
  return values;
}

std::optional<std::vector<int64_t>> Options::integers(const char* name) {
  if (raw(name) == LUA_TNIL) return lua_pop(L, 1), std::nullopt;
  auto values = to_integers(L, -1);
  if (!values) wrong(name, "an integer or a sequence of integers");
  lua_pop(L, 1);
  return values;
}

std::optional<std::vector<double>> Options::numbers(const char* name) {
  if (raw(name) == LUA_TNIL) return lua_pop(L, 1), std::nullopt;
  auto values = to_numbers(L, -1);
  if (!values) wrong(name, "a number or a sequence of numbers");
  lua_pop(L, 1);
  return values;
}

std::optional<at::Tensor> Options::tensor(const char* name) {
  if (raw(name) == LUA_TNIL) return lua_pop(L, 1), std::nullopt;
  auto value = to_tensor(L, -1, fmt::format("{}: option '{}'", function_name(L), name));
  if (!value) wrong(name, "a tensor or nested tables of numbers");
  lua_pop(L, 1);
  return value;
}

std::shared_ptr<Callback> Options::callback(const char* name) {
  if (raw(name) == LUA_TNIL) return lua_pop(L, 1), nullptr;
  if (!lua_isfunction(L, -1)) wrong(name, "a function");
  auto callback = std::make_shared<Callback>(L, -1, name);
  lua_pop(L, 1);
  return callback;
}

uint64_t Options::seed() {
  if (auto given = integer("seed")) return static_cast<uint64_t>(*given);
  return script_seed(L);
}

void Options::done() {
  if (!index_) return;
  for (lua_pushnil(L); lua_next(L, index_); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      fail("{}: options are given by name, as in {{ {} = ... }}: there is one without a name", function_name(L),
           known_.empty() ? "name" : known_.front());
    std::string key = lua_tostring(L, -2);
    if (asked(key)) continue;
    fail("{}: unknown option '{}'{}", function_name(L), key, suggestion(key, known_));
  }
}

}  // namespace multiviz::script
