#include "bindings/method.h"

namespace multiviz::script {

std::vector<std::string> MethodCall::modalities() {
  return options.strings("modality").value_or(std::vector<std::string>{});
}

int64_t MethodCall::batch() { return options.integer("batch", 0, {.min = 1}); }

std::vector<Target> MethodCall::targets() {
  options.has("target");
  options.done();
  return targets_option(L, options, *model, x);
}

Target MethodCall::target() {
  options.has("target");
  options.done();
  return target_option(L, options, *model, x);
}

}  // namespace multiviz::script
