#include "io/json_records.h"

#include "tests/fuzz/harness.h"

// The first byte says how the file holds its records and whether damage is left out.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const MemoryFile file("x.json");
  if (size == 0) return 0;
  const uint8_t form = data[0];
  file.set({reinterpret_cast<const char*>(data) + 1, size - 1});
  return expect_error_at_worst([&] {
    JsonRecordOptions options;
    options.skip = (form & 1) != 0;
    // Cannot be made, even by root: writing an index for each input would take all the time.
    options.cache = "/dev/null/none";
    options.layout.form = static_cast<JsonForm>((form >> 1) % 3);
    if (form & 8) options.layout.list = "q";
    if (form & 16) options.layout.key = "i";
    if (form & 32) options.layout.fields = {"a"};
    if (form & 64) options.layout.collect = "a";
    options.accept = [](const nlohmann::json& record, const std::string&) { check(record.is_object(), "no object"); };
    const JsonRecords records(file.path, options);
    records.find("7");
    for (int64_t i = 0; i < records.size(); ++i) {
      // What the index took for a record is an object; only strings that are not UTF-8 are found when it is read.
      expect_error_at_worst([&] {
        if (!records.get(i).is_object()) std::abort();
        if (options.layout.form == JsonForm::dictionary) records.key(i);
      });
    }
  });
}
