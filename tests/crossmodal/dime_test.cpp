#include "crossmodal/dime.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "perturb/coalitions.h"
#include "perturb/surrogate.h"
#include "tests/models/toy_context.h"

using namespace multiviz;
using namespace multiviz::test;

namespace {

// DIME of modality m by one forward pass for each pair, as the authors' code does: a perturbed value takes the
// datapoint's place in the sample, and the parts are read off the means of the N x N values.
struct Direct {
  std::shared_ptr<const Model> model;
  std::vector<Target> targets;
  std::vector<Datapoint> members;  // the datapoint last

  // {UC, MI} of the last datapoint with values[m] replaced, [K] each.
  std::pair<at::Tensor, at::Tensor> parts(size_t m, const Value& value) const {
    auto sample = members;
    sample.back().values[m] = value;
    std::vector<at::Tensor> rows;
    for (const auto& first : sample) {
      std::vector<at::Tensor> row;
      for (const auto& second : sample)
        row.push_back(pair_value(*model, targets, first, 0, first.values[0], 1, second.values[1]));
      rows.push_back(at::stack(row));
    }
    auto grid = at::stack(rows);
    auto unimodal = grid[-1].mean(0) + grid.select(1, -1).mean(0) - grid.mean(at::IntArrayRef{0, 1});
    return {unimodal, grid[-1][-1] - unimodal};
  }
};

MaskerOptions grid_masker() {
  MaskerOptions options;
  options.segmentation = "grid";
  options.rows = 2;
  options.columns = 2;
  options.hide = "color";  // the toy picture has one colour in each cell
  return options;
}

}  // namespace

TEST_CASE("DIME is LIME on the parts that plain forward passes give, for any target") {
  auto model = std::make_shared<ToyModel>();
  Direct direct{model, {Target::logit(0), Target::feature(8), Target::probability(2)}, toy_datapoints(4)};
  auto data = toy_data(4);
  auto datapoint = direct.members.back();
  DimeOptions options;
  options.masker = grid_masker();
  options.samples = 12;
  options.seed = 5;
  options.batch = 3;
  options.chunk = 5;
  auto result = dime(model, datapoint, data, direct.targets, options);
  REQUIRE(result.attributions.size() == 2 * 2 * 3);
  auto [unimodal, multimodal] = direct.parts(0, datapoint.values[0]);
  for (int64_t k = 0; k < 3; ++k) {
    CHECK(result.fit["unimodal"][static_cast<size_t>(k)].get<double>() ==
          doctest::Approx(unimodal[k].item<double>()).epsilon(1e-4));
    CHECK(result.fit["multimodal"][static_cast<size_t>(k)].get<double>() ==
          doctest::Approx(multimodal[k].item<double>()).epsilon(1e-4));
  }
  std::vector<size_t> both = {0, 1};
  auto maskers = make_maskers(*model, datapoint, both, options.masker);
  for (size_t m : both) {
    auto kind = model->signature().modalities[m].kind;
    auto coalitions = lime_coalitions(kind, 12, maskers[m]->players().size(), 5);
    auto rendered = maskers[m]->render(coalitions);
    std::vector<at::Tensor> first, second;
    for (const auto& value : rendered) {
      auto parts = direct.parts(m, value);
      first.push_back(parts.first);
      second.push_back(parts.second);
    }
    auto weights = lime_weights(kind, coalitions, 0);
    auto expected_first = fit_surrogate(coalitions, at::stack(first), weights, 1);
    auto expected_second = fit_surrogate(coalitions, at::stack(second), weights, 1);
    for (int64_t k = 0; k < 3; ++k) {
      const auto& one = result.attributions[6 * m + static_cast<size_t>(k)];
      const auto& other = result.attributions[6 * m + 3 + static_cast<size_t>(k)];
      CHECK(one.component == "unimodal");
      CHECK(other.component == "multimodal");
      CHECK(other.target == static_cast<size_t>(k));
      CHECK(at::allclose(one.weights, expected_first.coefficients.select(1, k), 1e-3, 1e-6));
      CHECK(at::allclose(other.weights, expected_second.coefficients.select(1, k), 1e-3, 1e-6));
    }
  }
  // The sample is the three others and the datapoint itself; coalitions that repeat are evaluated once.
  CHECK(result.options["context"] == 3);
  CHECK(result.cost.encodes <= 2 * 4 + 2 * 12);
  CHECK(result.cost.fuses <= 16 + 2 * 12 * 4);
}

TEST_CASE("an additive model has no multimodal part") {
  ToyOptions additive;
  additive.multiplicative = 0;
  auto model = std::make_shared<ToyModel>(
      std::vector<Modality>{{"image", ModalityKind::image}, {"question", ModalityKind::text}}, additive);
  DimeOptions options;
  options.masker = grid_masker();
  options.samples = 20;
  Target target = Target::logit(1);
  auto data = toy_data(5);
  auto result = dime(model, toy_datapoint(), data, {&target, 1}, options);
  REQUIRE(result.attributions.size() == 4);
  for (const auto& attribution : result.attributions) {
    double largest = attribution.weights.abs().max().item<double>();
    if (attribution.component == "multimodal")
      CHECK(largest < 1e-5);
    else
      CHECK(largest > 1e-3);
  }
}

TEST_CASE("DIME says what is wrong") {
  auto model = std::make_shared<ToyModel>();
  Target target = Target::logit(0);
  auto one = toy_datapoint();
  auto pair = toy_data(2), data = toy_data(4);
  DimeOptions options;
  options.masker = grid_masker();
  CHECK_THROWS_WITH_AS(dime(model, one, pair, {&target, 1}, options),
                       doctest::Contains("dime needs a context of at least two other datapoints and has 1"), Error);
  options.samples = 1;
  CHECK_THROWS_WITH_AS(dime(model, one, data, {&target, 1}, options), doctest::Contains("samples = 1"), Error);
  options.samples = 10;
  CHECK_THROWS_WITH_AS(dime(model, one, data, {}, options), doctest::Contains("at least one target"), Error);
  options.modalities = {"image"};
  CHECK_THROWS_WITH_AS(dime(model, one, data, {&target, 1}, options), doctest::Contains("choose two of the 2"), Error);
}
