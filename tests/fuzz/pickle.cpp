#include "io/pickle.h"

#include <ATen/ATen.h>

#include "tests/fuzz/harness.h"

namespace multiviz {
namespace {

// Every accessor that fits: every byte must be readable, and walking must end.
void walk(const Pickle& value) {
  const auto kind = value.kind();
  if (kind == PickleKind::text || kind == PickleKind::bytes) expect_error_at_worst([&] { value.text("x"); });
  if (kind == PickleKind::integer || kind == PickleKind::real) value.number("x");
  if (value.is_tensor()) {
    const bool rows = !value.shape("x").empty();
    expect_error_at_worst([&] { value.tensor("x").clone(); });
    if (rows) expect_error_at_worst([&] { value.rows(0, value.shape("x")[0], "x"); });
  }
  for (size_t i = 0; i < value.size(); ++i) {
    if (kind == PickleKind::dict) walk(value.key(i));
    walk(value[i]);
  }
  if (kind != PickleKind::object) return;
  walk(value.arguments("x"));
  if (auto state = value.state("x")) walk(*state);
}

}  // namespace
}  // namespace multiviz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  auto owner = std::make_shared<std::string>(reinterpret_cast<const char*>(data), size);
  PickleOptions options;
  options.persistent = [](const Pickle&) { return at::zeros({2, 3}); };
  options.keep_objects = size % 2 == 0;
  return expect_error_at_worst([&] { walk(read_pickle({owner, *owner}, "x.pkl", options)); });
}
