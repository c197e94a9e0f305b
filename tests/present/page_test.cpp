#include "present/page.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "io/file.h"
#include "models/toy_model.h"
#include "present/sample_page.h"

using namespace multiviz;
using namespace multiviz::test;
namespace fs = std::filesystem;

namespace {

// A folder that goes away with the test.
struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("multiviz_page_{}_{}", getpid(), count++);
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  static inline int count = 0;
};

nlohmann::json read_json(const std::string& path) { return nlohmann::json::parse(read_file(path)); }

// Saves the sample page, edits its page.json and loads it.
void load_edited(const std::function<void(nlohmann::json&)>& edit) {
  Folder folder;
  save(sample_page(), folder / "page");
  auto document = read_json(folder / "page/page.json");
  edit(document);
  write_file(folder / "page/page.json", document.dump());
  load_page(folder / "page");
}

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a page that was saved, loaded and saved again is the same, byte for byte") {
  for (const auto& page : {sample_page(), sample_sensor_page(), sample_region_page()}) {
    Folder folder;
    save(page, folder / "first");
    auto loaded = load_page(folder / "first");
    save(loaded, folder / "second");
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder / "first")) {
      if (!entry.is_regular_file()) continue;
      auto name = fs::relative(entry.path(), folder / "first").string();
      CHECK_MESSAGE(read_file(entry.path().string()) == read_file(folder / ("second/" + name)), name);
      ++files;
    }
    CHECK(files >= 2);
    CHECK(summary(loaded) == summary(page));
  }
}

// Made by tests/fixtures/present/make_page.lua.
TEST_CASE("a page that was saved before is read, whatever it is about") {
  Folder folder;
  auto page = load_page("tests/fixtures/present/page");
  CHECK(page.modalities.size() == 4);
  CHECK(page.explanations.size() == 3);
  CHECK(page.explanations[2].interactions.size() == 1);
  CHECK(page.features.size() == 1);
  CHECK(page.predictions.size() == 1);
  save(page, folder.path.string());
  for (const auto& entry : fs::directory_iterator("tests/fixtures/present/page"))
    if (entry.is_regular_file())
      CHECK(read_file(entry.path().string()) == read_file(folder / entry.path().filename().string()));
  write_report(page, folder / "report");
}

TEST_CASE("a loaded page holds what was saved") {
  Folder folder;
  auto page = sample_page();
  page.features[0].activation = std::nan("");
  save(page, folder / "page");
  auto loaded = load_page(folder / "page");
  const auto& before = page.explanations[0].attributions[0];
  const auto& after = loaded.explanations[0].attributions[0];
  CHECK(after.weights.equal(before.weights));
  CHECK(after.players.segments.equal(before.players.segments));
  CHECK(after.players.names == before.players.names);
  CHECK(std::get<Image>(loaded.example.datapoint.values[0])
            .pixels.equal(std::get<Image>(page.example.datapoint.values[0]).pixels));
  CHECK(loaded.example.datapoint.regions.size() == 3);
  CHECK(loaded.features[1].examples[2].explanations[0].attributions[1].weights.equal(
      page.features[1].examples[2].explanations[0].attributions[1].weights));
  CHECK(std::isnan(loaded.features[0].activation));
  CHECK(loaded.predictions[0].dense_accuracy == 0.871);
  CHECK(loaded.explanations[0].options == page.explanations[0].options);
  // The superpixels that several explanations share are one tensor in the file and in memory.
  CHECK(loaded.explanations[2].attributions[0].players.segments.is_same(after.players.segments));
}

