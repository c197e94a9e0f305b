#pragma once
#include <c10/core/Device.h>

#include <cstdint>

#include "bindings/lua.h"

// What mv.seed and mv.device set for one Lua state.
namespace multiviz::script {

uint64_t script_seed(lua_State* L);      // what random options take by default; 0 at first
at::Device script_device(lua_State* L);  // where new models and tensors go by default; the CPU at first

}  // namespace multiviz::script
