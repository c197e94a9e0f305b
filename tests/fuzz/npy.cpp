#include "io/npy.h"

#include <ATen/ATen.h>

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const MemoryFile file("x.npy");
  file.set({reinterpret_cast<const char*>(data), size});
  return expect_error_at_worst([] { load_npy(file.path).clone(); });
}
