#pragma once
#include "io/pickle.h"

namespace multiviz {

// The type of a torch.FloatStorage, torch.storage.UntypedStorage (bytes) or torch.float32; nothing for other names.
std::optional<at::ScalarType> torch_type(std::string_view class_name);
// "FloatStorage"; throws Error for types that torch.save writes in another way.
std::string storage_name(at::ScalarType type);

// `count` numbers over all of `data`, which may be longer. Copied when they are not aligned.
at::Tensor storage_at(const ByteRange& data, at::ScalarType type, int64_t count, const std::string& where);

// The functions that build tensors in files of torch.save: torch._utils._rebuild_tensor_v2, _rebuild_parameter, ...
// Nothing for any other. `where` is the file, quoted.
std::optional<at::Tensor> torch_rebuild(const std::string& function, const Pickle& arguments, const std::string& where);

}  // namespace multiviz
