#include "data/clevr/clevr.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "data/clevr/program.h"
#include "io/file.h"
#include "io/json.h"
#include "tests/data/published_folder.h"

using namespace multiviz;
using nlohmann::json;

namespace {

struct Clevr : test::PublishedFolder<ClevrOptions> {
  Clevr() : PublishedFolder("clevr", "val") {}
};

}  // namespace

TEST_CASE("CLEVR as published: picture, question, answer, program, objects and their boxes") {
  Clevr folder;
  const DatasetPtr data = open_clevr(folder.options());
  REQUIRE(data->size() == 6);
  CHECK(data->name() == "clevr/val");
  CHECK(data->labels().size() == 28);
  CHECK(data->modalities()[0].name == "image");
  const json scene = load_json(folder.path("scenes/CLEVR_val_scenes.json"))["scenes"][1];
  const json questions = load_json(folder.path("questions/CLEVR_val_questions.json"))["questions"];
  for (int64_t i = 0; i < 6; ++i) {
    const Datapoint x = data->get(i);
    const json& question = questions[static_cast<size_t>(i)];
    CHECK(x.id == fmt::format("val/{}", i));
    CHECK(std::get<Text>(x.values[1]).string == question["question"]);
    CHECK(data->labels()[static_cast<size_t>(x.labels.at(0))] == question["answer"]);
    CHECK(x.annotations["program"] == question["program"]);
    CHECK(x.annotations["question_family_index"] == question["question_family_index"]);
  }
  const Datapoint x = data->get(3);
  CHECK(std::get<Image>(x.values[0]).pixels.size(1) == 48);
  REQUIRE(x.regions.size() == scene["objects"].size());
  CHECK(x.annotations["objects"] == scene["objects"]);
  size_t referred = 0;
  for (size_t i = 0; i < x.regions.size(); ++i) {
    const json& object = scene["objects"][i];
    const Region& region = x.regions[i];
    CHECK(region.name == fmt::format("{} {} {} {}", object["size"].get<std::string>(),
                                     object["color"].get<std::string>(), object["material"].get<std::string>(),
                                     object["shape"].get<std::string>()));
    // The published pixel is the middle of the object, rounded.
    CHECK(region.box.x0 < object["pixel_coords"][0]);
    CHECK(region.box.x1 > object["pixel_coords"][0]);
    CHECK(region.box.y0 < object["pixel_coords"][1]);
    CHECK(region.box.y1 > object["pixel_coords"][1]);
    referred += region.referred;
    CHECK(region.referred == (object["color"] == x.annotations["program"][1]["value_inputs"][0]));
  }
  CHECK(std::to_string(referred) == data->labels()[static_cast<size_t>(x.labels[0])]);
}

TEST_CASE("CLEVR's programs give their answers") {
  const json scenes = load_json("tests/fixtures/clevr/scenes/CLEVR_train_scenes.json")["scenes"];
  const json file = load_json("tests/fixtures/clevr/questions/CLEVR_train_questions.json");
  for (const json& question : file["questions"])
    CHECK(clevr::execute(question["program"], scenes[question["image_index"].get<size_t>()], "q").answer ==
          question["answer"]);
}

TEST_CASE("every function of CLEVR's programs") {
  // A red cube, a red sphere to its right, a blue sphere.
  const json scene = json::parse(R"({"objects": [
    {"color": "red", "shape": "cube", "size": "large", "material": "metal"},
    {"color": "red", "shape": "sphere", "size": "small", "material": "metal"},
    {"color": "blue", "shape": "sphere", "size": "large", "material": "rubber"}],
    "relationships": {"right": [[1], [], [1]]}})");
  const auto run = [&](const std::string& program) { return clevr::execute(json::parse(program), scene, "q"); };
  const std::string cube = R"([{"function": "scene", "inputs": []},
    {"function": "filter_shape", "inputs": [0], "value_inputs": ["cube"]}, {"function": "unique", "inputs": [1]},)";
  const clevr::Outcome outcome = run(cube + R"({"function": "relate", "inputs": [2], "value_inputs": ["right"]},
    {"function": "unique", "inputs": [3]}, {"function": "query_shape", "inputs": [4]}])");
  CHECK(outcome.answer == "sphere");
  CHECK(outcome.referred == std::vector<bool>{true, true, false});
  CHECK(run(cube + R"({"function": "same_color", "inputs": [2]}, {"function": "exist", "inputs": [3]}])").answer ==
        "yes");
  CHECK(run(cube + R"({"function": "same_shape", "inputs": [2]}, {"function": "count", "inputs": [3]}])").answer ==
        "0");
  CHECK(run(cube + R"({"function": "same_size", "inputs": [2]}, {"function": "unique", "inputs": [3]},
    {"function": "query_color", "inputs": [4]}, {"function": "query_color", "inputs": [2]},
    {"function": "equal_color", "inputs": [5, 6]}])")
            .answer == "no");
  CHECK(run(cube + R"({"function": "same_material", "inputs": [2]}, {"function": "intersect", "inputs": [0, 3]},
    {"function": "count", "inputs": [4]}, {"function": "count", "inputs": [0]},
    {"function": "less_than", "inputs": [5, 6]}])")
            .answer == "yes");
  const auto refusal = [&](const std::string& program) { return error_of([&] { run(program); }); };
  CHECK(refusal(R"([{"function": "scene", "inputs": []}, {"function": "unique", "inputs": [0]}])") ==
        has("q: step 2 of the program: 'unique' finds 3 objects"));
  CHECK(refusal(R"([{"function": "count", "inputs": [0]}])") == has("it reads step 1: only earlier ones exist"));
  CHECK(refusal(R"([{"function": "scene", "inputs": []}, {"function": "query_size", "inputs": [0]}])") ==
        has("needs an object, and step 1 gives objects"));
  CHECK(refusal(R"([{"function": "scene", "inputs": []}])") == has("a program must end in an answer"));
  CHECK(refusal(R"([{"function": "paint_size", "inputs": []}])") == has("there is no function 'paint_size'"));
  CHECK(refusal("[]") == has("must be a list of 1 to 1,000 steps"));
}

