#include "perturb/surrogate.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/error.h"
#include "io/json.h"
#include "perturb/coalitions.h"
#include "perturb/maskers.h"

using namespace multiviz;

namespace {

// tests/fixtures/perturb/make_surrogates.py
const nlohmann::json& fixture() {
  static const auto json = load_json("tests/fixtures/perturb/surrogates.json");
  return json;
}

at::Tensor vector(const nlohmann::json& json) { return at::tensor(json.get<std::vector<double>>(), at::kDouble); }

at::Tensor matrix(const nlohmann::json& json) {
  std::vector<at::Tensor> rows;
  for (const auto& row : json) rows.push_back(vector(row));
  return at::stack(rows);
}

bool near(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-9, 1e-9); }

}  // namespace

TEST_CASE("the same coalitions give the weights that lime gives") {
  std::vector<std::pair<const char*, ModalityKind>> cases = {
      {"image", ModalityKind::image}, {"text", ModalityKind::text}, {"table", ModalityKind::tabular}};
  for (auto [name, kind] : cases) {
    CAPTURE(name);
    const auto& expected = fixture()[name];
    auto masks = matrix(expected["masks"]).to(at::kBool);
    auto weights = lime_weights(kind, masks, 0);
    CHECK(near(weights, vector(expected["weights"])));
    auto surrogate = fit_surrogate(masks, matrix(expected["values"]), weights, 1);
    CHECK(near(surrogate.coefficients.t(), matrix(expected["coefficients"])));
    CHECK(near(surrogate.intercept, vector(expected["intercept"])));
    CHECK(near(surrogate.r2, vector(expected["r2"])));
    CHECK(near(surrogate.at_whole(), vector(expected["local"])));
  }
}

TEST_CASE("pictures are masked as lime's image explainer masks them, and explained alike") {
  auto picture = load_json("tests/fixtures/perturb/segments.json");
  const auto& expected = fixture()["lime_image"];
  std::vector<int64_t> shape = {picture["height"], picture["width"], 3};
  Image image{at::tensor(picture["pixels"].get<std::vector<int64_t>>(), at::kLong).to(at::kByte).reshape(shape)};
  MaskerOptions options;
  options.segments = 20;
  options.compactness = 30;
  auto masker = make_image_masker(image, "image", options, {});
  auto masks = matrix(expected["masks"]).to(at::kBool);
  auto rendered = masker->render(masks);
  std::vector<at::Tensor> colors, values;
  for (const auto& value : rendered) {
    auto pixels = std::get<Image>(value).pixels.to(at::kDouble);
    colors.push_back(pixels.flatten(0, 1).mean(0));
    values.push_back(pixels.slice(0, 10, 20).slice(1, 10, 22).mean() / 255);
  }
  CHECK(near(at::stack(colors).slice(0, 0, 10), matrix(expected["mean_colors"])));
  CHECK(near(at::stack(values), vector(expected["labels"])));
  auto surrogate = fit_surrogate(masks, at::stack(values).unsqueeze(1), lime_weights(ModalityKind::image, masks, 0), 1);
  CHECK(near(surrogate.coefficients.squeeze(1), vector(expected["weights"])));
  CHECK(surrogate.intercept.item<double>() == doctest::Approx(expected["intercept"].get<double>()));
  CHECK(surrogate.r2.item<double>() == doctest::Approx(expected["r2"].get<double>()));
}

TEST_CASE("a surrogate without penalty finds a linear game, and a constant one is explained fully") {
  auto masks = all_coalitions(4);
  auto truth = at::tensor({1.0, -2.0, 0.5, 0.0}, at::kDouble).unsqueeze(1);
  auto values = at::cat({masks.to(at::kDouble).matmul(truth) + 3, at::full({16, 1}, 2.0, at::kDouble)}, 1);
  auto surrogate = fit_surrogate(masks, values, at::ones({16}, at::kDouble), 0);
  CHECK(near(surrogate.coefficients.slice(1, 0, 1), truth));
  CHECK(near(surrogate.intercept, at::tensor({3.0, 2.0}, at::kDouble)));
  CHECK(near(surrogate.r2, at::ones({2}, at::kDouble)));
  // Two equal columns: the solution of least norm shares the weight.
  auto twice = at::cat({masks, masks}, 1);
  CHECK(near(fit_surrogate(twice, values, at::ones({16}, at::kDouble), 0).coefficients.slice(0, 4).slice(1, 0, 1), truth / 2));
}

TEST_CASE("a surrogate refuses samples without weight and shapes that disagree") {
  auto masks = all_coalitions(2);
  auto values = at::zeros({4, 1}, at::kDouble);
  CHECK_THROWS_WITH_AS(fit_surrogate(masks, values, at::zeros({4}, at::kDouble), 1), doctest::Contains("kernel_width"),
                       Error);
  CHECK_THROWS_AS(fit_surrogate(masks, values, at::ones({3}, at::kDouble), 1), Error);
  CHECK_THROWS_WITH_AS(fit_surrogate(masks, values, at::ones({4}, at::kDouble), -1), doctest::Contains("alpha"), Error);
}
