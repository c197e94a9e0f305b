#include "bindings/convert.h"

#include <ATen/ATen.h>

#include "core/suggest.h"

namespace multiviz::script {
namespace {

constexpr int deepest = 100;

// The first key that is not a position from 1 to n of a sequence.
std::optional<std::string> other_key(lua_State* L, int index, lua_Integer n) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= n) continue;
    auto key = given(L, -2);
    lua_pop(L, 2);
    return key;
  }
  return std::nullopt;
}

template <typename T, typename Read>
std::optional<std::vector<T>> read_sequence(lua_State* L, int index, const Read& read) {
  T value{};
  if (read(index, value)) return std::optional<std::vector<T>>(std::in_place, 1, value);
  if (!lua_istable(L, index)) return std::nullopt;
  index = lua_absindex(L, index);
  std::vector<T> values(lua_rawlen(L, index));
  if (other_key(L, index, static_cast<lua_Integer>(values.size()))) return std::nullopt;
  for (size_t i = 0; i < values.size(); ++i) {
    lua_rawgeti(L, index, static_cast<lua_Integer>(i) + 1);
    bool valid = read(lua_gettop(L), values[i]);
    lua_pop(L, 1);
    if (!valid) return std::nullopt;
  }
  return values;
}

nlohmann::json read_json(lua_State* L, int index, const char* name, int depth);

nlohmann::json read_json_table(lua_State* L, int index, const char* name, int depth) {
  luaL_checkstack(L, 4, "too deep");
  auto n = lua_rawlen(L, index);
  if (n > 0) {
    auto array = nlohmann::json::array();
    for (lua_Unsigned i = 1; i <= n; ++i) {
      lua_rawgeti(L, index, static_cast<lua_Integer>(i));
      array.push_back(read_json(L, lua_gettop(L), name, depth + 1));
      lua_pop(L, 1);
    }
    return array;
  }
  auto object = nlohmann::json::object();
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      fail("{}: '{}' mixes keys of several kinds: use a sequence or string keys", function_name(L), name);
    object[lua_tostring(L, -2)] = read_json(L, lua_gettop(L), name, depth + 1);
  }
  return object;
}

nlohmann::json read_json(lua_State* L, int index, const char* name, int depth) {
  check(depth < deepest, "{}: '{}' is nested too deeply or contains itself", function_name(L), name);
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      return nullptr;
    case LUA_TBOOLEAN:
      return static_cast<bool>(lua_toboolean(L, index));
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) return static_cast<int64_t>(lua_tointeger(L, index));
      return lua_tonumber(L, index);
    case LUA_TSTRING:
      return std::string(lua_tostring(L, index), lua_rawlen(L, index));
    case LUA_TTABLE:
      return read_json_table(L, index, name, depth);
    default:
      fail("{}: '{}' holds {}: only numbers, strings, booleans and tables can be kept", function_name(L), name,
           type_name(L, index));
  }
}

// Collects a nested sequence of numbers row by row, checking that it is not ragged.
struct Gather {
  lua_State* L;
  const std::string& what;
  std::vector<int64_t> shape;
  std::vector<double> values;
  bool booleans = false, integers = true;

  void leaf(int index) {
    bool boolean = lua_isboolean(L, index);
    check(boolean || lua_type(L, index) == LUA_TNUMBER, "{} must hold only numbers, but holds {}", what,
          type_name(L, index));
    check(values.empty() || boolean == booleans, "{} mixes numbers and booleans", what);
    booleans = boolean;
    integers = integers && (boolean || lua_isinteger(L, index));
    values.push_back(boolean ? lua_toboolean(L, index) : lua_tonumber(L, index));
  }

