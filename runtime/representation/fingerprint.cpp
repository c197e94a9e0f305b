#include "representation/fingerprint.h"

#include <ATen/ATen.h>

#include "core/digest.h"

namespace multiviz {

std::string fingerprint(const Model& model) {
  auto parameters = model.parameters();
  if (parameters.empty()) return "";
  Digest digest;
  digest.add(model.signature().name);
  digest.add(model.config().dump());
  for (const auto& [name, weight] : parameters) {
    at::Tensor values = weight.detach().cpu().contiguous();
    digest.add(name);
    digest.add(c10::str(values.scalar_type(), values.sizes()));
    digest.add({static_cast<const char*>(values.data_ptr()), values.nbytes()});
  }
  return digest.hex();
}

}  // namespace multiviz
