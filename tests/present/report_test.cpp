#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "io/file.h"
#include "io/image.h"
#include "present/page.h"
#include "present/report_view.h"
#include "present/sample_page.h"

using namespace multiviz;
using namespace multiviz::test;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("multiviz_report_{}_{}", getpid(), count++);
  ~Folder() { fs::remove_all(path); }
  static inline int count = 0;
};

json view_of(const Page& page, const Folder& folder) {
  ReportAssets assets(folder.path.string());
  return page_view(page, assets);
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a report refers only to files beside it") {
  Folder folder;
  write_report(sample_page(), folder.path.string());
  auto html = read_file((folder.path / "index.html").string());
  CHECK(count(html, "http://") == 1);  // the name space of SVG, which is never fetched
  CHECK(count(html, "http://www.w3.org/2000/svg") == 1);
  CHECK(count(html, "https://") == 0);
  size_t pictures = 0;
  for (size_t at = html.find("\"assets/"); at != std::string::npos; at = html.find("\"assets/", at + 1)) {
    auto name = html.substr(at + 1, html.find('"', at + 1) - at - 1);
    CHECK_MESSAGE(fs::is_regular_file(folder.path / name), name);
    ++pictures;
  }
  CHECK(pictures > 20);
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path / "assets")) files += entry.is_regular_file();
  CHECK(files < pictures);  // the photograph and the outlines are shared
}

TEST_CASE("components share their colours, and one that is all 0 does not widen them") {
  auto limit = [](double multimodal) {
    auto page = sample_region_page();
    auto& made = page.explanations[0];
    made.attributions.resize(1);
    made.attributions.push_back(made.attributions[0]);
    made.attributions[0].component = "unimodal";
    made.attributions[0].weights = made.attributions[0].weights * 0.01;
    made.attributions[1].component = "multimodal";
    made.attributions[1].weights = made.attributions[1].weights * multimodal;
    Folder folder;
    auto panels = view_of(page, folder)["explanations"][0]["panels"];
    CHECK(panels[0]["legend"] == panels[1]["legend"]);
    return panels[0]["legend"]["limit"].get<double>();
  };
  CHECK(limit(0.02) == doctest::Approx(0.02));
  CHECK(limit(0.005) == doctest::Approx(0.01));
  CHECK(limit(0) == doctest::Approx(0.01));
}

TEST_CASE("what a model reads of regions is told by their names") {
  auto page = sample_region_page();
  page.example.datapoint.regions[2].name = "";
  Folder folder;
  auto values = view_of(page, folder)["example"]["values"];
  REQUIRE(values.size() == 3);
  CHECK(values[0]["kind"] == "image");
  CHECK(values[0]["regions"].size() == 4);
  CHECK(values[1]["kind"] == "regions");
  CHECK(values[1]["count"] == 4);
  CHECK(values[1]["names"] == nlohmann::json{"red sphere", "blue sphere", "highlight"});
}

TEST_CASE("what a report shows cannot become markup") {
  const std::string attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{script}}";
  auto page = sample_page();
  page.model = page.target = attack;
  page.example.prediction.top[0].name = attack;
  page.example.datapoint.values[1] = Text{attack};
  page.example.datapoint.id = attack;
  page.example.datapoint.regions[0].name = attack;
  page.explanations.clear();
  page.features.clear();
  Folder folder;
  write_report(page, folder.path.string());
  auto html = read_file((folder.path / "index.html").string());
  CHECK(count(html, "<script>alert") == 0);
  CHECK(count(html, "<img src=x") == 0);
  CHECK(count(html, "</script>") == 2);        // of the data and of the script
  CHECK(count(html, "&lt;/script&gt;") == 4);  // the title has the model and the label
}

TEST_CASE("text that is not UTF-8 is shown with replacement characters") {
  auto page = sample_page();
  page.explanations.clear();
  page.features.clear();
  page.example.datapoint.values[1] = Text{"bad \xff byte"};
  Folder folder;
  write_report(page, folder.path.string());
  CHECK(count(read_file((folder.path / "index.html").string()), "bad \xef\xbf\xbd byte") >= 1);
}

