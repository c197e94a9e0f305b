#include "io/json.h"

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  return expect_error_at_worst([&] {
    const nlohmann::json value = parse_json(text, "x.json", size % 2 == 0);
    dump_json(value, "x.json");
    as<double>(require(value, "a", "x.json"), "x.json");
  });
}
