#include "present/page.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "io/file.h"
#include "tests/fuzz/harness.h"

namespace {

using nlohmann::json;

void collect(json& value, std::vector<json*>& nodes) {
  nodes.push_back(&value);
  if (value.is_structured())
    for (auto& item : value) collect(item, nodes);
}

// Replaces nodes of the fixture's document, two bytes choosing the node and one the value, a copy of another node among
// them: bytes that mutate freely seldom are JSON.
std::string edited(const json& document, const uint8_t* data, size_t size) {
  static const std::vector<json> values = {
      nullptr, true, 0,    -1,      1,      3,      1e300,         UINT64_MAX,     INT64_MIN, 0.5,
      "",      "t0", "t1", "image", "text", "../x", json::array(), json::object(), {1, 2},    {-5, 1e9}};
  json changed = document;
  for (size_t i = 0; i + 2 < size && i < 30; i += 3) {
    std::vector<json*> nodes;
    collect(changed, nodes);
    const size_t node = (size_t{data[i]} << 8 | data[i + 1]) % nodes.size(), choice = data[i + 2];
    json value = choice < values.size() ? values[choice] : *nodes[choice * nodes.size() / 256];
    *nodes[node] = std::move(value);
  }
  return changed.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

// page.json, in a copy of the folder that the fixture's page was saved to; what loads is printed and reported as well.
// Bytes that do not start as JSON are edits of the fixture.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiviz;
  static const std::string fixture = "tests/fixtures/present/page", folder = [] {
    std::string name = "/tmp/multiviz-fuzz-XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    std::filesystem::copy(fixture, name, std::filesystem::copy_options::recursive);
    return name;
  }();
  static const json document = json::parse(read_file(fixture + "/page.json"));
  const bool raw = size == 0 || data[0] == '{';
  const std::string text = raw ? std::string(reinterpret_cast<const char*>(data), size) : edited(document, data, size);
  std::ofstream(folder + "/page.json", std::ios::binary) << text;
  return expect_error_at_worst([] {
    auto page = load_page(folder);
    summary(page);
    for (const auto& explanation : page.explanations) summary(explanation);
    write_report(page, folder + "/report");
  });
}