TEST_CASE("words carry their weights in the order of the text") {
  Folder folder;
  auto page = sample_page();
  auto panel = view_of(page, folder)["explanations"][0]["panels"][1];
  const auto& attribution = page.explanations[0].attributions[1];
  std::string text;
  size_t weighed = 0;
  for (const auto& piece : panel["pieces"]) {
    text += piece["text"].get<std::string>();
    if (!piece.contains("weight")) continue;
    CHECK(piece["text"] == attribution.players.names[weighed]);
    CHECK(piece["weight"] == attribution.weights[static_cast<int64_t>(weighed)].item<double>());
    ++weighed;
  }
  CHECK(text == std::get<Text>(page.example.datapoint.values[1]).string);
  CHECK(weighed == attribution.players.names.size());
}

TEST_CASE("captions say what colours mean for which target") {
  Folder folder;
  auto view = view_of(sample_page(), folder);
  auto caption = [&](size_t explanation, size_t panel) {
    return view["explanations"][explanation]["panels"][panel]["caption"].get<std::string>();
  };
  CHECK(caption(0, 0) == "Parts of the image that raise (red) or lower (blue) the logit of red");
  CHECK(caption(1, 0) == "Pixels of the image that raise (red) or lower (blue) the logit of red");
  CHECK(
      caption(2, 2) ==
      "Parts of the image that raise (red) or lower (blue) the logit of red only together with the rest of the input");
  CHECK(caption(3, 0) == "Where the image interacts with “large, sphere” in the logit of red");
  CHECK(view["features"][0]["local"][0]["panels"][1]["caption"] ==
        "Words of the question that raise (red) or lower (blue) feature 17");
  CHECK(view["headline"] == "Why toy-model says “red”");
  auto page = sample_page();
  page.explanations[0].attributions[0].weights = at::zeros({35}, at::kDouble);
  CHECK(view_of(page, folder)["explanations"][0]["panels"][0]["caption"] ==
        "Nothing in the image changes the logit of red");
}

TEST_CASE("components that are compared share their colours") {
  Folder folder;
  auto panels = view_of(sample_page(), folder)["explanations"][2]["panels"];
  CHECK(panels[0]["legend"] == panels[2]["legend"]);  // image, unimodal and multimodal
  CHECK(panels[1]["legend"] == panels[3]["legend"]);
  CHECK(panels[0]["legend"] != panels[1]["legend"]);
}

TEST_CASE("layers fit the picture and segments keep sharp borders") {
  Folder folder;
  auto panel = view_of(sample_page(), folder)["explanations"][0]["panels"][0];
  auto layer = load_image((folder.path / panel["layer"].get<std::string>()).string());
  CHECK(layer.size(0) == 384);  // 96 x 128, enlarged four times
  CHECK(layer.size(1) == 512);
  CHECK(load_image((folder.path / panel["src"].get<std::string>()).string()).size(1) == 128);
  CHECK(layer_size(3000, 4000) == std::pair<int64_t, int64_t>{960, 1280});
  CHECK(layer_size(1, 100000) == std::pair<int64_t, int64_t>{1, 1280});
  CHECK(layer_size(1, 1) == std::pair<int64_t, int64_t>{480, 480});
}

TEST_CASE("a badge lies inside its segment") {
  auto segments = at::zeros({5, 5}, at::kLong);  // a ring of 1 around a 0: its middle is not in it
  segments.slice(0, 0, 1).fill_(1);
  segments.slice(0, 4, 5).fill_(1);
  segments.slice(1, 0, 1).fill_(1);
  segments.slice(1, 4, 5).fill_(1);
  auto place = badge_position(segments, 1);
  auto x = static_cast<int64_t>(place["x"].get<double>() / 20), y = static_cast<int64_t>(place["y"].get<double>() / 20);
  CHECK(segments[y][x].item<int64_t>() == 1);
  CHECK(badge_position(segments, 2).is_null());
}

