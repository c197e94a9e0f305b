#include "nn/resnet.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/safetensors.h"
#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

using test::difference;

// What tests/fixtures/nn/make_resnet.py writes.
std::map<std::string, at::Tensor> fixture(const std::string& part) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : load_safetensors("tests/fixtures/nn/resnet.safetensors").tensors)
    if (name.starts_with(part + ".")) out[name.substr(part.size() + 1)] = tensor;
  return out;
}

at::Tensor run(const std::string& part, int64_t number, const ResnetShape& shape, const ResnetOptions& options) {
  WeightReader weights(fixture(part), part);
  ResnetStage stage(weights, "", number, shape, options);
  CHECK(weights.finish().size() == 35);
  return stage(fixture("check").at("input"));
}

TEST_CASE("stages compute what torchvision, CLIP and Detectron do, under their names") {
  const auto expected = fixture("check");
  ResnetOptions options;
  CHECK(difference(run("torchvision", 2, {6, 8, 2, 2}, options), expected.at("torchvision")) < 1e-5);
  options.stride = ResnetStride::mean;
  CHECK(difference(run("clip", 3, {6, 8, 2, 2}, options), expected.at("clip")) < 1e-5);
  options.stride = ResnetStride::in_1x1;
  options.names = ResnetNames::detectron;
  CHECK(difference(run("detectron", 3, {6, 8, 2, 2}, options), expected.at("detectron")) < 1e-5);
  CHECK(difference(run("dilated", 4, {6, 8, 2, 1, 2}, options), expected.at("dilated")) < 1e-5);
}

TEST_CASE("the stem pools with a border, or as Caffe does") {
  const auto expected = fixture("check");
  WeightReader weights(fixture("stem"), "stem");
  ResnetOptions options;
  options.names = ResnetNames::detectron;
  auto stem = read_resnet_stem(weights, "", 3, 6, options);
  weights.finish();
  CHECK(difference(resnet_stem(expected.at("pixels"), stem, options), expected.at("stem")) < 1e-5);
  CHECK(difference(resnet_stem(expected.at("pixels"), stem, options, true), expected.at("caffe")) < 1e-5);
}

// d y / d x of scale (x - mean) / sqrt(var + epsilon) + shift is scale / sqrt(var + epsilon).
TEST_CASE("a normalised picture's gradient is right however the one that comes lies in memory") {
  auto values = [](double from, double to) { return at::linspace(from, to, 4); };
  auto scale = values(0.5, 2), shift = values(-1, 1), mean = values(0, 1), var = values(1, 3);
  for (int64_t batch : {1, 2}) {
    auto coming = at::arange(batch * 60, at::kFloat).view({batch, 15, 4});
    auto x = at::ones({batch, 4, 3, 5}).set_requires_grad(true);
    auto y = batch_norm(x, scale, shift, mean, var, 0).flatten(2).transpose(1, 2);
    auto found = torch::autograd::grad({(y * coming).sum()}, {x})[0];
    auto expected = (coming * (scale / var.sqrt())).transpose(1, 2).reshape({batch, 4, 3, 5});
    CHECK(difference(found, expected) < 1e-4);
  }
}

TEST_CASE("a stage that does not fit is said by name") {
  WeightReader weights(fixture("torchvision"), "file");
  ResnetStage stage(weights, "", 2, {6, 16, 2, 2}, {});
  CHECK(error_of([&] { weights.finish(); }) ==
        has("'layer2.0.conv1.weight' is Float [2, 6, 1, 1] instead of [4, 6, 1, 1]"));
}

}  // namespace
}  // namespace multiviz
