#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace multiviz {

// NumPy's .npy, versions 1 to 3, little-endian numbers and booleans, C or Fortran order. Untrusted: the header is parsed
// by hand, never evaluated, and the size is checked against the file before memory is taken.
at::Tensor load_npy(const std::string& path);
void save_npy(const std::string& path, const at::Tensor& tensor);

}  // namespace multiviz
