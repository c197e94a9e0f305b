#pragma once
#include <string>
#include <vector>

#include "bindings/lua.h"

namespace multiviz::script {

// How the word that ends `line` may go on: whole words ("model", "mv.lime", "t:sum"), sorted. Globals and keywords;
// after a dot the fields of a table or object; after a colon the methods of an object. Never fails and calls no script
// code.
std::vector<std::string> complete(lua_State* L, const std::string& line);

// The longest beginning that all of them share.
std::string common_prefix(const std::vector<std::string>& words);

}  // namespace multiviz::script
