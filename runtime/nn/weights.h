#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace multiviz {

// Weights by name, in the order in which the model uses them.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Copies `from` into the tensors of `into`, converting dtype and device. Throws Error naming `source` and the tensors
// that are missing, in the model's order and with the nearest names, that have another shape or are not floating-point
// numbers, and that the model does not have; the first ten of each.
void copy_weights(const NamedTensors& into, const std::map<std::string, at::Tensor>& from, const std::string& source);

// Initial values, drawn from `generator`.
at::Tensor he_normal(at::IntArrayRef shape, int64_t fan_in, at::Generator generator);    // relu follows
at::Tensor uniform_fan(at::IntArrayRef shape, int64_t fan_in, at::Generator generator);  // +-1 / sqrt(fan_in)

}  // namespace multiviz
