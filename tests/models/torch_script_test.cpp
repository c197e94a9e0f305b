#include "models/torch_script.h"

#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include "io/file.h"
#include "models/load.h"
#include "models/train.h"
#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;

// Archives and numbers are those of tests/fixtures/torch_script/make_torch_script.py.
const std::string root = "tests/fixtures/torch_script/";

nlohmann::json asker_settings() {
  return {{"modalities",
           {{{"name", "image"}, {"kind", "image"}},
            {{"name", "question"},
             {"kind", "text"},
             {"tokenizer", root},
             {"embedding", "text.embedding"},
             {"mask", true}}}},
          {"labels", {"no", "yes", "both"}},
          {"features", "head.fc2"}};
}

nlohmann::json monitor_settings() {
  return {{"modalities", {{{"name", "frames"}, {"kind", "time_series"}}, {{"name", "record"}, {"kind", "tabular"}}}},
          {"features", 4}};
}

std::vector<Leaf> asker_leaves(const Model& model, const std::map<std::string, at::Tensor>& checks) {
  at::Tensor table;
  for (const auto& [name, tensor] : model.parameters())
    if (name == "text.embedding.weight") table = tensor;
  REQUIRE(table.defined());
  auto rows = at::embedding(table, checks.at("input.1").to(at::kLong));
  return {{checks.at("input.0"), {}, {}, {}}, {rows, checks.at("input.2").to(at::kBool), {}, {}}};
}

TEST_CASE("a scripted module computes what it does in Python, with its features and first and second derivatives") {
  auto checks = load_safetensors(root + "asker.safetensors").tensors;
  auto model = load_model(root + "asker.pt", "", asker_settings());
  CHECK(model->signature().features == 5);
  auto leaves = asker_leaves(*model, checks);
  for (int i = 0; i < 3; ++i) {
    auto output = model->forward(leaves);
    CHECK(difference(output.logits, checks.at("logits")) < 1e-5);
    CHECK(difference(output.features, checks.at("features")) < 1e-5);
    CHECK_FALSE(output.logits.requires_grad());
    auto found = test::derivatives(*model, leaves, 1, {0}, 1, true);
    CHECK(difference(found.first.at(0), checks.at("gradient.pixels")) < 1e-4);
    CHECK(difference(found.first.at(1), checks.at("gradient.words")) < 1e-4);
    CHECK(difference(found.second.at(0), checks.at("second.pixels")) < 1e-4);
  }
  // One row alone, without the other's padding.
  Leaf image{leaves[0].tensor.slice(0, 1, 2), {}, {}, {}},
      text{leaves[1].tensor.slice(0, 1, 2).slice(1, 0, 3), {}, {}, {}};
  std::vector<Leaf> alone = {image, text};
  CHECK(difference(model->forward(alone).logits[0], checks.at("logits")[1]) < 1e-5);
}

TEST_CASE("a traced module that returns its features") {
  auto checks = load_safetensors(root + "monitor.safetensors").tensors;
  auto model = load_model(root + "monitor.pt", "", monitor_settings());
  CHECK(model->signature().task == Task::regression);
  std::vector<std::vector<Value>> values(2);
  for (int64_t b = 0; b < 2; ++b) {
    values[0].push_back(TimeSeries{checks.at("input.0")[b], {}, {}, {}});
    values[1].push_back(Table{checks.at("input.1")[b], {}});
  }
  auto output = model->forward(values);
  CHECK(difference(output.logits, checks.at("logits")) < 1e-5);
  CHECK(difference(output.features, checks.at("features")) < 1e-5);
  auto settings = monitor_settings();
  settings["features"] = "out";
  CHECK(difference(load_model(root + "monitor.pt", "", settings)->forward(values).features, checks.at("features")) <
        1e-5);
  settings["modalities"][0]["frames"] = 5;
  values[0][1] = TimeSeries{checks.at("input.0")[1].slice(0, 0, 3), {}, {}, {}};
  CHECK_NOTHROW(load_model(root + "monitor.pt", "", settings)->forward(values));
  CHECK(error_of([&] { model->forward(values); }) == has("differ in length, and monitor has no mask"));
}