TEST_CASE("an entry about something else is refused") {
  auto page = sample_page();
  auto lime = sample_lime();
  lime.model = "other-model";
  CHECK(
      message_of([&] { page.add(lime); }) ==
      "this lime explanation is about the model 'other-model', but the page is about 'toy-model': make a page for that "
      "model");
  lime = sample_lime();
  lime.datapoint = "blocks/val/8";
  CHECK(mentions(message_of([&] { page.add(lime); }), "is about the datapoint 'blocks/val/8'"));
  lime = sample_lime();
  lime.attributions[0].players.segments = at::zeros({4, 4}, at::kLong);
  CHECK(mentions(message_of([&] { page.add(lime); }), "lime explains another 'image'"));
  lime = sample_lime();
  lime.attributions[1].players.spans[0].second = 1000;
  CHECK(mentions(message_of([&] { page.add(lime); }), "lime explains another 'question'"));
  lime = sample_lime();
  lime.attributions[1].players.modality = "caption";
  CHECK(mentions(message_of([&] { page.add(lime); }), "the text 'caption', which the model does not have"));

  lime = sample_lime();
  lime.attributions[0].players.segments = at::Tensor();
  CHECK(message_of([&] { page.add(lime); }) == "lime does not say where the parts of 'image' lie");
  lime = sample_lime();
  lime.attributions[0].weights = at::Tensor();
  CHECK(message_of([&] { page.add(lime); }) == "lime has no weights for 'image'");
  lime = sample_lime();
  lime.attributions[1].weights = at::zeros({3}, at::kDouble);
  CHECK(message_of([&] { page.add(lime); }) == "lime must weigh the 12 parts of 'question' with float64 [12]");
  auto pairs = page.explanations[4];
  pairs.interactions[0].values = at::zeros({3, 4}, at::kDouble);
  CHECK(mentions(message_of([&] { page.add(pairs); }), "every pair of its 12 x 35 parts"));

  PredictionEntry prediction = page.predictions[0];
  prediction.datapoint = "blocks/val/8";
  CHECK(mentions(message_of([&] { page.add(prediction); }), "this sparse model is about the datapoint"));
  FeatureEntry feature = page.features[0];
  feature.examples[0].explanations[0].datapoint = "blocks/val/9";
  CHECK(mentions(message_of([&] { page.add(feature); }), "an example of feature 17 is about"));
  CHECK(page.explanations.size() == 7);
}

TEST_CASE("the local and the global analysis of a feature become one entry") {
  auto page = sample_page();
  auto whole = page.features[0];
  page.features.clear();
  FeatureEntry local = whole, global = whole;
  local.examples.clear();
  global.local.clear();
  global.datapoint.clear();
  global.activation = std::nan("");
  page.add(global);
  page.add(local);
  REQUIRE(page.features.size() == 1);
  CHECK(page.features[0].local.size() == 1);
  CHECK(page.features[0].examples.size() == 3);
  CHECK(page.features[0].activation == whole.activation);
  whole.tap = "image.conv4";
  page.add(whole);
  CHECK(page.features.size() == 2);
}

TEST_CASE("a hostile page cannot reach outside its folder") {
  auto image = [](nlohmann::json& page) -> nlohmann::json& {
    return page["example"]["datapoint"]["values"][0]["image"];
  };
  for (const char* name : {"../0.png", "/etc/passwd", "images/0.png", "..", "", ".hidden", "a\\b.png", "no.png"})
    CHECK_THROWS_AS(load_edited([&](auto& page) { image(page) = name; }), Error);

  Folder folder;
  save(sample_page(), folder / "page");
  auto document = read_json(folder / "page/page.json");
  for (std::string name : {"images/" + image(document).get<std::string>(), document["tensors"].get<std::string>()}) {
    fs::rename(folder / ("page/" + name), folder / "secret");
    fs::create_symlink(folder / "secret", folder / ("page/" + name));
    CHECK(mentions(message_of([&] { load_page(folder / "page"); }), "names a file that is not there"));
    fs::rename(folder / "secret", folder / ("page/" + name));
  }
  CHECK_THROWS_AS(load_edited([&](auto& page) { page["tensors"] = "../tensors.safetensors"; }), Error);
}

