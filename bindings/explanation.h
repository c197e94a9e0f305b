#pragma once
#include <memory>

#include "bindings/binder.h"
#include "present/explanation.h"

namespace multiviz::script {

// What scripts hold of an explanation: what every method of stages U and C returns, and what page:add takes.
using ExplanationPtr = std::shared_ptr<Explanation>;

inline int push(lua_State* L, Explanation explanation) {
  return push(L, std::make_shared<Explanation>(std::move(explanation)));
}

int push(lua_State* L, const Cost& cost);  // {encodes=, fuses=, seconds=}

}  // namespace multiviz::script
