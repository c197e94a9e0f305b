#include <doctest/doctest.h>

#include "core/error.h"
#include "data/blocks/program.h"

using namespace multiviz;
using namespace multiviz::blockworld;

namespace {

Object object(int size_value, int color_value, int material_value, int shape_value, double x, double y) {
  Object object{};
  object.values = {size_value, color_value, material_value, shape_value};
  object.center = {x, y, 0.5};
  return object;
}

constexpr int gray = 0, red = 1, blue = 2;

// From left to right, the second one farthest away:
//   0 large red metal cube, 1 small red rubber sphere, 2 small blue rubber cube, 3 large gray metal cylinder
World hand_made() {
  return World({object(large, red, metal, cube, -2, 0), object(small, red, rubber, sphere, -1, 2),
                object(small, blue, rubber, cube, 1, -2), object(large, gray, metal, cylinder, 2, 1)});
}

std::string answer(const char* program) {
  std::optional<Outcome> outcome = execute(program_from_json(nlohmann::json::parse(program)), hand_made());
  return outcome ? answers()[static_cast<size_t>(outcome->answer)] : "ill-posed";
}

}  // namespace

TEST_CASE("the 28 answers are CLEVR's") {
  REQUIRE(answers().size() == 28);
  CHECK(answers()[kYes] == "yes");
  CHECK(answers()[kNo] == "no");
  for (int i = 0; i <= 10; ++i) CHECK(answers()[number_answer(i)] == std::to_string(i));
  for (int attribute = 0; attribute < kAttributes; ++attribute)
    for (size_t value = 0; value < value_names(attribute).size(); ++value)
      CHECK(answers()[value_answer(attribute, static_cast<int>(value))] == value_names(attribute)[value]);
}

TEST_CASE("programs give the answers that the hand-made scene has") {
  // How many red things are there?
  CHECK(answer(R"([{"function":"scene","inputs":[],"value_inputs":[]},
      {"function":"filter_color","inputs":[0],"value_inputs":["red"]},
      {"function":"count","inputs":[1],"value_inputs":[]}])") == "2");
  // Is there a cyan thing?
  CHECK(answer(R"([{"function":"scene","inputs":[]},{"function":"filter_color","inputs":[0],"value_inputs":["cyan"]},
      {"function":"exist","inputs":[1]}])") == "no");
  // What material is the sphere?
  CHECK(answer(R"([{"function":"scene","inputs":[]},{"function":"filter_shape","inputs":[0],"value_inputs":["sphere"]},
      {"function":"unique","inputs":[1]},{"function":"query_material","inputs":[2]}])") == "rubber");
  // What color is the cube? There are two.
  CHECK(answer(R"([{"function":"scene","inputs":[]},{"function":"filter_shape","inputs":[0],"value_inputs":["cube"]},
      {"function":"unique","inputs":[1]},{"function":"query_color","inputs":[2]}])") == "ill-posed");
}

TEST_CASE("relations follow the ground: left and right along x, behind away from the camera") {
  auto count = [](const char* direction) {
    nlohmann::json program = nlohmann::json::parse(R"([{"function":"scene","inputs":[]},
        {"function":"filter_shape","inputs":[0],"value_inputs":["sphere"]},{"function":"unique","inputs":[1]},
        {"function":"relate","inputs":[2],"value_inputs":["left"]},{"function":"count","inputs":[3]}])");
    program[3]["value_inputs"][0] = direction;
    return answer(program.dump().c_str());
  };
  CHECK(count("left") == "1");
  CHECK(count("right") == "2");
  CHECK(count("front") == "3");
  CHECK(count("behind") == "0");
}

TEST_CASE("what a program refers to are its unique objects and those it counts") {
  Program program = {{Function::scene, {}},
                     {Function::filter, {0}, shape, sphere},
                     {Function::unique, {1}},
                     {Function::same, {2}, size},
                     {Function::count, {3}}};
  std::optional<Outcome> outcome = execute(program, hand_made());
  REQUIRE(outcome);
  CHECK(outcome->answer == number_answer(1));
  CHECK(outcome->referred == 0b0110);
}

TEST_CASE("attributes and counts compare") {
  Program pair = {{Function::scene, {}},
                  {Function::filter, {0}, color, blue},
                  {Function::unique, {1}},
                  {Function::query, {2}, shape},
                  {Function::scene, {}},
                  {Function::filter, {4}, size, large},
                  {Function::filter, {5}, color, red},
                  {Function::unique, {6}},
                  {Function::query, {7}, shape},
                  {Function::equal, {3, 8}, shape}};
  CHECK(execute(pair, hand_made())->answer == kYes);
  auto compare = [](Function function) {
    Program counts = {{Function::scene, {}},  {Function::filter, {0}, color, red},
                      {Function::count, {1}}, {Function::filter, {0}, color, gray},
                      {Function::count, {3}}, {function, {2, 4}}};
    return execute(counts, hand_made())->answer;
  };
  CHECK(compare(Function::greater_than) == kYes);
  CHECK(compare(Function::less_than) == kNo);
  CHECK(compare(Function::equal_integer) == kNo);
}

TEST_CASE("a program survives the way through json") {
  Program program = {
      {Function::scene, {}},   {Function::filter, {0}, material, rubber}, {Function::filter, {1}, shape, cube},
      {Function::unique, {2}}, {Function::relate, {3}, -1, behind},       {Function::exist, {4}}};
  nlohmann::json json = to_json(program);
  CHECK(json[1]["function"] == "filter_material");
  CHECK(json[4]["value_inputs"][0] == "behind");
  CHECK(to_json(program_from_json(json)) == json);
}

TEST_CASE("a program that makes no sense is an error") {
  auto parse = [](const char* text) { return program_from_json(nlohmann::json::parse(text)); };
  CHECK_THROWS_AS(parse("[]"), Error);
  CHECK_THROWS_AS(parse("7"), Error);
  CHECK_THROWS_AS(parse(R"([{"function":"scene","inputs":[]}])"), Error);
  CHECK_THROWS_AS(parse(R"([{"function":"scnee","inputs":[]},{"function":"count","inputs":[0]}])"), Error);
  CHECK_THROWS_AS(parse(R"([{"function":"scene","inputs":[]},{"function":"count","inputs":[1]}])"), Error);
  CHECK_THROWS_AS(parse(R"([{"function":"scene","inputs":[]},{"function":"count","inputs":[0,0]}])"), Error);
  CHECK_THROWS_AS(parse(R"([{"function":"scene","inputs":[]},{"function":"query_color","inputs":[0]}])"), Error);
  CHECK_THROWS_AS(parse(R"([{"function":"scene","inputs":[]},
      {"function":"filter_color","inputs":[0],"value_inputs":["mauve"]},{"function":"count","inputs":[1]}])"),
                  Error);
  CHECK_THROWS_AS(parse(R"([{"function":"scene","inputs":[]},{"function":"filter_color","inputs":[0]},
      {"function":"count","inputs":[1]}])"),
                  Error);
}
