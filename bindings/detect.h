#pragma once
#include "bindings/binder.h"
#include "models/model.h"

namespace multiviz::script {

int detect(lua_State* L, ModelPtr& self);

}  // namespace multiviz::script
