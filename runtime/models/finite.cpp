#include "models/finite.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {
namespace {

at::Tensor finite_rows(const at::Tensor& values) { return at::isfinite(values.reshape({values.size(0), -1})).all(1); }

}  // namespace

void check_finite(const Model& model, std::span<const Datapoint> datapoints, const Output& output) {
  auto finite = finite_rows(output.logits);
  if (output.features.defined()) finite = finite.logical_and(finite_rows(output.features));
  if (finite.all().item<bool>()) return;
  const auto row = finite.to(at::kLong).argmin().item<int64_t>();
  const auto& datapoint = datapoints[static_cast<size_t>(row)];
  std::vector<Leaf> leaves;
  for (size_t m = 0; m < datapoint.values.size(); ++m) leaves.push_back(model.prepare(m, {&datapoint.values[m], 1}));
  try {
    check_finite(model, leaves, model.forward(leaves));
  } catch (const Error& error) {
    fail("datapoint {}: {}", datapoint.id, error.what());
  }
  fail("{} gives values that are not finite on datapoint {} together with others: check the weights and the input",
       model.signature().name, datapoint.id);
}

}  // namespace multiviz
