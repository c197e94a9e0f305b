#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "io/file.h"
#include "present/page.h"
#include "present/sample_page.h"

using namespace multiviz;
using namespace multiviz::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("multiviz_browser_{}", getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

// Errors are collected from the first script on, before the report's own runs.
constexpr const char* kWatch = R"(<script>
window.probeErrors = [];
addEventListener("error", (event) => probeErrors.push("error: " + (event.message || event.target.src || event.type)), true);
addEventListener("unhandledrejection", (event) => probeErrors.push("rejection: " + event.reason));
for (const level of ["error", "warn"]) console[level] = (...words) => probeErrors.push(level + ": " + words.join(" "));
</script>)";

std::string chromium() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    for (const char* folder : {"/usr/bin", "/usr/local/bin", "/snap/bin"})
      if (auto path = fs::path(folder) / name; access(path.c_str(), X_OK) == 0) return path.string();
  return "";
}

std::string run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string output;
  char chunk[4096];
  while (size_t n = fread(chunk, 1, sizeof chunk, pipe)) output.append(chunk, n);
  int status = pclose(pipe);
  REQUIRE_MESSAGE((WIFEXITED(status) && WEXITSTATUS(status) == 0), command);
  return output;
}

struct Visit {
  std::string document;               // as the scripts left it
  std::vector<std::string> requests;  // addresses that the page asked for, apart from files
};

// The network log also has what the browser asks for on its own account, such as updates: those have no origin.
std::vector<std::string> page_requests(const std::string& log) {
  std::vector<std::string> found;
  auto whole = json::parse(log);
  for (const auto& event : whole["events"]) {
    if (!event.contains("params") || !event["params"].contains("initiator")) continue;
    const auto& params = event["params"];
    if (params["initiator"] != "not an origin" && params.contains("url")) found.push_back(params["url"]);
  }
  return found;
}

Visit visit(const fs::path& folder, const std::string& file, int width) {
  auto browser = chromium();
  REQUIRE_MESSAGE(!browser.empty(), "chromium is not installed: run scripts/setup, or apt install chromium");
  auto log = (folder / "net.json").string();
  auto document = run(fmt::format(
      "timeout 120 '{}' --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
      "--user-data-dir='{}' --host-resolver-rules='MAP * ~NOTFOUND' --log-net-log='{}' --window-size={},900 "
      "--virtual-time-budget=20000 --dump-dom 'file://{}' 2>/dev/null",
      browser, (folder / "profile").string(), log, width, (folder / file).string()));
  return {document, page_requests(read_file(log))};
}

// Opens the report in a window of this width with the probe added, and returns what the probe saw.
json open_report(const Page& page, int width, const char* probe = "tests/browser/probe.js") {
  Folder folder;
  write_report(page, folder.path.string());
  auto html = read_file((folder.path / "index.html").string());
  html.insert(html.find("<script type="), kWatch);
  html.insert(html.rfind("</body>"), "<script>" + read_file(probe) + "</script>");
  write_file((folder.path / "probed.html").string(), html);
  auto [text, requests] = visit(folder.path, "probed.html", width);
  auto begin = text.find("<pre id=\"seen\">");
  REQUIRE_MESSAGE(begin != std::string::npos, "the probe did not finish: " << text.substr(0, 2000));
  begin = text.find('>', begin) + 1;
  auto seen = text.substr(begin, text.find("</pre>", begin) - begin);
  for (auto [escaped, plain] : {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}})
    for (size_t at = seen.find(escaped); at != std::string::npos; at = seen.find(escaped, at + 1))
      seen.replace(at, std::string(escaped).size(), plain);
  auto result = json::parse(seen);
  result["network"] = requests;
  return result;
}

}  // namespace

TEST_CASE("a page that asks the network for something is noticed") {
  Folder folder;
  write_file((folder.path / "asking.html").string(), "<img src='http://example.invalid/picture.png'>");
  CHECK(visit(folder.path, "asking.html", 1280).requests ==
        std::vector<std::string>{"http://example.invalid/picture.png"});
}

TEST_CASE("a report works in a browser without a network") {
  auto seen = open_report(sample_page(), 1280);
  CHECK(seen["errors"] == json::array());
  const auto& steps = seen["steps"];
  CHECK(steps["start"]["views"] == json{"overview"});
  CHECK(steps["start"]["class"] == json{"red"});
  CHECK(steps["start"]["targets"] == json{"0", "0", "0", "0"});

  // Choosing a class in the graph shows its features, and DIME for its logit.
  CHECK(steps["class"]["class"] == json{"purple"});
  CHECK(steps["class"]["targets"] == json{"1", "1", "1", "1"});
  CHECK(steps["class"]["focus"] == "purple");
  CHECK(steps["keyboard"]["class"] == json{"red"});

  CHECK(steps["feature"]["views"] == json{"feature-203"});
  CHECK(steps["feature"]["hash"] == "#feature-203");
  CHECK(steps["feature"]["examples"] == 3);
  CHECK(steps["back"]["views"] == json{"overview"});

  CHECK(steps["theme"] == json{{"theme", "dark"}, {"changed", true}});
  CHECK(steps["opacity"] == "0.2");
  CHECK(steps["raw"] == "none");
  CHECK(steps["regions"] == 3);

  CHECK(seen["pictures"].size() > 20);
  for (const auto& picture : seen["pictures"]) CHECK_MESSAGE(picture["loaded"] == true, picture["src"]);
  CHECK(seen["unnamed"] == 0);
  for (const auto& request : seen["requests"]) {
    auto address = request.get<std::string>();
    CHECK_MESSAGE((address.starts_with("file:") || address.starts_with("data:")), address);
  }
  CHECK(seen["network"] == json::array());
}

TEST_CASE("a report fits a phone") {
  auto seen = open_report(sample_page(), 500);  // the narrowest window that headless Chromium makes
  CHECK(seen["errors"] == json::array());
  CHECK(seen["overflow"] == 0);
}

TEST_CASE("regions are boxes on their picture in a browser") {
  auto seen = open_report(sample_region_page(), 1280, "tests/browser/regions.js");
  CHECK(seen["errors"] == json::array());
  CHECK(seen["shape"].get<double>() == doctest::Approx(128.0 / 96).epsilon(0.01));
  REQUIRE(seen["boxes"].size() == 4);
  const auto& strongest = seen["boxes"][3];  // [20, 20, 40, 40]
  for (auto [name, value] : {std::pair{"x", 20}, {"y", 20}, {"width", 20}, {"height", 20}})
    CHECK(strongest[name].get<double>() == doctest::Approx(value).epsilon(0.01));
  CHECK(strongest["color"] == "rgb(178, 24, 43)");
  // The smallest under the mouse.
  CHECK(seen["points"][0] == json{"highlight: +1.00"});
  CHECK(seen["points"][1] == json{"red sphere: +0.500"});
  CHECK(seen["points"][2] == json{"blue sphere: −0.250"});
  CHECK(seen["left"] == json::array());
  CHECK(seen["focus"] == json{"blue sphere: −0.250"});
  CHECK(seen["badges"] == json{"3", "2", "1"});
  CHECK(seen["off"] == "none");
  CHECK(seen["pairs"] == 4);
}
