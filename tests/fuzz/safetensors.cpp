#include "io/safetensors.h"

#include <ATen/ATen.h>

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const MemoryFile file("x.safetensors");
  file.set({reinterpret_cast<const char*>(data), size});
  return expect_error_at_worst([] {
    for (const auto& [name, tensor] : load_safetensors(file.path).tensors)  // every byte must be readable
      tensor.contiguous().clone();
  });
}
