#include "data/gqa/gqa.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "io/file.h"
#include "tests/data/published_folder.h"

using namespace multiviz;
using nlohmann::json;

namespace {

struct Gqa : test::PublishedFolder<GqaOptions> {
  Gqa() : PublishedFolder("gqa", "train") {}
};

}  // namespace

TEST_CASE("GQA as published: questions by id, programs, scene graphs") {
  Gqa folder;
  const DatasetPtr data = open_gqa(folder.options());
  REQUIRE(data->size() == 9);
  CHECK(data->labels() == std::vector<std::string>{"blue", "green", "no", "red", "yes"});
  const Datapoint color = data->get(0), cat = data->get(5);
  CHECK(color.id == "train/02930152");
  CHECK(std::get<Text>(color.values[1]).string == "What color is the door?");
  CHECK(color.labels == std::vector<int64_t>{3});
  REQUIRE(color.regions.size() == 2);
  CHECK(color.regions[0].name == "red wooden door");
  CHECK(color.regions[0].box.x0 == 4);
  CHECK(color.regions[0].box.y1 == 20);
  CHECK(color.regions[0].referred);
  CHECK(!color.regions[1].referred);
  CHECK(color.annotations["semantic"][0]["operation"] == "select");
  CHECK(color.annotations["fullAnswer"] == "It is red.");
  CHECK(cat.labels == std::vector<int64_t>{2});
  CHECK(!cat.regions[0].referred);
  CHECK(open_gqa(folder.options("testdev"))->get(0).regions.empty());
}

TEST_CASE("all questions of GQA come in parts; answers may be a list") {
  Gqa folder;
  GqaOptions options = folder.options();
  options.balanced = false;
  options.answers = folder / "answers.json";
  write_file(options.answers, R"(["yes", "no", "red"])");
  const DatasetPtr data = open_gqa(options), balanced = open_gqa(folder.options());
  REQUIRE(data->size() == 9);
  CHECK(data->get(3).id == balanced->get(3).id);
  CHECK(data->get(4).id == balanced->get(4).id);
  CHECK(data->labels().size() == 3);
  CHECK(data->get(3).labels.empty());  // "green"
}

TEST_CASE("what is missing or damaged in GQA is told, or left out") {
  Gqa folder;
  const std::string path = folder.path("questions1.2/train_balanced_questions.json");
  std::string text = read_file(path);
  text.replace(text.find("\"02930153\""), 12, "\"02930153\" ,");
  write_file(path, text);
  CHECK(error_of([&] { open_gqa(folder.options()); }) == has("record 2 at byte"));
  GqaOptions options = folder.options();
  options.on_error = OnError::skip;
  const DatasetPtr data = open_gqa(options);
  CHECK(data->size() == 8);
  CHECK(data->skipped().count == 1);
  CHECK(data->get(1).id == "train/02930154");
  std::filesystem::remove(folder.path("sceneGraphs/val_sceneGraphs.json"));
  CHECK(error_of([&] { open_gqa(folder.options("val")); }) == has("there is no 'sceneGraphs/val_sceneGraphs.json' in"));
  std::filesystem::remove(folder.path("images/n161313.jpg"));
  CHECK(error_of([&] { open_gqa(folder.options("testdev"))->get(0); }) == has("n161313.jpg': GQA is expected as"));
  CHECK(error_of([&] { open_gqa(folder.options("valid")); }) == has("GQA has no split 'valid'"));
}
