#include "models/cnn_lstm_sa.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"
#include "io/safetensors.h"
#include "tests/models/tiles.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::Tiles;
using test::tiny_options;

std::vector<std::vector<Value>> values_of(const Dataset& data, std::vector<int64_t> indices) {
  std::vector<std::vector<Value>> out(2);
  for (auto index : indices) {
    auto datapoint = data.get(index);
    for (size_t m = 0; m < 2; ++m) out[m].push_back(datapoint.values[m]);
  }
  return out;
}

double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

// The expected tensors are those of tests/fixtures/models/make_cnn_lstm_sa.py.
TEST_CASE("a CnnLstmSa computes what an independent PyTorch version does") {
  auto file = load_safetensors("tests/fixtures/models/cnn_lstm_sa.safetensors");
  CnnLstmSa model(cnn_lstm_sa_options(nlohmann::json::parse(file.metadata.at("config"))));
  std::map<std::string, at::Tensor> weights, expected;
  for (const auto& [name, tensor] : file.tensors)
    name.starts_with("check.") ? expected[name.substr(6)] = tensor : weights[name] = tensor;
  auto all = model.parameters();
  for (auto& buffer : model.buffers()) all.push_back(buffer);
  copy_weights(all, weights, "the fixture");

  Trace trace;
  trace.record("*");
  std::vector<std::vector<Value>> values = {{Image{expected["pixels"][0]}, Image{expected["pixels"][1]}},
                                            {Text{"What color is the SQUARE?"}, Text{"where is it"}}};
  auto output = model.forward(values, &trace);
  expected.erase("pixels");
  for (const auto& [name, tensor] : expected) {
    INFO(name);
    CHECK(difference(trace.at(name), tensor) < 1e-5);
  }
  CHECK(difference(output.logits, expected["logits"]) < 1e-5);
  for (const auto& tap : model.signature().taps) CHECK(trace.activations().contains(tap));
}

TEST_CASE("forward is fuse of encode of prepare, and rows do not depend on batch or padding") {
  CnnLstmSa model(tiny_options());
  Tiles data(8);
  auto values = values_of(data, {0, 1, 2, 3, 5});
  auto whole = model.forward(values);
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < 2; ++m) encodings.push_back(model.encode(m, model.prepare(m, values[m]), nullptr));
  CHECK(difference(model.fuse(encodings, nullptr).logits, whole.logits) == 0);
  for (int64_t i = 0; i < 5; ++i) {
    auto alone = model.forward(std::vector<std::vector<Value>>{{values[0][i]}, {values[1][i]}});
    CHECK(difference(alone.logits[0], whole.logits[i]) < 1e-5);
    CHECK(difference(alone.features[0], whole.features[i]) < 1e-5);
  }
}

TEST_CASE("one image broadcasts over questions, and a grid gives what plain forwards give") {
  CnnLstmSa model(tiny_options());
  Tiles data(12);
  auto values = values_of(data, {0, 3, 4, 7, 9});
  std::vector<Encoding> encodings;
  for (size_t m = 0; m < 2; ++m) encodings.push_back(model.encode(m, model.prepare(m, values[m]), nullptr));
  auto expected = at::empty({5, 5, 5}), grid = at::full({5, 5, 5}, -1.0);
  for (int64_t i = 0; i < 5; ++i) {
    std::vector<Encoding> row = {encodings[0].slice(i, i + 1), encodings[1]};
    expected[i] = model.fuse(row, nullptr).logits;
    for (int64_t j = 0; j < 5; ++j) {
      auto pair = model.forward(std::vector<std::vector<Value>>{{values[0][i]}, {values[1][j]}});
      CHECK(difference(pair.logits[0], expected[i][j]) < 1e-5);
    }
  }
  auto fill = [&](const GridBlock& block) {
    grid.slice(0, block.i0, block.i1).slice(1, block.j0, block.j1) =
        block.output.logits.view({block.i1 - block.i0, block.j1 - block.j0, 5});
  };
  model.fuse_grid(encodings, 0, 1, fill, 4);
  CHECK(difference(grid, expected) < 1e-5);
  model.fuse_grid(encodings, 1, 0, fill);
  CHECK(difference(grid, expected.transpose(0, 1)) < 1e-5);
  model.Model::fuse_grid(encodings, 0, 1, fill, 4);
  CHECK(difference(grid, expected) < 1e-5);
}

