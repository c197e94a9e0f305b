#include "data/flickr30k/entities.h"

#include "tests/fuzz/harness.h"

// The first byte says whether the rest is a caption or XML.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  return expect_error_at_worst([&] {
    if (data[0] & 1)
      flickr30k::parse_caption(text, "c");
    else
      flickr30k::parse_objects(text, "x");
  });
}
