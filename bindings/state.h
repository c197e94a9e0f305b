#pragma once
#include <memory>
#include <string>

#include "bindings/lua.h"

namespace multiviz::script {

struct CloseState {
  void operator()(lua_State* L) const { lua_close(L); }
};
using State = std::unique_ptr<lua_State, CloseState>;

// A Lua state with the standard libraries, `require "multiviz"` and the global `help`. Lua code running in it stops
// soon after request_cancel. Throws Error when the library of Lua modules is missing.
State make_state();

// Where the Lua modules and the shipped weights are: $MULTIVIZ_STDLIB, else ../share/multiviz from the program.
std::string stdlib_folder();

// Runs the function below `arguments` values on the stack. An error is thrown as ScriptError with its message, or as
// Cancelled when the user asked to stop; the results stay on the stack.
void run(lua_State* L, int arguments, int results);

// After a cancellation: every instruction of Lua code fails, so that a script's own pcall cannot swallow the request.
void fail_from_now_on(lua_State* L);

}  // namespace multiviz::script
