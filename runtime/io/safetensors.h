#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace multiviz {

struct SafeTensors {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

// Maps the file and returns tensors that view it: no second copy is made, and the mapping lives as long as a tensor
// does. Writing to such a tensor changes this process's copy, never the file. The header is untrusted: lengths, offsets,
// overlaps, dtype and shape products are checked before anything is touched. Throws Error naming the file and what is
// wrong.
SafeTensors load_safetensors(const std::string& path);

// Atomic, as write_file. Tensors may be on any device and need not be contiguous.
void save_safetensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace multiviz
