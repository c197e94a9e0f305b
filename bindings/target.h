#pragma once
#include <string>
#include <vector>

#include "bindings/binder.h"
#include "models/target.h"

namespace multiviz::script {

// A target as a script gives it (mv.target.logit "red"): the label is looked up when the model is known.
struct TargetSpec {
  Target::Kind kind = Target::Kind::logit;
  std::string label;  // a name, or empty and ...
  int64_t index = 0;  // ... a 1-based label or feature
  std::string tap;
  std::vector<int64_t> position;  // 1-based
};

// Throws Error, with a suggestion, when the model has no such label, feature or tap.
Target resolve(const TargetSpec& spec, const Signature& signature);

// A label's name or 1-based number at this stack index as 0-based.
int64_t arg_label(lua_State* L, int index, const char* name, const Signature& signature);

// The option `name` (a target, or a label that means its logit; for targets_option also a table of them). When it is
// absent: the logit of the label that the model predicts for the datapoint (values in the model's order), the output
// itself for regression.
Target target_option(lua_State* L, Options& options, const Model& model, const Datapoint& datapoint,
                     const char* name = "target");
std::vector<Target> targets_option(lua_State* L, Options& options, const Model& model, const Datapoint& datapoint,
                                   const char* name = "target");

}  // namespace multiviz::script
