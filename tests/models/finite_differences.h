#pragma once
#include <ATen/ATen.h>

#include "models/target.h"

namespace multiviz::test {

inline std::vector<Leaf> leaves_of(const Model& model, const Datapoint& datapoint) {
  std::vector<Leaf> leaves;
  for (size_t m = 0; m < datapoint.values.size(); ++m) leaves.push_back(model.prepare(m, {&datapoint.values[m], 1}));
  return leaves;
}

// d value() / d entry for each entry of a float64 tensor that value() reads, by central differences.
template <typename Value>
at::Tensor differences(at::Tensor input, Value value, double step = 1e-4) {
  auto out = at::empty_like(input);
  double* entries = input.data_ptr<double>();
  for (int64_t i = 0; i < input.numel(); ++i) {
    double here = entries[i];
    entries[i] = here + step;
    double above = value();
    entries[i] = here - step;
    out.data_ptr<double>()[i] = (above - value()) / (2 * step);
    entries[i] = here;
  }
  return out;
}

// d target / d leaf of one modality, without the batch.
inline at::Tensor leaf_differences(const Model& model, const Datapoint& datapoint, const Target& target,
                                   size_t modality) {
  auto leaves = leaves_of(model, datapoint);
  auto value = [&] {
    auto trace = trace_for({&target, 1});
    auto output = model.forward(leaves, trace.get());
    return evaluate({&target, 1}, model.signature(), output, trace.get()).item<double>();
  };
  return differences(leaves[modality].tensor, value)[0];
}

}  // namespace multiviz::test
