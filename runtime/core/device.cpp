#include "core/device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include "core/error.h"

namespace multiviz {
namespace {

// LibTorch caches whether CUDA exists at the first question, so the library is loaded before anything asks.
bool cuda_available() {
  static const bool loaded = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
  return loaded && at::globalContext().hasCUDA();
}

}  // namespace

at::Device parse_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name == "auto") return cuda_available() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (!name.starts_with("cuda")) fail("unknown device '{}': use \"auto\", \"cpu\", \"cuda\" or \"cuda:N\"", name);
  int index = 0;
  if (name != "cuda") {
    if (name.size() < 6 || name.size() > 8 || name[4] != ':' ||
        name.find_first_not_of("0123456789", 5) != std::string::npos)
      fail("unknown device '{}': use \"cuda:N\" with N counted from 0", name);
    index = std::stoi(name.substr(5));
  }
  check(cuda_available(), "there is no GPU that this build can use for '{}': use \"cpu\" or \"auto\"", name);
  auto count = at::detail::getCUDAHooks().deviceCount();
  check(index < count, "there is no device '{}': this machine has {} GPU{}", name, count, count == 1 ? "" : "s");
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

}  // namespace multiviz
