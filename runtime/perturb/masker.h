#pragma once
#include <memory>
#include <vector>

#include "data/value.h"
#include "present/explanation.h"

namespace multiviz {

// Splits one value into players and renders coalitions of them: what it means to leave a part of an input out.
class Masker {
 public:
  virtual ~Masker() = default;
  virtual const Players& players() const = 0;
  // bool [S, P], true keeps a player -> S values with the others left out. Images are rendered on the device that the
  // masker was made for, as views of one tensor.
  virtual std::vector<Value> render(const at::Tensor& coalitions) const = 0;
};

using MaskerPtr = std::shared_ptr<const Masker>;

}  // namespace multiviz
