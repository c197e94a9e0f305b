#include "models/weight_files.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <filesystem>

#include "io/file.h"
#include "io/safetensors.h"
#include "io/torch_file.h"
#include "models/load.h"
#include "tests/models/tiles.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::Tiles;
using test::tiny_options;

std::string write_index(Scratch& scratch, const std::string& map) {
  write_file(scratch / "model.safetensors.index.json", R"({"weight_map": )" + map + "}");
  return scratch.folder().string();
}

std::string refusal(const std::string& path) {
  return error_of([&] { load_weight_files(path); });
}

}  // namespace

TEST_CASE("weights in parts are put together, and what is wrong with them is named") {
  auto parts = load_weight_files("tests/fixtures/io/torch_parts");
  CHECK((parts.format == WeightFormat::state_dict));
  CHECK(parts.tensors.at("a").equal(at::ones({2})));
  CHECK(parts.tensors.at("b").equal(at::zeros({3})));

  Scratch scratch;
  save_safetensors(scratch / "one.safetensors", {{"a", at::ones({2})}});
  CHECK(load_weight_files(write_index(scratch, R"({"a": "one.safetensors"})")).tensors.size() == 1);
  CHECK(refusal(write_index(scratch, R"({"b": "one.safetensors"})")) == has("'one.safetensors' has no tensor 'b'"));
  CHECK(refusal(write_index(scratch, R"({"a": "two.safetensors"})")) == has("part 'two.safetensors' is missing"));
  CHECK(refusal(write_index(scratch, R"({"a": "../one.safetensors"})")) == has("not the name of a file beside it"));
  CHECK(refusal(write_index(scratch, R"({"a": 3})")) == has("must be a string"));
  CHECK(refusal(write_index(scratch, "[]")) == has("not a table of files"));
}

TEST_CASE("what wrappers put in front of every name is dropped") {
  Scratch scratch;
  auto names = [](const std::string& path) {
    std::vector<std::string> out;
    for (const auto& [name, _] : load_weight_files(path).tensors) out.push_back(name);
    return out;
  };
  auto tensor = at::ones({2});
  save_safetensors(scratch / "a.safetensors", {{"module._orig_mod.a", tensor}, {"module._orig_mod.b.c", tensor}});
  CHECK(names(scratch / "a.safetensors") == std::vector<std::string>{"a", "b.c"});
  save_state_dict(scratch / "b.ckpt", {{"model.a", tensor}, {"model.b", tensor}});
  CHECK(names(scratch / "b.ckpt") == std::vector<std::string>{"a", "b"});
  save_state_dict(scratch / "c.ckpt", {{"model.a", tensor}, {"loss.b", tensor}});
  CHECK(names(scratch / "c.ckpt") == std::vector<std::string>{"loss.b", "model.a"});
}

TEST_CASE("a folder without weights, or with several, says so") {
  Scratch scratch;
  CHECK(refusal(scratch.folder().string()) == has("has no weights"));
  save_safetensors(scratch / "one.safetensors", {{"a", at::ones({2})}});
  CHECK(load_weight_files(scratch.folder().string()).tensors.size() == 1);
  save_state_dict(scratch / "two.pt", {{"a", at::ones({2})}});
  CHECK(refusal(scratch.folder().string()) == has("several files of weights (one.safetensors, two.pt)"));
  CHECK(refusal(scratch / "none.pt") == has("there is no file of weights"));
}

TEST_CASE("a model saved in any container loads and answers the same") {
  Scratch scratch;
  CnnLstmSa model(tiny_options());
  auto datapoint = Tiles(2).get(1);
  auto expected = model.forward(datapoint).logits;
  auto answers = [&](const std::string& path, const nlohmann::json& options = nlohmann::json::object()) {
    return load_model(path, "", options)->forward(datapoint).logits.equal(expected);
  };
  save_model(model, scratch / "folder");
  CHECK(answers(scratch / "folder"));
  save_model(model, scratch / "x.pt");
  CHECK(answers(scratch / "x.pt", {{"config", model.config()}}));
  CHECK(error_of([&] { load_model(scratch / "x.pt", ""); }) == has("put it in a folder with its config.json"));
  CHECK(error_of([&] {
          load_model(scratch / "x.pt", "", {{"config", model.config()}, {"confg", 1}});
        }) == has("the option 'confg' is not known"));

  // Weights of PyTorch go back where they came from, and the tokenizer's files with them.
  std::filesystem::remove(scratch / "folder/model.safetensors");
  save_model(model, scratch / "folder/pytorch_model.bin");
  write_file(scratch / "folder/vocab.txt", "a\nb\n");
  auto loaded = load_model(scratch / "folder", "");
  save_model(*loaded, scratch / "again");
  CHECK(read_file(scratch / "again/pytorch_model.bin") == read_file(scratch / "folder/pytorch_model.bin"));
  CHECK(read_file(scratch / "again/vocab.txt") == "a\nb\n");
  CHECK(answers(scratch / "again"));

  std::filesystem::remove(scratch / "folder/config.json");
  CHECK(error_of([&] { load_model(scratch / "folder", ""); }) == has("has no config.json"));
}

}  // namespace multiviz
