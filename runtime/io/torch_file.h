#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/pickle.h"

namespace multiviz {

// What torch.save wrote, in today's zip format or the one before 1.6: data only, no code of the file is run. Tensors
// are arrays of the pickle (`is_tensor`, `tensor`) and views of the mapped file, strided as they were saved; tensors
// that shared a storage still do. Storages that are not aligned, which only the old format has, are moved within the
// mapping. Instances of unknown classes are `object`s. Throws Error naming the file when it is damaged, when a tensor
// reaches outside its storage, and for TorchScript archives.
Pickle load_torch_file(const std::string& path);

// A pickle as load_torch_file or load_pickle reads it, told apart by the first bytes: pickle.dump's files may hold
// tensors as well.
Pickle load_any_pickle(const std::string& path);

// Whether a file that torch.save or torch.jit.save wrote is the latter's.
bool is_torch_script(const std::string& path);

// The tensors of a state dict by name, of a file of torch.save or a pickle of NumPy arrays. Looks into {"state_dict":
// ...}, {"model": ...} and the like, joins the names of nested dicts with dots, and drops what DataParallel puts in
// front ("module."). Throws Error when there are no tensors, and, saying how to export it, for a whole module. `part`
// names the dict to take instead ("model_ema"); Error when the file has none of that name.
std::map<std::string, at::Tensor> load_state_dict(const std::string& path, const std::string& part = "");

// The same tensors, without `prefix` in front of the names that have it.
std::map<std::string, at::Tensor> without_prefix(const std::map<std::string, at::Tensor>& tensors,
                                                 const std::string& prefix);

// Takes `prefix` off the names where all of them have it; false where not.
bool drop_prefix(std::map<std::string, at::Tensor>& tensors, const std::string& prefix);

// What a training script was run with, as its checkpoint has it under "args" (an argparse.Namespace or a dict): the
// entries that are None, bool, int, float, str or lists and dicts of them. {} for a file without.
nlohmann::json checkpoint_arguments(const std::string& path);

// Writes a state dict as torch.save does; torch.load(path, weights_only=True) reads it. Names in the given order.
// Tensors may be on any device and need not be contiguous. Atomic, as write_file.
void save_state_dict(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors);

// The same as training scripts save it: a dict with the state dict under `key` and the plain data of `beside`, an
// object; its entry `arguments`, if named, as an argparse.Namespace.
void save_checkpoint(const std::string& path, const std::string& key,
                     const std::vector<std::pair<std::string, at::Tensor>>& tensors, const nlohmann::json& beside,
                     const std::string& arguments = "");

}  // namespace multiviz
