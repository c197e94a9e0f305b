#include "io/yaml.h"

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  return expect_error_at_worst([&] { parse_yaml({reinterpret_cast<const char*>(data), size}, "x.yaml"); });
}
