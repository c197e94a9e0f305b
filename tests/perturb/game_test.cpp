#include "perturb/game.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/models/toy_model.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

// Columns of a table, set to zero when left out.
class ColumnMasker : public Masker {
 public:
  explicit ColumnMasker(Table table) : table_(std::move(table)) {
    players_.modality = "record";
    players_.kind = ModalityKind::tabular;
    players_.names = table_.names;
    players_.cells = at::eye(table_.columns.size(0)).to(at::kBool);
  }
  const Players& players() const override { return players_; }
  std::vector<Value> render(const at::Tensor& coalitions) const override {
    std::vector<Value> values;
    for (int64_t s = 0; s < coalitions.size(0); ++s)
      values.push_back(Table{table_.columns * coalitions[s].to(at::kFloat), table_.names});
    return values;
  }

 private:
  Table table_;
  Players players_;
};

struct Signals {
  std::shared_ptr<ToyModel> model;
  Datapoint datapoint = toy_signals();
  MaskerPtr masker = std::make_shared<ColumnMasker>(std::get<Table>(datapoint.values[1]));
  explicit Signals(ToyOptions options = {}) : model(std::make_shared<ToyModel>(signal_modalities(), options)) {}
};

}  // namespace

TEST_CASE("a game's values are the model's on the rendered inputs, and its cost counts distinct encodes") {
  Signals toy;
  std::vector<Target> targets = {Target::logit(0), Target::probability(2), Target::feature(3),
                                 Target::unit("record.encoded", {1}), Target::unit("signal.encoded", {0})};
  Game game(toy.model, toy.datapoint, {nullptr, toy.masker}, targets, 4);
  CHECK(game.players() == 5);
  auto coalitions = at::zeros({6, 5}, at::kBool);
  coalitions[1].fill_(true);
  coalitions[2][3] = true;
  coalitions[3][3] = true;
  coalitions[5][0] = true;
  auto values = game.value(coalitions);
  CHECK((values.scalar_type() == at::kDouble));
  CHECK(values.sizes() == at::IntArrayRef({6, 5}));
  // Batches of rows 0..3 (three distinct) and 4..5 (two), and the whole signal once.
  CHECK(game.cost().encodes == 1 + 3 + 2);
  CHECK(game.cost().fuses == 6);

  auto rendered = toy.masker->render(coalitions);
  for (int64_t s = 0; s < 6; ++s) {
    auto masked = toy.datapoint;
    masked.values[1] = rendered[static_cast<size_t>(s)];
    auto trace = trace_for(targets);
    auto output = toy.model->forward(masked, trace.get());
    auto expected = evaluate(targets, toy.model->signature(), output, trace.get())[0];
    CHECK(at::allclose(values[s], expected.to(at::kDouble), 1e-6, 1e-6));
  }
  CHECK(at::allclose(game.whole(), values[1]));
  CHECK(at::allclose(game.empty(), values[0]));
}

TEST_CASE("weights split into one attribution per masked modality and target") {
  Signals toy;
  Game game(toy.model, toy.datapoint, {nullptr, toy.masker}, {Target::logit(0), Target::logit(1)});
  auto weights = at::arange(10, at::kDouble).reshape({5, 2});
  auto attributions = game.attributions(weights);
  REQUIRE(attributions.size() == 2);
  CHECK(attributions[1].target == 1);
  CHECK(attributions[1].players.names[2] == "pulse");
  CHECK(at::equal(attributions[1].weights, weights.select(1, 1)));
}

TEST_CASE("values that are not finite name the layer") {
  ToyOptions options;
  options.poisoned = true;
  Signals toy(options);
  Game game(toy.model, toy.datapoint, {nullptr, toy.masker}, {Target::logit(0)});
  CHECK_THROWS_WITH_AS(game.whole(), doctest::Contains("first in layer 'signal.encoded'"), Error);
}

TEST_CASE("a game refuses what it cannot play") {
  Signals toy;
  CHECK_THROWS_WITH_AS(Game(toy.model, toy.datapoint, {nullptr, nullptr}, {Target::logit(0)}),
                       doctest::Contains("no modality has a masker"), Error);
  CHECK_THROWS_WITH_AS(Game(toy.model, toy.datapoint, {nullptr, toy.masker}, {}), doctest::Contains("target"), Error);
  CHECK_THROWS_AS(Game(toy.model, toy.datapoint, {nullptr, toy.masker}, {Target::logit(3)}), Error);
  Game game(toy.model, toy.datapoint, {nullptr, toy.masker}, {Target::logit(0)});
  CHECK_THROWS_WITH_AS(game.value(at::zeros({2, 4}, at::kBool)), doctest::Contains("5 players"), Error);
}
