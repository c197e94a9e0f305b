#pragma once
#include <string>

#include "bindings/lua.h"

namespace multiviz::script {

// What the prompt does with the lines typed so far.
enum class Typed { complete, unfinished };

// Runs them: an expression as well as a statement. Leaves what they give on the stack. `unfinished` when more lines
// must follow; nothing has run then. Throws ScriptError for a mistake and Cancelled when the user stopped it.
Typed evaluate(lua_State* L, const std::string& lines);

// A value as the prompt shows it: strings quoted, tables opened two levels deep, objects as they print.
std::string show(lua_State* L, int index);

}  // namespace multiviz::script
