#include <string>

#include "data/vl_interpret.h"
#include "io/lz4.h"
#include "tests/fuzz/harness.h"

// A value of a VL-InterpreT database as it is, and what is inside its LZ4 frame, which mutations seldom reach.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  expect_error_at_worst([&] { read_recording(bytes, "0", "x"); });
  return expect_error_at_worst([&] { read_recording(compress_lz4(bytes), "0", "x"); });
}
