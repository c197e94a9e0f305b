#pragma once
#include "bindings/lua.h"

namespace multiviz::script {

// Reads lines from the terminal, runs them and prints what they give, until end of input or `:quit`. No error ends it.
void run_prompt(lua_State* L);

}  // namespace multiviz::script
