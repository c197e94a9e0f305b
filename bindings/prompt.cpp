#include "bindings/prompt.h"

namespace multiviz::script {

void run_prompt(lua_State*) {}

}  // namespace multiviz::script
