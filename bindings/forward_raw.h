#pragma once
#include "bindings/binder.h"
#include "models/model.h"

namespace multiviz::script {

// model:forward_raw{ name = tensor, ... } -> a table of tensors, lists and tables.
int forward_raw(lua_State* L, ModelPtr& self);

}  // namespace multiviz::script
