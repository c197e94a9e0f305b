#include "unimodal/gradient.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/models/finite_differences.h"
#include "tests/models/toy_model.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

const std::vector<Modality> seen = {{"image", ModalityKind::image}, {"question", ModalityKind::text}};

ToyOptions in_double() {
  ToyOptions options;
  options.dtype = at::kDouble;
  return options;
}

}  // namespace

TEST_CASE("gradients are those of finite differences, for any target, reduced as asked") {
  ToyModel model(seen, in_double());
  auto datapoint = toy_datapoint();
  auto& pixels = std::get<Image>(datapoint.values[0]).pixels;
  pixels = pixels.slice(0, 8, 16).slice(1, 12, 20).contiguous();  // 8 x 8, across the four colours
  datapoint.regions.clear();
  std::vector<Target> targets = {Target::logit(2), Target::probability(1), Target::feature(8),
                                 Target::unit("fusion.features", {2}), Target::unit("image.encoded", {1})};
  auto result = gradient(model, datapoint, targets);
  REQUIRE(result.attributions.size() == 2 * targets.size());
  CHECK(result.targets[1] == "probability of green");
  CHECK(result.cost.encodes == 2);
  CHECK(result.cost.fuses == 1);
  for (size_t k = 0; k < targets.size(); ++k) {
    auto image = leaf_differences(model, datapoint, targets[k], 0);
    auto words = leaf_differences(model, datapoint, targets[k], 1);
    const auto &on_image = result.attributions[2 * k], &on_words = result.attributions[2 * k + 1];
    CHECK(on_image.target == k);
    auto expected = image.abs().amax(0);
    CHECK(at::allclose(on_image.heatmap.to(at::kDouble), expected, 1e-4, 1e-7));
    CHECK(at::allclose(on_image.weights.reshape({8, 8}), expected, 1e-4, 1e-7));  // a cell a pixel
    CHECK(at::allclose(on_words.weights, words.norm(2, 1), 1e-4, 1e-7));
  }
  GradientOptions options;
  options.modalities = {"image"};
  Target target = Target::logit(0);
  auto reference = leaf_differences(model, datapoint, target, 0);
  auto heatmap = [&](const std::string& reduction) {
    options.players.reduction = parse_reduction(reduction);
    return gradient(model, datapoint, {&target, 1}, options).attributions[0].heatmap.to(at::kDouble);
  };
  CHECK(at::allclose(heatmap("sum"), reference.abs().sum(0), 1e-4, 1e-7));
  CHECK(at::allclose(heatmap("norm"), reference.norm(2, 0), 1e-4, 1e-7));
  CHECK(at::allclose(heatmap("signed"), reference.sum(0), 1e-4, 1e-7));
}

TEST_CASE("gradient x input is the leaf times its gradient, gathered by player") {
  ToyModel model(seen, in_double());
  auto datapoint = toy_datapoint();
  Target target = Target::logit(0);
  auto result = gradient_x_input(model, datapoint, {&target, 1});
  auto leaves = leaves_of(model, datapoint);
  auto image = (leaf_differences(model, datapoint, target, 0) * leaves[0].tensor[0]).sum(0);
  auto words = (leaf_differences(model, datapoint, target, 1) * leaves[1].tensor[0]).sum(1);
  // The regions are the left quarters; the background is the right half.
  const auto& players = result.attributions[0].players;
  CHECK(players.names == std::vector<std::string>{"red quarter", "blue quarter", "background"});
  auto expected = at::stack({image.slice(0, 0, 12).slice(1, 0, 16).sum(), image.slice(0, 12, 24).slice(1, 0, 16).sum(),
                             image.slice(1, 16, 32).sum()});
  CHECK(at::allclose(result.attributions[0].weights, expected, 1e-4, 1e-7));
  CHECK(at::allclose(result.attributions[1].weights, words, 1e-4, 1e-7));
}

TEST_CASE("time series gather into frames, channels or groups, and tables into columns") {
  ToyModel model(signal_modalities(), in_double());
  auto datapoint = toy_signals();
  Target target = Target::logit(1);
  auto reference = leaf_differences(model, datapoint, target, 0);
  GradientOptions options;
  auto frames = gradient(model, datapoint, {&target, 1}, options);
  CHECK(frames.attributions[0].players.names[4] == "frame 5");
  CHECK(at::allclose(frames.attributions[0].weights, reference.norm(2, 1), 1e-4, 1e-8));
  CHECK(at::allclose(frames.attributions[1].weights, leaf_differences(model, datapoint, target, 1), 1e-4, 1e-8));
  options.players.parts = "channels";
  auto channels = gradient(model, datapoint, {&target, 1}, options);
  CHECK(channels.attributions[0].players.names == std::vector<std::string>{"x", "y", "z"});
  CHECK(at::allclose(channels.attributions[0].weights, reference.norm(2, 0), 1e-4, 1e-8));
  options.players.parts = "groups";
  auto groups = gradient(model, datapoint, {&target, 1}, options);
  CHECK(groups.attributions[0].players.names == std::vector<std::string>{"plane", "height"});
  CHECK(groups.attributions[0].weights[0].item<double>() ==
        doctest::Approx(reference.slice(1, 0, 2).norm().item<double>()).epsilon(1e-4));
  options.players.parts = "frame";
  CHECK_THROWS_WITH_AS(gradient(model, datapoint, {&target, 1}, options), doctest::Contains("did you mean 'frames'?"),
                       Error);
}

TEST_CASE("a target that the input does not reach has a gradient of zero") {
  ToyModel model;
  Target target = Target::unit("question.encoded", {0});
  GradientOptions options;
  options.modalities = {"image"};
  auto result = gradient(model, toy_datapoint(), {&target, 1}, options);
  CHECK(result.attributions[0].weights.abs().max().item<double>() == 0);
}

TEST_CASE("gradients say why they cannot be taken") {
  Target target = Target::logit(0), absent = Target::logit(3);
  auto datapoint = toy_datapoint();
  ToyOptions opaque, poisoned;
  opaque.differentiable = false;
  poisoned.poisoned = true;
  CHECK_THROWS_WITH_AS(gradient(ToyModel(seen, opaque), datapoint, {&target, 1}),
                       doctest::Contains("use lime, kernel_shap or occlusion"), Error);
  CHECK_THROWS_WITH_AS(gradient(ToyModel(seen, poisoned), datapoint, {&target, 1}),
                       doctest::Contains("first in layer 'image.encoded'"), Error);
  ToyModel model;
  CHECK_THROWS_WITH_AS(gradient(model, datapoint, {&absent, 1}), doctest::Contains("label 4 is out of range"), Error);
  CHECK_THROWS_WITH_AS(gradient(model, datapoint, {}), doctest::Contains("at least one target"), Error);
  GradientOptions options;
  options.modalities = {"queston"};
  CHECK_THROWS_WITH_AS(gradient(model, datapoint, {&target, 1}, options), doctest::Contains("'question'"), Error);
  options.modalities = {"image", "image"};
  CHECK_THROWS_WITH_AS(gradient(model, datapoint, {&target, 1}, options), doctest::Contains("twice"), Error);
  CHECK_THROWS_WITH_AS(parse_reduction("mean"), doctest::Contains("unknown reduction"), Error);
  datapoint.values.pop_back();
  CHECK_THROWS_WITH_AS(gradient(model, datapoint, {&target, 1}), doctest::Contains("takes 2 modalities"), Error);
}
