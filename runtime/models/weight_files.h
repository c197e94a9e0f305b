#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace multiviz {

enum class WeightFormat { safetensors, state_dict };

// The weights of a model by name, without what DataParallel, torch.compile and Lightning put in front of every name
// ("module.", "_orig_mod.", "model."), from any container: views of the mapped files, so that loading takes no more
// memory than the files have.
struct WeightFiles {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;  // of a safetensors file
  WeightFormat format = WeightFormat::safetensors;
  std::string file;  // where they were; of weights in parts, the last part
};

// `path` is a file (.safetensors; .bin, .pt, .pth and .ckpt of torch.save) or a folder with model.safetensors,
// model.safetensors.index.json and its parts, pytorch_model.bin, pytorch_model.bin.index.json and its parts, or one
// file of another name. Throws Error naming what is there when there are no weights, or several and none of these
// names, when a part is missing or lacks a tensor that the index says it has, and for files that are damaged.
// `part`, of files of torch.save: as load_state_dict.
WeightFiles load_weight_files(const std::string& path, const std::string& part = "");

}  // namespace multiviz