TEST_CASE("an archive is saved as one, with the weights of now and the settings beside it") {
  Scratch scratch;
  auto model = load_model(root + "asker.pt", "", asker_settings());
  at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : model->parameters()) tensor.mul_(0.5);
  auto leaves = asker_leaves(*model, load_safetensors(root + "asker.safetensors").tensors);
  auto expected = model->forward(leaves).logits;
  save_model(*model, scratch / "folder");
  CHECK(load_model(scratch / "folder", "")->forward(leaves).logits.equal(expected));
  save_model(*model, scratch / "again.pt");
  CHECK(load_model(scratch / "again.pt", "", asker_settings())->forward(leaves).logits.equal(expected));
  CHECK(error_of([&] { save_model(*model, scratch / "half.pt", true); }) == has("save it without half"));
}

TEST_CASE("settings that do not fit an archive are named") {
  auto broken = [](const char* name, nlohmann::json settings, auto change) {
    change(settings);
    return error_of([&] { load_model(root + name, "", settings); });
  };
  auto asker = [&](auto change) { return broken("asker.pt", asker_settings(), change); };
  CHECK(asker([](auto& s) { s = nlohmann::json::object(); }) == has("give the options modalities"));
  CHECK(asker([](auto& s) { s["lables"] = 1; }) == has("no setting 'lables'; did you mean 'labels'?"));
  CHECK(asker([](auto& s) { s["features"] = "head.fc3"; }) == has("no layer 'head.fc3'; did you mean 'head.fc"));
  CHECK(asker([](auto& s) { s["features"] = "conv"; }) == has("'conv' is not linear"));
  CHECK(asker([](auto& s) { s["modalities"][1]["embedding"] = "word"; }) == has("'word' is not an embedding"));
  CHECK(asker([](auto& s) { s["modalities"][1]["mask"] = false; }) == has("forward takes 3 arguments"));
  CHECK(asker([](auto& s) { s["modalities"][0]["tokenizer"] = root; }) ==
        has("tokenizer is a setting of text modalities"));
  CHECK(asker([](auto& s) { s["task"] = "regression"; }) == has("takes no labels"));
  CHECK(broken("monitor.pt", monitor_settings(), [](auto& s) { s["labels"] = {"a", "b"}; }) == "");
  auto two = monitor_settings();
  two["labels"] = {"a", "b"};
  auto model = load_model(root + "monitor.pt", "", two);
  std::vector<Leaf> leaves = {{at::zeros({1, 2, 3}), {}, {}, {}}, {at::zeros({1, 2}), {}, {}, {}}};
  CHECK(error_of([&] { model->forward(leaves); }) == has("returns logits [1, 1] where [1, 2] was announced"));
  leaves[0].tensor = at::zeros({1, 2, 5});
  CHECK(error_of([&] { model->forward(leaves); }) == has("the TorchScript module failed: RuntimeError: "));
}

TEST_CASE("a damaged archive is an error") {
  const auto whole = read_file(root + "monitor.pt");
  Scratch scratch;
  const auto path = scratch / "damaged.pt";
  int refused = 0;
  for (size_t i = 0; i < 60; ++i) {
    auto bytes = whole;
    if (i % 3 == 0)
      bytes.resize(bytes.size() * i / 60);
    else
      for (size_t k = 0; k < 8; ++k) bytes[(i * 7919 + k * 104729) % bytes.size()] ^= static_cast<char>(1 + i);
    write_file(path, bytes);
    refused += !error_of([&] { load_model(path, "", monitor_settings()); }).empty();
  }
  CHECK(refused > 40);
}

TEST_CASE("a whole module says how to export it") {
  CHECK(error_of([] { load_model("tests/fixtures/io/torch_module.pt", ""); }) == has("torch.jit.save"));
}

}  // namespace
}  // namespace multiviz
