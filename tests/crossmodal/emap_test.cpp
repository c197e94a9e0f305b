#include "crossmodal/emap.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/models/toy_context.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

// [N, N, K] from N^2 forward passes.
at::Tensor direct_grid(const Model& model, const std::vector<Target>& targets, const std::vector<Datapoint>& members) {
  std::vector<at::Tensor> rows;
  for (const auto& first : members) {
    std::vector<at::Tensor> row;
    for (const auto& second : members)
      row.push_back(pair_value(model, targets, first, 0, first.values[0], 1, second.values[1]));
    rows.push_back(at::stack(row));
  }
  return at::stack(rows);
}

bool near(const nlohmann::json& list, const at::Tensor& expected) {
  return at::allclose(at::tensor(list.get<std::vector<double>>(), at::kDouble), expected, 1e-5, 1e-6);
}

}  // namespace

TEST_CASE("EMAP of a datapoint is the direct N^2 formula, for any target") {
  ToyModel model;
  auto members = toy_datapoints(7);
  auto data = toy_data(7);
  std::vector<Target> targets = {Target::logit(0), Target::probability(2), Target::feature(9)};
  SUBCASE("outputs") {}
  SUBCASE("units of layers, of one modality and of both") {
    targets.push_back(Target::unit("fusion.features", {8}));
    targets.push_back(Target::unit("question.encoded", {1}));
  }
  auto grid = direct_grid(model, targets, members);
  EmapOptions options;
  options.batch = 3;
  options.chunk = 4;
  auto result = emap(model, members[2], data, targets, options);
  auto mean = grid.mean(at::IntArrayRef{0, 1}), first = grid[2].mean(0) - mean, second = grid.select(1, 2).mean(0) - mean;
  CHECK(near(result.fit["value"], grid[2][2]));
  CHECK(near(result.fit["mean"], mean));
  CHECK(near(result.fit["unimodal"]["image"], first));
  CHECK(near(result.fit["unimodal"]["question"], second));
  CHECK(near(result.fit["projected"], mean + first + second));
  CHECK(near(result.fit["interaction"], grid[2][2] - mean - first - second));
  CHECK(result.cost.encodes == 14);
  CHECK(result.cost.fuses == 49);
  CHECK(result.options["context"] == 6);
}

TEST_CASE("EMAP of a data set: projections, accuracy before and after, and what the variance is due to") {
  ToyModel model;
  auto members = toy_datapoints(9);
  auto data = toy_data(9);
  auto grid = direct_grid(model, {Target::logit(0), Target::logit(1), Target::logit(2)}, members);
  EmapOptions options;
  options.chunk = 7;
  auto result = emap(model, data, options);
  auto mean = grid.mean(at::IntArrayRef{0, 1});
  auto rows = grid.mean(1), columns = grid.mean(0);
  auto projected = rows + columns - mean;
  CHECK(at::allclose(result.logits, grid.diagonal(0, 0, 1).t(), 1e-5, 1e-6));
  CHECK(at::allclose(result.projected, projected, 1e-5, 1e-6));
  CHECK(result.metric == "accuracy");
  auto labels = at::arange(9, at::kLong).remainder(3);
  auto accuracy = [&](const at::Tensor& logits) { return logits.argmax(1).eq(labels).to(at::kDouble).mean().item<double>(); };
  CHECK(*result.before == doctest::Approx(accuracy(result.logits)));
  CHECK(*result.after == doctest::Approx(accuracy(projected)));
  double total = (grid - mean).square().sum().item<double>();
  CHECK(result.first == doctest::Approx(9 * (rows - mean).square().sum().item<double>() / total).epsilon(1e-4));
  CHECK(result.second == doctest::Approx(9 * (columns - mean).square().sum().item<double>() / total).epsilon(1e-4));
  auto interaction = grid - rows.unsqueeze(1) - columns.unsqueeze(0) + mean;
  CHECK(result.interaction == doctest::Approx(interaction.square().sum().item<double>() / total).epsilon(1e-4));
  CHECK(result.first + result.second + result.interaction == doctest::Approx(1));
  // One datapoint in the context of the others is the same row.
  Target target = Target::logit(1);
  auto one = emap(model, members[4], data, {&target, 1});
  CHECK(one.fit["projected"][0].get<double>() == doctest::Approx(result.projected[4][1].item<double>()).epsilon(1e-5));
}