TEST_CASE("CLEVR's test split has neither answers nor scenes; human questions have no programs") {
  Clevr folder;
  const Datapoint blind = open_clevr(folder.options("test"))->get(0);
  CHECK(blind.labels.empty());
  CHECK(blind.regions.empty());
  ClevrOptions options = folder.options();
  options.humans = true;
  const DatasetPtr data = open_clevr(options);
  CHECK(data->name() == "clevr-humans/val");
  const Datapoint human = data->get(0);
  CHECK(std::get<Text>(human.values[1]).string == "Is anything hiding?");
  CHECK(human.labels == std::vector<int64_t>{1});
  CHECK(human.regions.size() == 3);
  CHECK(!human.regions[0].referred);
}

TEST_CASE("what is missing or damaged in CLEVR is told") {
  Clevr folder;
  const auto refusal = [&](const ClevrOptions& options, int64_t index = 0) {
    return error_of([&] { open_clevr(options)->get(index); });
  };
  CHECK(refusal(folder.options("vla")) == has("CLEVR v1.0 has no split 'vla'; did you mean 'val'?"));
  ClevrOptions elsewhere = folder.options();
  elsewhere.root = folder / "none";
  CHECK(refusal(elsewhere) == has("there is no folder"));
  std::filesystem::remove(folder.path("images/val/CLEVR_val_000000.png"));
  CHECK(refusal(folder.options()) == has("record 1 at byte"));
  CHECK(refusal(folder.options()) == has("CLEVR_val_000000.png': CLEVR v1.0 is expected as images/"));
  CHECK(refusal(folder.options(), 3).empty());
  std::filesystem::remove(folder.path("scenes/CLEVR_val_scenes.json"));
  CHECK(refusal(folder.options()) == has("there is no 'scenes/CLEVR_val_scenes.json' in"));
  CHECK(refusal(folder.options()) == has("see https://cs.stanford.edu/people/jcjohns/clevr/"));
  ClevrOptions without = folder.options();
  without.scenes = false;
  CHECK(open_clevr(without)->get(3).regions.empty());
}

TEST_CASE("damaged questions of CLEVR are errors, or left out") {
  Clevr folder;
  const std::string path = folder.path("questions/CLEVR_val_questions.json");
  std::string text = read_file(path);
  const DatasetPtr whole = open_clevr(folder.options());
  text.replace(text.find("\"answer\": \"") + 11, 1, "x");  // no such answer
  const size_t second = text.find("\"image_index\"", text.find("\"image_index\"") + 1);
  text[second + 13] = '}';
  write_file(path, text);
  CHECK(error_of([&] { open_clevr(folder.options()); }) == has("CLEVR_val_questions.json', record 2 at byte"));
  ClevrOptions options = folder.options();
  options.on_error = OnError::skip;
  const DatasetPtr data = open_clevr(options);
  REQUIRE(data->size() == 4);
  CHECK(data->skipped().count == 2);
  CHECK(data->skipped().messages[0] == has("none of CLEVR's 28 answers"));
  CHECK(data->get(0).id == "val/2");
  CHECK(data->fingerprint() != whole->fingerprint());
  CHECK(subset(data, {1, 0})->skipped().count == 2);
  options.split = "train";
  CHECK(open_clevr(options)->skipped().count == 0);
}
