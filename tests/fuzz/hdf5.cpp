#include "io/hdf5.h"

#include "tests/fuzz/harness.h"

namespace {

using namespace multiviz;

int64_t rows(const Hdf5File& file, const std::string& name) {
  const auto shape = file.shape(name);
  return shape.empty() ? 0 : std::min<int64_t>(shape[0], 4);
}

// Everything that a data set does with a file, on whatever is under this name.
void read_all(const Hdf5File& file, const std::string& name) {
  expect_error_at_worst([&] { file.read(name, 0, rows(file, name)); });
  expect_error_at_worst([&] { file.read_strings(name, 0, 1); });
  expect_error_at_worst([&] { file.read_sequence(name, 0); });
  expect_error_at_worst([&] { file.text_attribute(name, "target_names"); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const MemoryFile memory("x.h5");
  memory.set({reinterpret_cast<const char*>(data), size});
  return expect_error_at_worst([] {
    const Hdf5File file(memory.path);
    expect_error_at_worst([&] { file.integer_column("/", "split", "stop"); });
    expect_error_at_worst([&] { file.text_column("/", "split", "source"); });
    for (const char* name : {"f4", "f8_big_endian", "i4", "ids", "words", "sequences", "video/a[1]/intervals"})
      read_all(file, name);
    expect_error_at_worst([&] { file.children("/"); });
  });
}
