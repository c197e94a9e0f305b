#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "perturb/coalitions.h"
#include "perturb/game.h"
#include "perturb/surrogate.h"
#include "tests/models/toy_model.h"
#include "unimodal/kernel_shap.h"
#include "unimodal/lime.h"
#include "unimodal/occlusion.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

struct Toy {
  std::shared_ptr<const Model> model = std::make_shared<ToyModel>();
  Datapoint datapoint = toy_datapoint();
  std::vector<Target> targets = {Target::logit(0), Target::probability(1)};
};

MaskerOptions quarters() {
  MaskerOptions options;
  options.segmentation = "grid";
  options.rows = options.columns = 2;
  options.hide = "color";  // the quarters of toy_datapoint have one colour each
  return options;
}

Game question_game(const Toy& toy) {
  return Game(toy.model, toy.datapoint, {nullptr, make_masker(toy.datapoint.values[1], "question", {})}, toy.targets);
}

}  // namespace

TEST_CASE("lime explains each modality on its own, for all targets at once") {
  Toy toy;
  LimeOptions options;
  options.masker = quarters();
  options.samples = 200;
  options.seed = 3;
  auto explanation = lime(toy.model, toy.datapoint, toy.targets, options);
  REQUIRE(explanation.attributions.size() == 4);
  CHECK(explanation.stage == "U");
  CHECK(explanation.targets == std::vector<std::string>{"logit of red", "probability of green"});
  CHECK(explanation.attributions[1].target == 1);
  CHECK(explanation.attributions[2].players.modality == "question");
  CHECK(explanation.attributions[0].players.size() == 4);
  CHECK(explanation.fit["image"]["r2"].size() == 2);
  CHECK(explanation.fit["question"]["r2"][0].get<double>() > 0.5);
  CHECK(explanation.options["image"]["segmentation"] == "grid");
  CHECK(explanation.options["samples"] == 200);
  CHECK(explanation.cost.fuses == 400);
  CHECK(explanation.cost.encodes < 400);  // 16 different images a batch at most

  auto again = lime(toy.model, toy.datapoint, toy.targets, options);
  CHECK(at::equal(again.attributions[3].weights, explanation.attributions[3].weights));
  options.seed = 4;
  again = lime(toy.model, toy.datapoint, toy.targets, options);
  CHECK(!at::equal(again.attributions[3].weights, explanation.attributions[3].weights));
}

TEST_CASE("lime with given coalitions is the surrogate of the game on them") {
  Toy toy;
  LimeOptions options;
  options.modalities = {"question"};
  auto game = question_game(toy);
  options.coalitions = all_coalitions(game.players()).slice(0, 1);
  auto explanation = lime(toy.model, toy.datapoint, toy.targets, options);
  auto weights = lime_weights(ModalityKind::text, options.coalitions, 0);
  auto surrogate = fit_surrogate(options.coalitions, game.value(options.coalitions), weights, 1);
  CHECK(at::allclose(explanation.attributions[1].weights, surrogate.coefficients.select(1, 1)));

  options.coalitions = at::ones({3, 2}, at::kBool);
  CHECK_THROWS_WITH_AS(lime(toy.model, toy.datapoint, toy.targets, options), doctest::Contains("one column for each"), Error);
  options.modalities = {};
  CHECK_THROWS_WITH_AS(lime(toy.model, toy.datapoint, toy.targets, options), doctest::Contains("name it"), Error);
}

TEST_CASE("lime works on time series and tables, and on models without gradients") {
  ToyOptions plain;
  plain.differentiable = false;
  auto model = std::make_shared<ToyModel>(signal_modalities(), plain);
  LimeOptions options;
  options.samples = 100;
  auto explanation = lime(model, toy_signals(), {Target::logit(2)}, options);
  REQUIRE(explanation.attributions.size() == 2);
  CHECK(explanation.attributions[0].players.size() == 8);
  CHECK(explanation.attributions[1].players.names[0] == "age");
  CHECK(explanation.options["record"]["kernel_width"].get<double>() == doctest::Approx(0.75 * std::sqrt(5.0)));
}

TEST_CASE("kernel_shap is exact for few players and adds up for many") {
  Toy toy;
  KernelShapOptions options;
  options.masker = quarters();
  auto explanation = kernel_shap(toy.model, toy.datapoint, toy.targets, options);
  CHECK(explanation.fit["image"]["exact"] == true);
  auto game = question_game(toy);
  // The definition by single players' changes over all coalitions of the others is tested in perturb/shapley_test.cpp.
  auto change = game.whole() - game.empty();
  CHECK(explanation.attributions[2].weights.sum().item<double>() == doctest::Approx(change[0].item<double>()));

  KernelShapOptions sampled = options;
  sampled.modalities = {"question"};
  sampled.exact = 0;
  sampled.samples = 60;  // of 2^7 coalitions
  auto estimate = kernel_shap(toy.model, toy.datapoint, toy.targets, sampled);
  CHECK(estimate.fit["question"]["exact"] == false);
  CHECK(std::abs(estimate.fit["question"]["efficiency_gap"][1].get<double>()) < 1e-12);
  CHECK(estimate.attributions[0].weights.sum().item<double>() == doctest::Approx(change[0].item<double>()));
  auto error = (estimate.attributions[0].weights - explanation.attributions[2].weights).abs().max().item<double>();
  CHECK(error < 0.3 * explanation.attributions[2].weights.abs().max().item<double>());
  sampled.exact = 21;
  CHECK_THROWS_WITH_AS(kernel_shap(toy.model, toy.datapoint, toy.targets, sampled), doctest::Contains("exact must be"),
                       Error);
}

TEST_CASE("occlusion is the change when one player goes") {
  Toy toy;
  OcclusionOptions options;
  options.modalities = {"question"};
  auto explanation = occlusion(toy.model, toy.datapoint, toy.targets, options);
  auto game = question_game(toy);
  auto kept = at::ones({1, game.players()}, at::kBool);
  kept[0][2] = false;
  auto expected = game.whole() - game.value(kept)[0];
  CHECK(explanation.attributions[0].weights[2].item<double>() == doctest::Approx(expected[0].item<double>()));
  CHECK(explanation.attributions[1].weights[2].item<double>() == doctest::Approx(expected[1].item<double>()));
  CHECK(explanation.cost.fuses == game.players() + 1);
}

TEST_CASE("occlusion by a sliding window draws a heatmap") {
  Toy toy;
  OcclusionOptions options;
  options.modalities = {"image"};
  options.window = 12;
  auto explanation = occlusion(toy.model, toy.datapoint, {Target::logit(0)}, options);
  const auto& attribution = explanation.attributions[0];
  CHECK(attribution.players.size() == 3 * 5);  // y at 0, 6, 12 and x at 0, 6, 12, 18, 20
  CHECK(attribution.pixels().sizes() == at::IntArrayRef({24, 32}));
  CHECK(attribution.pixels()[0][0].item<double>() == doctest::Approx(attribution.weights[0].item<double>()));
  CHECK(explanation.options["image"]["stride"] == 0);
}

TEST_CASE("perturbation methods refuse unknown modalities") {
  Toy toy;
  LimeOptions options;
  options.modalities = {"imag"};
  CHECK_THROWS_WITH_AS(lime(toy.model, toy.datapoint, toy.targets, options), doctest::Contains("did you mean 'image'?"),
                       Error);
  CHECK_THROWS_AS(lime(toy.model, toy.datapoint, {}, {}), Error);
}