TEST_CASE("time series and tables") {
  Folder folder;
  auto view = view_of(sample_sensor_page(), folder);
  auto panels = view["explanations"][0]["panels"];
  CHECK(panels[0]["bars"].size() == 50);
  CHECK_FALSE(panels[0].contains("layer"));
  CHECK(panels[0]["series"]["channels"].size() == 6);  // those that vary most
  CHECK(panels[0]["series"]["channels"][0]["name"] == "joint 9");
  CHECK(panels[0]["series"]["frame_names"].empty());
  CHECK(panels[1]["rows"].size() == 14);
  CHECK(panels[1]["rows"][0].contains("value"));
  CHECK(panels[2].contains("layer"));  // its players are smaller than a frame or a channel
  CHECK(view["headline"] == "Why toy-model predicts 2.25");
  CHECK(view["example"]["true_value"] == 1.9);
}

TEST_CASE("frames have their names in a report") {
  Page page = sample_sensor_page();
  auto& series = std::get<TimeSeries>(page.example.datapoint.values[0]);
  for (int i = 0; i < 50; ++i) series.frame_names.push_back(i == 3 ? "<film>" : "word " + std::to_string(i));
  Folder folder;
  auto view = view_of(page, folder);
  CHECK(view["explanations"][0]["panels"][0]["series"]["frame_names"][3] == "<film>");
  CHECK(view["example"]["values"][0]["frame_names"].size() == 50);
}

TEST_CASE("a large interaction matrix keeps its strongest rows and columns") {
  auto page = sample_page();
  auto interaction = page.explanations[4].interactions[0];
  Folder folder;
  ReportAssets assets(folder.path.string());
  auto view = interaction_view(interaction, page.modalities, page.example, assets);
  CHECK(view["columns"]["names"].size() == 24);
  CHECK(view["columns"]["count"] == 35);
  auto strongest = interaction.values.abs().max().item<double>();
  CHECK(std::abs(view["pairs"][0]["value"].get<double>()) == strongest);
  CHECK(view["legend"]["limit"] == strongest);
  interaction.values = at::zeros({0, 0}, at::kDouble);
  CHECK(interaction_view(interaction, page.modalities, page.example, assets).is_null());
}

TEST_CASE("the report knows which features have a view") {
  Folder folder;
  auto features = view_of(sample_page(), folder)["predictions"][0]["classes"][0]["features"];
  for (const auto& edge : features) CHECK(edge["analysed"] == (edge["feature"] == 17 || edge["feature"] == 203));
}

TEST_CASE("a fit is told per target, what matters first") {
  auto rows = fit_view({{"image", {{"r2", {0.9, 0.8}}, {"intercept", {1, 2}}}}, {"exact", true}}, 2);
  auto row = [&](const std::string& name) {
    return *std::find_if(rows.begin(), rows.end(), [&](const json& item) { return item["name"] == name; });
  };
  CHECK(row("image R²") == json{{"name", "image R²"}, {"values", {"0.9", "0.8"}}, {"headline", true}});
  CHECK(row("image intercept")["headline"] == false);
  CHECK(row("exact")["values"] == json{"yes", "yes"});
  CHECK(fit_view(json::object(), 1).empty());
}

TEST_CASE("EMAP's parts add up to the target") {
  auto page = sample_page();
  auto views = decomposition_view(page.explanations[5]);
  REQUIRE(views.size() == 2);
  for (const auto& view : views) {
    double total = 0;
    for (const auto& part : view["parts"]) total += part["weight"].get<double>();
    CHECK(total == doctest::Approx(view["value"].get<double>()));
  }
  CHECK(views[1]["target"] == "logit of purple");
  CHECK(decomposition_view(page.explanations[0]).is_null());
  page.explanations[5].fit["mean"] = "damaged";
  CHECK(decomposition_view(page.explanations[5]).is_null());
}
