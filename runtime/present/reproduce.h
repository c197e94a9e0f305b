#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "present/explanation.h"

namespace multiviz {

// A Lua expression for a JSON value: strings quoted, objects and lists as tables; null is nil.
std::string lua_literal(const nlohmann::json& value);

// The script call that gives this explanation again, with its target, options and seed, wrapped at 100 columns.
std::string lua_call(const Explanation& explanation);

}  // namespace multiviz
