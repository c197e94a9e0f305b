#include "crossmodal/joint.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "crossmodal/shapley_interactions.h"
#include "perturb/coalitions.h"
#include "perturb/game.h"
#include "perturb/shapley.h"
#include "tests/models/toy_model.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

MaskerOptions quarters() {
  MaskerOptions options;
  options.segmentation = "grid";
  options.rows = options.columns = 2;
  options.hide = "color";  // the quarters of toy_datapoint have one colour each
  return options;
}

struct Toy {
  std::shared_ptr<const Model> model;
  Datapoint datapoint = toy_datapoint();
  explicit Toy(ToyOptions options = {}) {
    model = std::make_shared<ToyModel>(std::vector<Modality>{{"image", ModalityKind::image}, {"question", ModalityKind::text}}, options);
    datapoint.values[1] = Text{"is it red"};
  }
  Game game() const {
    std::vector<size_t> both = {0, 1};
    return Game(model, datapoint, make_maskers(*model, datapoint, both, quarters()), {Target::logit(0)});
  }
};

double total(const Explanation& explanation, size_t attribution) {
  return explanation.attributions[attribution].weights.abs().sum().item<double>();
}

}  // namespace

TEST_CASE("a game's grid is its value on every pair of coalitions") {
  Toy toy;
  std::vector<size_t> both = {0, 1};
  std::vector<Target> targets = {Target::logit(0), Target::feature(7)};
  for (bool traced : {false, true}) {
    if (traced) targets.push_back(Target::unit("question.encoded", {2}));
    Game game(toy.model, toy.datapoint, make_maskers(*toy.model, toy.datapoint, both, quarters()), targets, 3);
    auto rows = all_coalitions(3).slice(0, 2), columns = all_coalitions(4).slice(0, 1, 6);
    auto grid = game.grid(1, rows, 0, columns);
    if (!traced) CHECK(game.cost().encodes == 6 + 5);
    auto pairs = at::cat({columns.repeat({6, 1}), rows.repeat_interleave(5, 0)}, 1);  // players of the image come first
    CHECK(at::allclose(grid.flatten(0, 1), game.value(pairs), 1e-6, 1e-6));
  }
  auto game = toy.game();
  CHECK_THROWS_AS(game.grid(1, all_coalitions(4), 0, all_coalitions(4)), Error);
  CHECK_THROWS_AS(game.grid(1, all_coalitions(3), 1, all_coalitions(3)), Error);
}

TEST_CASE("joint_shap shares the change among the players of both modalities") {
  Toy toy;
  KernelShapOptions options;
  options.masker = quarters();
  auto explanation = joint_shap(toy.model, toy.datapoint, {Target::logit(0)}, options);
  REQUIRE(explanation.attributions.size() == 2);
  CHECK(explanation.stage == "C");
  auto game = toy.game();
  auto expected = shapley_values(game.value(all_coalitions(7))).select(1, 0);
  CHECK(at::allclose(at::cat({explanation.attributions[0].weights, explanation.attributions[1].weights}), expected));
  double image = total(explanation, 0), question = total(explanation, 1);
  CHECK(explanation.fit["share"]["image"][0].get<double>() == doctest::Approx(image / (image + question)));
  CHECK(explanation.fit["share"]["question"][0].get<double>() == doctest::Approx(question / (image + question)));

  options.modalities = {"image"};
  CHECK_THROWS_WITH_AS(joint_shap(toy.model, toy.datapoint, {Target::logit(0)}, options),
                       doctest::Contains("at least two modalities"), Error);
}

TEST_CASE("joint_lime finds both modalities' parts of a game that adds up") {
  ToyOptions additive;
  additive.multiplicative = 0;
  Toy toy(additive);
  LimeOptions options;
  options.masker = quarters();
  options.samples = 400;
  auto joint = joint_lime(toy.model, toy.datapoint, {Target::logit(0), Target::logit(1)}, options);
  REQUIRE(joint.attributions.size() == 4);
  CHECK(joint.attributions[1].players.modality == "question");
  CHECK(joint.fit["r2"][0].get<double>() > 0.6);
  double shares = joint.fit["share"]["image"][1].get<double>() + joint.fit["share"]["question"][1].get<double>();
  CHECK(shares == doctest::Approx(1));
}

TEST_CASE("Shapley interactions are the definition's on a small game") {
  Toy toy;
  ShapleyInteractionOptions options;
  options.masker = quarters();
  options.modalities = {"question", "image"};
  auto explanation = shapley_interactions(toy.model, toy.datapoint, Target::logit(0), options);
  REQUIRE(explanation.interactions.size() == 1);
  const auto& interaction = explanation.interactions[0];
  CHECK(interaction.rows.modality == "question");
  CHECK(interaction.values.sizes() == at::IntArrayRef({3, 4}));
  CHECK(explanation.fit["exact"] == true);
  auto game = toy.game();
  auto expected = shapley_interaction_index(game.value(all_coalitions(7)), 4).squeeze(2).t();
  CHECK(at::allclose(interaction.values, expected, 1e-5, 1e-6));
  CHECK(expected.abs().max().item<double>() > 1e-3);

  SUBCASE("and sampling comes near them") {
    options.exact = 0;
    options.rounds = 400;
    auto sampled = shapley_interactions(toy.model, toy.datapoint, Target::logit(0), options);
    double error = sampled.fit["standard_error"].get<double>();
    CHECK(error < 0.1 * expected.abs().max().item<double>());
    CHECK(at::allclose(sampled.interactions[0].values, expected, 0, 5 * error));
  }
}

TEST_CASE("a model that adds its modalities up has no interactions between them") {
  ToyOptions additive;
  additive.multiplicative = 0;
  Toy toy(additive);
  ShapleyInteractionOptions options;
  options.masker = quarters();
  options.exact = 0;
  options.rounds = 3;
  auto explanation = shapley_interactions(toy.model, toy.datapoint, Target::logit(0), options);
  CHECK(explanation.interactions[0].values.abs().max().item<double>() < 1e-5);
  options.modalities = {"image"};
  CHECK_THROWS_WITH_AS(shapley_interactions(toy.model, toy.datapoint, Target::logit(0), options),
                       doctest::Contains("two modalities"), Error);
  options.modalities = {"image", "image"};
  CHECK_THROWS_AS(shapley_interactions(toy.model, toy.datapoint, Target::logit(0), options), Error);
}
