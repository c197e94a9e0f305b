#pragma once
#include <ATen/ATen.h>

#include <map>
#include <string>

#include "io/safetensors.h"
#include "tests/models/pixels.h"

namespace multiviz::test {

// The tensors of a recipe, as tests/fixtures/recipe.py makes them.
inline std::map<std::string, at::Tensor> cook(const std::string& recipe) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, spec] : load_safetensors(recipe).tensors) {
    const auto* numbers = spec.const_data_ptr<double>();
    std::vector<int64_t> shape;
    int64_t count = 1;
    for (int64_t i = 3; i < spec.numel(); ++i) shape.push_back(static_cast<int64_t>(numbers[i])), count *= shape.back();
    auto drawn = hashed(count, static_cast<int64_t>(numbers[0]));
    out[name] = (drawn * numbers[2] + numbers[1]).to(at::kFloat).reshape(shape);
  }
  return out;
}

}  // namespace multiviz::test
