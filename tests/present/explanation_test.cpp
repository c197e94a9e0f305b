#include "present/explanation.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <filesystem>

#include "core/error.h"
#include "io/safetensors.h"

using namespace multiviz;

namespace {

Players quarters() {
  Players players;
  players.modality = "image";
  players.names = {"segment 1", "segment 2", "segment 3"};
  players.segments = at::tensor({0, 1, 2, -1}, at::kLong).reshape({2, 2});
  return players;
}

Players question() {
  Players players;
  players.modality = "question";
  players.kind = ModalityKind::text;
  players.names = {"red", "cube"};
  players.spans = {{0, 3}, {4, 8}};
  return players;
}

Explanation example() {
  Explanation e;
  e.method = "lime";
  e.stage = "U";
  e.model = "toy";
  e.datapoint = "toy-1";
  e.targets = {"logit of red", "logit of blue"};
  e.attributions.resize(3);
  e.attributions[0].players = quarters();
  e.attributions[0].weights = at::tensor({0.5, -2.0, 1.0}, at::kDouble);
  e.attributions[1].players = question();
  e.attributions[1].weights = at::tensor({0.25, 0.75}, at::kDouble);
  e.attributions[1].component = "unimodal";
  e.attributions[2].players = e.attributions[0].players;
  e.attributions[2].weights = at::tensor({0.0, 0.0, 1.0}, at::kDouble);
  e.attributions[2].heatmap = at::arange(4, at::kFloat).reshape({2, 2});
  e.attributions[2].target = 1;
  e.attributions[2].given = "red, cube";
  e.interactions.push_back({question(), quarters(), at::arange(6, at::kDouble).reshape({2, 3})});
  e.options = {{"samples", 1000}};
  e.fit = {{"r2", 0.875}};
  e.seed = 0xffffffffffffffffULL;
  e.cost = {1001, 1002, 1.5};
  return e;
}

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "multiviz-explanation-test";
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

}  // namespace

TEST_CASE("the strongest players come first, whatever their sign") {
  auto e = example();
  auto strongest = top(e.attributions[0], 2);
  REQUIRE(strongest.size() == 2);
  CHECK(strongest[0] == std::pair<int64_t, double>(1, -2.0));
  CHECK(strongest[1] == std::pair<int64_t, double>(2, 1.0));
  CHECK(top(e.attributions[0], 10).size() == 3);
  CHECK(top(e.attributions[0], 0).empty());
}

TEST_CASE("pixels carry their segment's weight, and zero where there is none") {
  auto e = example();
  CHECK(at::equal(e.attributions[0].pixels(), at::tensor({0.5f, -2.0f, 1.0f, 0.0f}).reshape({2, 2})));
  CHECK(at::equal(e.attributions[2].pixels(), e.attributions[2].heatmap));
  CHECK_THROWS_WITH_AS(e.attributions[1].pixels(), doctest::Contains("is not an image"), Error);
}

TEST_CASE("a summary names the method, targets, strongest players, fit and cost") {
  auto text = summary(example(), 2);
  CHECK(text ==
        "lime of toy on 'toy-1'\n"
        "logit of red\n"
        "  image: segment 2 -2, segment 3 +1\n"
        "  question (unimodal): cube +0.75, red +0.25\n"
        "logit of blue\n"
        "  image given red, cube: segment 3 +1, segment 1 +0\n"
        "  question x image: cube x segment 3 +5, cube x segment 2 +4\n"
        "fit: R² 0.875\n"
        "cost: 1001 encodes, 1002 fuses, 1.50 s; seed 18446744073709551615");
}

TEST_CASE("an explanation comes back from its file as it was") {
  Folder folder;
  auto before = example();
  save(before, folder.file("lime.safetensors"));
  auto after = load_explanation(folder.file("lime.safetensors"));
  CHECK(summary(after, 10) == summary(before, 10));
  CHECK(after.stage == "U");
  CHECK(after.options == before.options);
  REQUIRE(after.attributions.size() == 3);
  CHECK(at::equal(after.attributions[0].weights, before.attributions[0].weights));
  CHECK(at::equal(after.attributions[0].players.segments, before.attributions[0].players.segments));
  CHECK(after.attributions[1].players.spans == before.attributions[1].players.spans);
  CHECK((after.attributions[1].players.kind == ModalityKind::text));
  CHECK(at::equal(after.attributions[2].heatmap, before.attributions[2].heatmap));
  CHECK(!after.attributions[0].heatmap.defined());
  CHECK(at::equal(after.interactions[0].values, before.interactions[0].values));
}

TEST_CASE("files that are not explanations are refused") {
  Folder folder;
  auto path = folder.file("bad.safetensors");
  auto weights = at::zeros({3}, at::kDouble);
  save_safetensors(path, {{"weights", weights}});
  CHECK_THROWS_WITH_AS(load_explanation(path), doctest::Contains("holds no explanation"), Error);
  save_safetensors(path, {{"weights", weights}}, {{"multiviz.explanation", "{}"}});
  CHECK_THROWS_WITH_AS(load_explanation(path), doctest::Contains("'version' is missing"), Error);
  save_safetensors(path, {{"weights", weights}}, {{"multiviz.explanation", "{"}});
  CHECK_THROWS_WITH_AS(load_explanation(path), doctest::Contains("bad.safetensors"), Error);

  save(example(), path);
  auto file = load_safetensors(path);
  for (auto& [name, tensor] : file.tensors) tensor = at::zeros({7}, tensor.options());
  save_safetensors(folder.file("damaged.safetensors"), file.tensors, file.metadata);
  CHECK_THROWS_AS(load_explanation(folder.file("damaged.safetensors")), Error);
}
