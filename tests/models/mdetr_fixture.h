#pragma once
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "models/raw.h"

namespace multiviz::test {

inline constexpr const char* mdetr_root = "tests/fixtures/mdetr/";

// sin(0.7 i) at flat position i, zero at padding, and the mask of padding: as make_mdetr.py has them.
inline std::pair<at::Tensor, at::Tensor> pixels_of(const std::vector<std::pair<int64_t, int64_t>>& sizes) {
  int64_t height = 0, width = 0, rows = std::ssize(sizes);
  for (auto [h, w] : sizes) height = std::max(height, h), width = std::max(width, w);
  auto values = at::arange(rows * 3 * height * width, at::kDouble).mul(0.7).sin().to(at::kFloat);
  auto mask = at::ones({rows, height, width}, at::kBool);
  for (int64_t i = 0; i < rows; ++i) {
    auto [h, w] = sizes[static_cast<size_t>(i)];
    mask[i].slice(0, 0, h).slice(1, 0, w).fill_(false);
  }
  return {values.view({rows, 3, height, width}).masked_fill(mask.unsqueeze(1), 0), mask};
}

inline const RawOutput& find(const RawOutputs& out, const std::string& name) {
  auto found = out.find(name);
  REQUIRE_MESSAGE(found != out.end(), name);
  return found->second;
}

}  // namespace multiviz::test
