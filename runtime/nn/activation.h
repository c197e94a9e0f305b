#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace multiviz {

// An elementwise non-linearity, differentiable twice. It may overwrite its argument when gradients are off.
using Activation = at::Tensor (*)(at::Tensor x);

// By the name that configurations of Hugging Face give it: "gelu", "gelu_new", "quick_gelu", "relu", ... Throws Error
// for one that is not known.
Activation find_activation(const std::string& name);

}  // namespace multiviz