TEST_CASE("second derivatives across modalities agree with finite differences") {
  CnnLstmSa model(tiny_options());
  model.to(at::kCPU);
  Tiles data(4);
  auto values = values_of(data, {0});
  std::vector<Leaf> leaves = {model.prepare(0, values[0]), model.prepare(1, values[1])};
  for (auto& leaf : leaves) leaf.tensor = leaf.tensor.detach().clone().set_requires_grad(true);
  auto direction = at::ones_like(leaves[1].tensor);
  auto question_gradient = [&](const at::Tensor& pixels, bool graph) {
    std::vector<Leaf> moved = {leaves[0], leaves[1]};
    moved[0].tensor = pixels;
    auto logit = model.forward(moved).logits.select(1, 1).sum();
    return (torch::autograd::grad({logit}, {leaves[1].tensor}, {}, true, graph)[0] * direction).sum();
  };
  auto second = torch::autograd::grad({question_gradient(leaves[0].tensor, true)}, {leaves[0].tensor})[0];
  // Along a random direction; step and tolerance are those of float32 central differences.
  auto along = at::randn_like(second);
  constexpr double step = 1e-2;
  auto ahead = question_gradient((leaves[0].tensor.detach() + step * along).set_requires_grad(true), false);
  auto behind = question_gradient((leaves[0].tensor.detach() - step * along).set_requires_grad(true), false);
  double measured = (ahead - behind).item<double>() / (2 * step), exact = (second * along).sum().item<double>();
  CHECK(exact != 0);
  CHECK(measured == doctest::Approx(exact).epsilon(0.1));
}

TEST_CASE("an image of another size is resized, and its leaf says what it shows") {
  CnnLstmSa model(tiny_options());
  std::vector<Value> values = {Image{at::full({48, 64, 3}, 128, at::kByte)}};
  auto leaf = model.prepare(0, values);
  CHECK(leaf.tensor.sizes() == at::IntArrayRef({1, 3, 24, 32}));
  CHECK(difference(leaf.tensor, at::full_like(leaf.tensor, 128.0 / 255)) < 1e-5);
  CHECK(leaf.areas[0].x1 == 64);
  CHECK(leaf.areas[0].y1 == 48);
}

TEST_CASE("questions become words with mask and atoms; unknown words are one word") {
  CnnLstmSa model(tiny_options());
  std::vector<Value> values = {Text{"What color is the zeppelin?"}, Text{"Where"}, Text{"what color is the airship?"}};
  auto leaf = model.prepare(1, values);
  CHECK(leaf.tensor.sizes() == at::IntArrayRef({3, 6, 6}));
  CHECK(difference(leaf.tensor[0], leaf.tensor[2]) == 0);
  CHECK(leaf.mask.sum(1).equal(at::tensor({6, 1, 6}, at::kLong)));
  CHECK(leaf.atoms[1].equal(at::tensor({0, -1, -1, -1, -1, -1}, at::kLong)));
}

TEST_CASE("inputs and settings that make no sense are errors") {
  CnnLstmSa model(tiny_options());
  std::vector<Value> empty = {Text{"  "}}, image = {Image{at::zeros({4, 4, 3}, at::kByte)}};
  CHECK(error_of([&] { model.prepare(1, empty); }) == "'question' is empty: give it at least one word");
  CHECK(error_of([&] { model.prepare(1, image); }) == "'question' takes text, and was given image");
  std::vector<Value> none = {Image{at::zeros({0, 4, 3}, at::kByte)}};
  CHECK(error_of([&] { model.prepare(0, none); }) == has("at least one pixel"));
  auto options = tiny_options();
  options.strides = {2};
  CHECK(error_of([&] { CnnLstmSa broken(options); }) == has("one of each per convolution"));
  auto config = model.config();
  config.erase("keys");
  CHECK(error_of([&] { cnn_lstm_sa_options(config); }) == "the settings of a cnn_lstm_sa lack 'keys'");
}

#ifndef __SANITIZE_ADDRESS__  // which keeps freed memory for a while
int64_t resident_pages() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident;
}

TEST_CASE("forwards in a loop do not grow memory") {
  at::NoGradGuard no_grad;
  CnnLstmSa model(tiny_options());
  auto datapoint = Tiles(2).get(0);
  for (int i = 0; i < 200; ++i) model.forward(datapoint);
  auto before = resident_pages();
  for (int i = 0; i < 2000; ++i) model.forward(datapoint);
  CHECK((resident_pages() - before) * ::getpagesize() < 4 << 20);
}
#endif

}  // namespace
}  // namespace multiviz
