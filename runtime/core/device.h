#pragma once
#include <c10/core/Device.h>

#include <string>

namespace multiviz {

// "cpu", "cuda", "cuda:1", or "auto" (the first GPU when there is one, else the CPU). Loads LibTorch's CUDA library the
// first time that a GPU is asked for. Throws when the name is unknown or there is no such device.
at::Device parse_device(const std::string& name);

}  // namespace multiviz
