#pragma once
#include "bindings/data.h"
#include "bindings/model.h"
#include "bindings/target.h"

namespace multiviz::script {

// The arguments of every explanation method, mv.method(model, x, {options}): checked, x as the model takes it.
struct MethodCall {
  explicit MethodCall(lua_State* L)
      : model(arg<ModelPtr>(L, 1, "model")),
        x(for_model(*model, arg<DatapointHandle>(L, 2, "x"))),
        options(L, 3),
        L(L) {}

  std::vector<std::string> modalities();  // option "modality": one name or a table of them; empty for all
  int64_t batch();                        // option "batch"; 0 for the default

  // To be asked last: refuses options that nobody asked for, before the model runs to find the default target.
  std::vector<Target> targets();
  Target target();

  const ModelPtr& model;
  Datapoint x;
  Options options;

 private:
  lua_State* L;
};

}  // namespace multiviz::script