TEST_CASE("a damaged page says where it is damaged") {
  auto complaint = [](const std::function<void(nlohmann::json&)>& edit) {
    return message_of([&] { load_edited(edit); });
  };
  CHECK(mentions(complaint([](auto& page) { page.erase("target"); }), "page.json: 'target' is missing"));
  CHECK(mentions(complaint([](auto& page) { page["format"] = "other"; }), "'format' is another format"));
  CHECK(mentions(complaint([](auto& page) { page["version"] = 99; }), "newer multiviz"));
  CHECK(mentions(complaint([](auto& page) { page["explanations"] = 3; }), "'explanations' is not a list"));
  CHECK(mentions(complaint([](auto& page) { page["explanations"][0]["stage"] = "X"; }),
                 "'explanations[0].stage' is neither U nor C"));
  auto attribution = [](nlohmann::json& page) -> nlohmann::json& { return page["explanations"][0]["attributions"][0]; };
  CHECK(mentions(complaint([&](auto& page) { attribution(page)["weights"] = "t999"; }),
                 "'explanations[0].attributions[0].weights' names a tensor that is not there"));
  CHECK(
      mentions(complaint([&](auto& page) { attribution(page)["weights"] = attribution(page)["players"]["segments"]; }),
               "is a Long tensor of 2 dimensions, not Double of 1"));
  CHECK(mentions(complaint([&](auto& page) { attribution(page)["players"]["names"].erase(0); }),
                 "has segments of players that are not there"));
  CHECK(mentions(complaint([&](auto& page) { attribution(page)["target"] = 7; }), "is not one of the targets"));
  CHECK(mentions(complaint([&](auto& page) { attribution(page)["target"] = -1; }), "is not a whole number from 0 up"));
  CHECK(mentions(complaint([&](auto& page) { page["explanations"][0]["seed"] = 1.5; }), "is not a whole number"));
  CHECK(mentions(complaint([&](auto& page) {
                   page["explanations"][0]["attributions"][1]["players"]["spans"][0] = {9, 3};
                 }),
                 "ends before it begins"));
  CHECK(mentions(complaint([](auto& page) { page["modalities"][0]["kind"] = "text"; }), "another kind"));
  CHECK(mentions(complaint([](auto& page) { page["modalities"].erase(0); }), "another number of modalities"));
  CHECK(mentions(complaint([](auto& page) { page["example"]["prediction"]["task"] = "guess"; }), "is not a task"));
  CHECK(mentions(complaint([](auto& page) { page["features"][0]["feature"] = -4; }), "is negative"));
}

TEST_CASE("a page that is not there, and a folder that cannot be written") {
  Folder folder;
  CHECK(mentions(message_of([&] { load_page(folder / "nowhere"); }), "page.json"));
  make_folder(folder.path.string());
  write_file(folder / "file", "x");
  CHECK(mentions(message_of([&] { save(sample_page(), folder / "file"); }), folder / "file"));
  CHECK(mentions(message_of([&] { write_report(sample_page(), folder / "file"); }), folder / "file"));
  CHECK_THROWS_AS(save(sample_page(), "/proc/page"), Error);  // not even root may write here
}

TEST_CASE("saving over a page replaces it, and a save that fails leaves it as it was") {
  Folder folder;
  auto files = [&] {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path))
      if (entry.is_regular_file())
        found[fs::relative(entry.path(), folder.path).string()] = read_file(entry.path().string());
    return found;
  };
  save(sample_sensor_page(), folder.path.string());
  auto sensor = files();
  write_file(folder / "images/mine.png", "x");
  save(sample_page(), folder.path.string());
  auto pictures = files();
  CHECK(pictures.contains("images/mine.png"));
  fs::remove(folder / "images/mine.png");
  pictures.erase("images/mine.png");
  save(sample_sensor_page(), folder.path.string());
  CHECK(files() == sensor);

  // A folder where page.json should be: everything else is written by then.
  fs::rename(folder / "page.json", folder / "old.json");
  fs::create_directory(folder / "page.json");
  CHECK(mentions(message_of([&] { save(sample_page(), folder.path.string()); }), "it is a folder"));
  fs::remove(folder / "page.json");
  fs::rename(folder / "old.json", folder / "page.json");
  CHECK(files() == sensor);
  CHECK(summary(load_page(folder.path.string())) == summary(sample_sensor_page()));
}

TEST_CASE("a page starts from the model's own prediction") {
  ToyModel model;
  auto datapoint = toy_datapoint();
  auto page = make_page(model, datapoint, Target::logit(0), 2);
  auto logits = model.forward(datapoint).logits.to(at::kDouble)[0];
  CHECK(page.model == model.signature().name);
  REQUIRE(page.example.prediction.top.size() == 2);
  const auto& best = page.example.prediction.top[0];
  CHECK(best.label == logits.argmax().item<int64_t>());
  CHECK(best.logit == doctest::Approx(logits.max().item<double>()));
  CHECK(best.probability == doctest::Approx(at::softmax(logits, 0).max().item<double>()));
  CHECK(best.name == model.signature().labels[static_cast<size_t>(best.label)]);
  CHECK(page.target == Target::logit(0).describe(model.signature()));
  datapoint.labels = {1, -1};
  CHECK(make_example(model, datapoint).truth ==
        std::vector<std::string>{model.signature().labels[1], "(not among the labels)"});
  CHECK_THROWS_AS(make_page(model, datapoint, Target::logit(99)), Error);
}