TEST_CASE("an additive model is its own projection") {
  ToyOptions additive;
  additive.multiplicative = 0;
  ToyModel model({{"image", ModalityKind::image}, {"question", ModalityKind::text}}, additive);
  auto result = emap(model, toy_data(6));
  CHECK(at::allclose(result.projected, result.logits, 1e-5, 1e-6));
  CHECK(result.interaction == doctest::Approx(0).epsilon(1e-6));
  CHECK(*result.before == *result.after);
}

TEST_CASE("EMAP holds the third modality where the datapoint has it") {
  std::vector<Modality> three = {{"image", ModalityKind::image}, {"question", ModalityKind::text},
                                 {"record", ModalityKind::tabular}};
  ToyModel model(three);
  auto members = toy_datapoints(4);
  for (size_t i = 0; i < members.size(); ++i)
    members[i].values.push_back(Table{at::cos(at::arange(5, at::kFloat) + static_cast<double>(i)), {}});
  ListedData data(three, {"red", "green", "blue"}, members);
  Target target = Target::logit(0);
  EmapOptions options;
  options.modalities = {"record", "image"};
  auto result = emap(model, members[1], data, {&target, 1}, options);
  auto value = [&](size_t i, size_t j) {
    return pair_value(model, {target}, members[1], 2, members[i].values[2], 0, members[j].values[0]).item<double>();
  };
  double mean = 0, row = 0;
  for (size_t i = 0; i < 4; ++i) {
    row += value(1, i) / 4;
    for (size_t j = 0; j < 4; ++j) mean += value(i, j) / 16;
  }
  CHECK(result.fit["mean"][0].get<double>() == doctest::Approx(mean).epsilon(1e-5));
  CHECK(result.fit["unimodal"]["record"][0].get<double>() == doctest::Approx(row - mean).epsilon(1e-4));
  CHECK_THROWS_WITH_AS(emap(model, members[1], data, {&target, 1}), doctest::Contains("choose two of the 3 modalities"),
                       Error);
  CHECK_THROWS_WITH_AS(emap(model, data), doctest::Contains("needs a model of two modalities"), Error);
}

TEST_CASE("EMAP of a regression compares errors") {
  ToyOptions regression;
  regression.task = Task::regression;
  ToyModel model({{"image", ModalityKind::image}, {"question", ModalityKind::text}}, regression);
  auto members = toy_datapoints(5);
  for (size_t i = 0; i < members.size(); ++i) {
    members[i].labels.clear();
    members[i].value = static_cast<double>(i);
  }
  ListedData data(model.signature().modalities, {}, members);
  auto result = emap(model, data);
  CHECK(result.metric == "mean absolute error");
  auto wanted = at::arange(5, at::kDouble);
  CHECK(*result.before == doctest::Approx((result.logits.select(1, 0) - wanted).abs().mean().item<double>()));
  CHECK(*result.after == doctest::Approx((result.projected.select(1, 0) - wanted).abs().mean().item<double>()));
  Target target = Target::regression();
  CHECK(emap(model, members[0], data, {&target, 1}).targets[0] == "prediction");
}

TEST_CASE("EMAP says what is wrong") {
  ToyModel model;
  auto one = toy_datapoint();
  Target target = Target::logit(0), absent = Target::logit(7);
  auto pair = toy_data(2);
  CHECK_THROWS_WITH_AS(emap(model, one, pair, {&target, 1}), doctest::Contains("at least two other datapoints and has 1"),
                       Error);
  CHECK_THROWS_WITH_AS(emap(model, toy_data(1)), doctest::Contains("at least two datapoints"), Error);
  auto data = toy_data(4);
  CHECK_THROWS_WITH_AS(emap(model, one, data, {&absent, 1}), doctest::Contains("label 8 is out of range"), Error);
  CHECK_THROWS_WITH_AS(emap(model, one, data, {}), doctest::Contains("at least one target"), Error);
  ToyOptions poisoned;
  poisoned.poisoned = true;
  ToyModel broken(model.signature().modalities, poisoned);
  CHECK_THROWS_WITH_AS(emap(broken, one, data, {&target, 1}), doctest::Contains("first in layer 'image.encoded'"), Error);
}
