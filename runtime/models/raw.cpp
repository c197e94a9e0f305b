#include "models/raw.h"

#include <algorithm>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

RawOutput raw_list(const std::vector<at::Tensor>& tensors) {
  RawOutput out;
  for (const auto& tensor : tensors) out.items.push_back({tensor, {}, {}});
  return out;
}

void check_raw_inputs(const RawInputs& inputs, const std::string& model, const std::vector<std::string>& known,
                      const std::vector<std::string>& required) {
  for (const auto& [name, tensor] : inputs) {
    check(std::find(known.begin(), known.end(), name) != known.end(), "{} has no input '{}'{}", model, name,
          suggestion(name, known));
    check(tensor.defined(), "the input '{}' of {} is no tensor", name, model);
  }
  for (const auto& name : required)
    check(inputs.contains(name), "{} needs the input '{}', which was not given", model, name);
}

at::Tensor raw_input(const RawInputs& inputs, const std::string& name) {
  auto found = inputs.find(name);
  return found == inputs.end() ? at::Tensor() : found->second;
}

}  // namespace multiviz
