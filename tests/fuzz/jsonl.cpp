#include "data/jsonl.h"

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const MemoryFile file("x.jsonl");
  file.set({reinterpret_cast<const char*>(data), size});
  return expect_error_at_worst([] {
    RecordOptions options;
    options.root = "/nonexistent";
    options.fields = {{{"q", ModalityKind::text}, "q", {}},
                      {{"s", ModalityKind::time_series}, "s", {}},
                      {{"t", ModalityKind::tabular}, "t", {}}};
    options.label = "a";
    options.id = "i";
    const DatasetPtr dataset = open_jsonl(file.path, options);
    for (int64_t i = 0; i < dataset->size(); ++i) dataset->get(i);
  });
}
