#include "present/page.h"

#include <filesystem>
#include <fstream>

#include "tests/fuzz/harness.h"

// page.json, in a copy of the folder that the fixture's page was saved to; what loads is printed and reported as well.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const std::string folder = [] {
    std::string name = "/tmp/multiviz-fuzz-XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    std::filesystem::copy("tests/fixtures/present/page", name, std::filesystem::copy_options::recursive);
    return name;
  }();
  std::ofstream(folder + "/page.json", std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return expect_error_at_worst([] {
    auto page = load_page(folder);
    summary(page);
    for (const auto& explanation : page.explanations) summary(explanation);
    write_report(page, folder + "/report");
  });
}
