#include "io/image.h"

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  return expect_error_at_worst([&] { decode_image(bytes, "x.png"); });
}
