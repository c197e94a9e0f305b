#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace multiviz {

// Tensors under the names that the reference implementation of a model gives its inputs.
using RawInputs = std::map<std::string, at::Tensor>;

// One of its outputs: a tensor, a list (one item a layer), or a table by name. Exactly one of the three is filled.
struct RawOutput {
  at::Tensor tensor;
  std::vector<RawOutput> items;
  std::map<std::string, RawOutput> fields;
};

using RawOutputs = std::map<std::string, RawOutput>;

// What models with a reference implementation can do beside Model: its forward, tensors to tensors.
class RawForward {
 public:
  virtual ~RawForward() = default;
  // Throws Error for inputs that it does not have or that do not fit. The outputs are those of the reference
  // implementation, and `features`.
  virtual RawOutputs forward_raw(const RawInputs& inputs) const = 0;
};

RawOutput raw_list(const std::vector<at::Tensor>& tensors);

// Throws Error when an input has a name that is not among `known`, or one of `required` is missing.
void check_raw_inputs(const RawInputs& inputs, const std::string& model, const std::vector<std::string>& known,
                      const std::vector<std::string>& required);

// The input of that name, undefined when it was not given.
at::Tensor raw_input(const RawInputs& inputs, const std::string& name);

}  // namespace multiviz
