#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace multiviz {

// NumPy's .npy, versions 1 to 3, little-endian numbers and booleans, C or Fortran order. Untrusted: the header is
// parsed by hand, never evaluated, and the size is checked against the file before memory is taken.
at::Tensor load_npy(const std::string& path);
void save_npy(const std::string& path, const at::Tensor& tensor);

// The arrays of numbers in a file of numpy.savez or savez_compressed by name; arrays of strings and objects are left
// out. Throws Error as load_npy does, and for a damaged archive.
std::map<std::string, at::Tensor> load_npz(const std::string& path);

}  // namespace multiviz
