#include "models/load.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "tests/models/tiles.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::Tiles;
using test::tiny_options;

TEST_CASE("a saved model loads by path and by name, and answers the same") {
  Scratch folder;
  CnnLstmSa model(tiny_options());
  auto path = folder / "tiny.safetensors";
  save_model(model, path);
  auto datapoint = Tiles(2).get(1);
  auto expected = model.forward(datapoint).logits;
  CHECK(load_model(path, "")->forward(datapoint).logits.equal(expected));
  CHECK(load_model("tiny", folder.folder().string())->forward(datapoint).logits.equal(expected));
  save_model(model, path, /*half=*/true);
  auto half = load_model(path, "")->forward(datapoint).logits;
  CHECK((half - expected).abs().max().item<double>() < 1e-2);
  CHECK(error_of([&] { load_model("tyni", folder.folder().string()); }) ==
        "there is no model 'tyni'; did you mean 'tiny'?");
  CHECK(error_of([&] { load_model(folder / "none.safetensors", ""); }) == has("there is no model file"));
}

TEST_CASE("weights of another architecture name the first tensor that does not fit") {
  Scratch folder;
  CnnLstmSa model(tiny_options());
  auto path = folder / "tiny.safetensors";
  save_model(model, path);

  auto wider = tiny_options();
  wider.keys = 10;
  CnnLstmSa other(wider);
  CHECK(error_of([&] { load_weights(other, path); }) ==
        has("the tensor 'image.projection.weight' is [8, 10], and this architecture needs [10, 10]"));

  auto longer = tiny_options();
  longer.hops = 3;
  CnnLstmSa hops(longer);
  CHECK(error_of([&] { load_weights(hops, path); }) == has("has no tensor 'fusion.hop3.modulation.weight'"));

  auto shorter = tiny_options();
  shorter.hops = 1;
  CnnLstmSa hop(shorter);
  CHECK(error_of([&] { load_weights(hop, path); }) ==
        has("has a tensor 'fusion.hop2.modulation.bias', which this architecture does not"));
}

TEST_CASE("files that are no model say so") {
  Scratch folder;
  auto path = folder / "other.safetensors";
  save_safetensors(path, {{"x", at::zeros({2})}});
  CHECK(error_of([&] { load_model(path, ""); }) == has("weights without the settings of their model"));
  save_safetensors(path, {{"x", at::zeros({2})}}, {{"config", R"({"architecture": "cnn_lstm_ss"})"}});
  CHECK(error_of([&] { load_model(path, ""); }) ==
        has("which this version does not know; did you mean 'cnn_lstm_sa'?"));
  save_safetensors(path, {{"x", at::zeros({2})}}, {{"config", "[1"}});
  CHECK_THROWS_AS(load_model(path, ""), Error);
  write_file(path, "not safetensors at all");
  CHECK_THROWS_AS(load_model(path, ""), Error);
}

}  // namespace
}  // namespace multiviz