  // The shape of a sequence that is not ragged follows from its first entries.
  void find_shape(int index) {
    lua_pushvalue(L, index);
    int64_t n = 0;
    for (; lua_istable(L, -1) && shape.size() < 16; lua_remove(L, -2)) {
      n = static_cast<int64_t>(lua_rawlen(L, -1));
      shape.insert(shape.end(), n);
      lua_rawgeti(L, -1, 1);
    }
    check(!lua_istable(L, -1), "{} is nested too deeply", what);
    lua_pop(L, 1);
  }

  void table(int index, size_t depth) {
    luaL_checkstack(L, 4, "too deep");
    auto n = static_cast<int64_t>(lua_rawlen(L, index));
    if (auto key = other_key(L, index, n)) fail("{} must be a sequence, but has the key {}", what, *key);
    check(depth < shape.size(), "{} is ragged: its rows are not nested equally deep", what);
    check(shape[depth] == n, "{} is ragged: a row has {} entries where another has {}", what, n, shape[depth]);
    for (int64_t i = 1; i <= n; ++i) {
      lua_rawgeti(L, index, i);
      if (lua_istable(L, -1)) {
        table(lua_gettop(L), depth + 1);
      } else {
        check(depth + 1 == shape.size(), "{} is ragged: its rows are not nested equally deep", what);
        leaf(lua_gettop(L));
      }
      lua_pop(L, 1);
    }
  }

  at::Tensor tensor() const {
    auto all = at::tensor(values, at::kDouble).reshape(shape);
    return all.to(booleans ? at::kBool : at::kFloat);
  }
};

template <typename T>
void push_flat(lua_State* L, const T* data, const at::Tensor& value, int64_t dim) {
  if (dim == value.dim()) {
    if constexpr (std::is_same_v<T, bool>)
      push(L, *data);
    else if constexpr (std::is_integral_v<T>)
      push(L, static_cast<int64_t>(*data));
    else
      push(L, static_cast<double>(*data));
    return;
  }
  luaL_checkstack(L, 4, "too deep");
  auto n = value.size(dim);
  lua_createtable(L, static_cast<int>(n), 0);
  for (int64_t i = 0; i < n; ++i) {
    push_flat(L, data + i * value.stride(dim), value, dim + 1);
    lua_rawseti(L, -2, i + 1);
  }
}

struct DtypeName {
  const char* name;
  at::ScalarType type;
};
// The first name of a type is how it prints.
constexpr DtypeName dtypes[] = {
    {"float32", at::kFloat}, {"float64", at::kDouble}, {"float16", at::kHalf}, {"bfloat16", at::kBFloat16},
    {"int64", at::kLong},    {"int32", at::kInt},      {"int16", at::kShort},  {"int8", at::kChar},
    {"uint8", at::kByte},    {"bool", at::kBool},      {"float", at::kFloat},  {"double", at::kDouble},
    {"half", at::kHalf},     {"long", at::kLong},      {"int", at::kInt},      {"short", at::kShort},
    {"byte", at::kByte},
};

}  // namespace

int push(lua_State* L, const nlohmann::json& value) {
  luaL_checkstack(L, 4, "too deep");
  if (value.is_null()) return lua_pushnil(L), 1;
  if (value.is_boolean()) return push(L, value.get<bool>());
  if (value.is_number_integer()) return push(L, value.get<int64_t>());
  if (value.is_number()) return push(L, value.get<double>());
  if (value.is_string()) return push(L, value.get_ref<const std::string&>());
  lua_createtable(L, 0, 0);
  lua_Integer i = 0;
  for (auto& [key, item] : value.items()) {
    if (item.is_null() && value.is_array())
      lua_pushboolean(L, 0);
    else
      push(L, item);
    if (value.is_array())
      lua_rawseti(L, -2, ++i);
    else
      lua_setfield(L, -2, key.c_str());
  }
  return 1;
}

nlohmann::json to_json(lua_State* L, int index, const char* name) {
  return read_json(L, lua_absindex(L, index), name, 0);
}

int push(lua_State* L, at::Tensor value) {
  if (!value.defined()) return lua_pushnil(L), 1;
  account(L, value.nbytes());
  return push_object(L, std::move(value));
}

