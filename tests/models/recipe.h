#pragma once
#include <ATen/ATen.h>

#include <map>
#include <string>

#include "io/safetensors.h"

namespace multiviz::test {

// The tensors of a recipe, as tests/fixtures/recipe.py makes them.
inline std::map<std::string, at::Tensor> cook(const std::string& recipe) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, spec] : load_safetensors(recipe).tensors) {
    const auto* numbers = spec.const_data_ptr<double>();
    std::vector<int64_t> shape;
    int64_t count = 1;
    for (int64_t i = 3; i < spec.numel(); ++i) shape.push_back(static_cast<int64_t>(numbers[i])), count *= shape.back();
    auto mixed = (at::arange(count, at::kLong) + static_cast<int64_t>(numbers[0]) * 7919) * 2654435761 % 4294967296;
    mixed = mixed.bitwise_xor(mixed.__rshift__(15)) * 1274126177 % 4294967296;
    mixed = mixed.bitwise_xor(mixed.__rshift__(13));
    out[name] = ((mixed.to(at::kDouble) / 4294967296.0 - 0.5) * numbers[2] + numbers[1]).to(at::kFloat).reshape(shape);
  }
  return out;
}

}  // namespace multiviz::test
