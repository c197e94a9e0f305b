#include "present/reproduce.h"

#include <doctest/doctest.h>

using namespace multiviz;
using nlohmann::json;

TEST_CASE("JSON as Lua") {
  CHECK(lua_literal(nullptr) == "nil");
  CHECK(lua_literal(0.25) == "0.25");
  CHECK(lua_literal(true) == "true");
  CHECK(lua_literal("say \"hi\"\\\n") == R"("say \"hi\"\\\010")");
  CHECK(lua_literal(json::array()) == "{}");
  CHECK(lua_literal({1, "a"}) == R"({ 1, "a" })");
  CHECK(lua_literal({{"steps", 8}, {"end", 1}, {"a b", false}}) == R"({ ["a b"] = false, ["end"] = 1, steps = 8 })");
}

TEST_CASE("the call that gives an explanation again") {
  Explanation made;
  made.method = "lime";
  made.targets = {"logit of red"};
  made.options = {{"samples", 500}, {"context", nullptr}};
  made.seed = 7;
  CHECK(lua_call(made) == R"(mv.lime(model, x, { target = "red", samples = 500, seed = 7 }))");
  made.targets = {"feature 17"};
  CHECK(lua_call(made) == "mv.lime(model, x, { target = mv.target.feature(17), samples = 500, seed = 7 })");
  made.targets = {"unit image.conv4[3, 5, 5]"};
  CHECK(lua_call(made).find(R"(mv.target.unit("image.conv4", { 3, 5, 5 }))") != std::string::npos);
  made.targets = {"prediction"};
  CHECK(lua_call(made).find("target = mv.target.regression()") != std::string::npos);
  made.targets = {"logit of red", "probability of \"blue\""};
  CHECK(lua_call(made).find(R"(target = { "red", mv.target.probability("\"blue\"") })") != std::string::npos);
  made.options = {{"target", "red"}, {"seed", 3}};
  CHECK(lua_call(made) == R"(mv.lime(model, x, { seed = 3, target = "red" }))");
}

TEST_CASE("options are written as calls take them") {
  Explanation made;
  made.method = "lime";
  made.stage = "U";
  made.targets = {"logit of red"};
  Attribution image, question;
  image.players.modality = "image";
  question.players.modality = "question";
  made.attributions = {image, question};
  made.options = {{"image", {{"kernel_width", 0.25}, {"segmentation", "slic"}}},
                  {"question", {{"kernel_width", 25}}},
                  {"modalities", {"image", "question"}},
                  {"reduction", "default"}};
  CHECK(lua_call(made) ==
        R"(mv.lime(model, x, { target = "red", modality = { "image", "question" }, segmentation = "slic" }))");
  made.options = {{"image", {{"kernel_width", 0.25}, {"fill", "mean"}}}, {"question", {{"kernel_width", 25}, {"fill", "zero"}}}};
  CHECK(lua_call(made) ==
        R"(mv.lime(model, x, { target = "red", image = { fill = "mean" }, question = { fill = "zero" } }))");
  made.method = "dime";
  made.stage = "C";
  made.options = {{"context", 64}, {"samples", 100}};
  CHECK(lua_call(made) ==
        R"(mv.dime(model, x, { target = "red", context = data:sample(64), samples = 100, seed = 0 }))");
}

TEST_CASE("a long call is wrapped") {
  Explanation made;
  made.method = "kernel_shap";
  made.targets = {"logit of red"};
  for (int i = 0; i < 12; ++i) made.options["an_option_" + std::to_string(i)] = i;
  auto call = lua_call(made);
  for (size_t begin = 0; begin < call.size();) {
    auto end = std::min(call.find('\n', begin), call.size());
    CHECK(end - begin <= 100);
    begin = end + 1;
  }
  CHECK(call.find('\n') != std::string::npos);
}