int push_table(lua_State* L, const at::Tensor& value) {
  auto host = value.detach().cpu();
  if (at::isIntegralType(host.scalar_type(), false)) {
    host = host.to(at::kLong);
    push_flat(L, host.const_data_ptr<int64_t>(), host, 0);
  } else if (host.scalar_type() == at::kBool) {
    push_flat(L, host.const_data_ptr<bool>(), host, 0);
  } else {
    host = host.to(at::kDouble);
    push_flat(L, host.const_data_ptr<double>(), host, 0);
  }
  return 1;
}

std::optional<at::Tensor> to_tensor(lua_State* L, int index, const std::string& what) {
  if (auto* tensor = test<at::Tensor>(L, index)) return *tensor;
  index = lua_absindex(L, index);
  Gather gather{L, what, {}, {}};
  if (lua_istable(L, index)) {
    gather.find_shape(index);
    gather.table(index, 0);
  } else if (lua_isboolean(L, index) || lua_type(L, index) == LUA_TNUMBER) {
    gather.leaf(index);
  } else {
    return std::nullopt;
  }
  return gather.tensor();
}

at::Tensor arg_tensor(lua_State* L, int index, const char* name) {
  auto tensor = to_tensor(L, index, fmt::format("{}: '{}'", function_name(L), name));
  if (!tensor) wrong_argument(L, index, name, "a tensor or nested tables of numbers");
  return *tensor;
}

std::optional<std::vector<std::string>> to_strings(lua_State* L, int index) {
  return read_sequence<std::string>(L, index, [L](int at, std::string& value) {
    if (lua_type(L, at) != LUA_TSTRING) return false;
    value.assign(lua_tostring(L, at), lua_rawlen(L, at));
    return true;
  });
}

std::optional<std::vector<int64_t>> to_integers(lua_State* L, int index) {
  return read_sequence<int64_t>(L, index, [L](int at, int64_t& value) {
    int valid = 0;
    if (lua_type(L, at) == LUA_TNUMBER) value = lua_tointegerx(L, at, &valid);
    return valid != 0;
  });
}

std::optional<std::vector<double>> to_numbers(lua_State* L, int index) {
  return read_sequence<double>(L, index, [L](int at, double& value) {
    value = lua_tonumber(L, at);
    return lua_type(L, at) == LUA_TNUMBER;
  });
}

std::vector<std::string> arg_strings(lua_State* L, int index, const char* name) {
  if (auto values = to_strings(L, index)) return *values;
  wrong_argument(L, index, name, "a string or a sequence of strings");
}

std::vector<int64_t> arg_integers(lua_State* L, int index, const char* name) {
  if (auto values = to_integers(L, index)) return *values;
  wrong_argument(L, index, name, "an integer or a sequence of integers");
}

std::vector<double> arg_numbers(lua_State* L, int index, const char* name) {
  if (auto values = to_numbers(L, index)) return *values;
  wrong_argument(L, index, name, "a number or a sequence of numbers");
}

at::ScalarType parse_dtype(const std::string& name) {
  for (const auto& dtype : dtypes)
    if (name == dtype.name) return dtype.type;
  std::vector<std::string> names;
  for (const auto& dtype : dtypes) names.emplace_back(dtype.name);
  fail("unknown dtype '{}'{}", name, suggestion(name, names));
}

const char* dtype_name(at::ScalarType type) {
  for (const auto& dtype : dtypes)
    if (type == dtype.type) return dtype.name;
  return c10::toString(type);
}

int64_t to_zero_based(int64_t position, int64_t n, const std::string& what) {
  if (position < 0) position += n + 1;
  check(position >= 1 && position <= n, "{} is out of range: {}", what,
        n == 0 ? "there are none" : fmt::format("they are numbered 1 to {}", n));
  return position - 1;
}

}  // namespace multiviz::script
