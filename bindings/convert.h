#pragma once
#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bindings/binder.h"

namespace multiviz::script {

// JSON <-> Lua (the other way is push): objects are tables with string keys, arrays are sequences, null is nil (false
// inside an array, which cannot hold nil). Reading throws Error for functions, cycles (nesting deeper than 100) and
// mixed keys.
nlohmann::json to_json(lua_State* L, int index, const char* name);

// Nested sequences of numbers (or booleans): [] for a 0-d tensor is the number itself.
int push_table(lua_State* L, const at::Tensor& value);
// A tensor, a number, a boolean or nested sequences of them. Tables of numbers give float32, of booleans bool.
// Throws Error when the sequences are ragged or hold anything else.
at::Tensor arg_tensor(lua_State* L, int index, const char* name);
std::optional<at::Tensor> to_tensor(lua_State* L, int index, const std::string& what);  // nullopt: not a tensor at all

// One value or a sequence of them; the to_ forms give nullopt for anything else.
std::optional<std::vector<std::string>> to_strings(lua_State* L, int index);
std::optional<std::vector<int64_t>> to_integers(lua_State* L, int index);
std::optional<std::vector<double>> to_numbers(lua_State* L, int index);
std::vector<std::string> arg_strings(lua_State* L, int index, const char* name);
std::vector<int64_t> arg_integers(lua_State* L, int index, const char* name);
std::vector<double> arg_numbers(lua_State* L, int index, const char* name);

// "float32", "float", "int64", "long", "bool", ... Throws Error with the known names.
at::ScalarType parse_dtype(const std::string& name);
const char* dtype_name(at::ScalarType type);

// A 1-based position of one of n things, negative counting from the end, as 0-based. Throws Error naming `what`.
int64_t to_zero_based(int64_t position, int64_t n, const std::string& what);

}  // namespace multiviz::script
