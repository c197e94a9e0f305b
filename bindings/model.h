#pragma once
#include "bindings/binder.h"
#include "bindings/data.h"
#include "models/model.h"

namespace multiviz::script {

// A datapoint or a table of datapoints at this stack index, as the model takes them.
std::vector<Datapoint> arg_datapoints(lua_State* L, int index, const char* name, const Model& model);

// A modality's name at this stack index -> its position in the model, with a suggestion in the error.
size_t arg_modality(lua_State* L, int index, const char* name, const Model& model);

}  // namespace multiviz::script
