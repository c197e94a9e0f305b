#include <ATen/ATen.h>

#include "io/torch_file.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const MemoryFile file("x.pt");
  file.set({reinterpret_cast<const char*>(data), size});
  expect_error_at_worst([] { load_any_pickle(file.path); });
  return expect_error_at_worst([] {
    for (const auto& [name, tensor] : load_state_dict(file.path))  // every byte must be readable
      tensor.contiguous().clone();
  });
}
