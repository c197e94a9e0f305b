#include "prediction/elastic_net.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "core/random.h"
#include "io/json.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// tests/fixtures/prediction/make_elastic_net.py
struct Fixture {
  nlohmann::json json = load_json("tests/fixtures/prediction/elastic_net.json");
  at::Tensor features, weights;
  Response response;

  Fixture() {
    auto rows = json["features"].get<std::vector<std::vector<double>>>();
    std::vector<at::Tensor> parts;
    for (const auto& row : rows) parts.push_back(at::tensor(row, at::kDouble));
    features = at::stack(parts);
    weights = at::tensor(json["weights"].get<std::vector<double>>(), at::kDouble);
    response.labels = at::tensor(json["labels"].get<std::vector<int64_t>>(), at::kLong);
    response.names = {"red", "green", "blue", "grey"};
  }
};

ElasticNetOptions reference_options(const nlohmann::json& reference, Family family) {
  ElasticNetOptions options;
  options.family = family;
  options.alpha = reference["alpha"];
  options.grid = reference["lambdas"].get<std::vector<double>>();
  options.holdout = 0;
  return options;
}

double largest_difference(const SparsePath& path, const nlohmann::json& reference) {
  double worst = 0;
  for (int64_t l = 0; l < path.size(); ++l) {
    at::Tensor b = path.dense(l);
    for (int64_t c = 0; c < path.classes(); ++c) {
      const auto& of = reference["classes"][static_cast<size_t>(c)];
      at::Tensor expected =
          at::tensor(of["coefficients"][static_cast<size_t>(l)].get<std::vector<double>>(), at::kDouble);
      worst = std::max(worst, (b.select(1, c) - expected).abs().max().item<double>());
      worst = std::max(worst, std::abs(path.intercepts[c][l].item<double>() -
                                       of["intercepts"][static_cast<size_t>(l)].get<double>()));
    }
  }
  return worst;
}

// The objective that the header of elastic_net.h states, from the coefficients alone: on the raw features, with the
// penalty on the standardised scale.
double multinomial_objective(const Fixture& data, const SparsePath& path, int64_t l, const at::Tensor& weights) {
  at::Tensor share = weights / weights.sum();
  at::Tensor mean = share.matmul(data.features);
  at::Tensor scale = share.matmul((data.features - mean).square()).sqrt();
  at::Tensor b = path.dense(l);
  at::Tensor logp = (data.features.matmul(b) + path.intercepts.select(1, l)).log_softmax(1);
  double loss = -(logp.gather(1, data.response.labels.unsqueeze(1)).squeeze(1) * share).sum().item<double>();
  at::Tensor scaled = b * scale.unsqueeze(1);
  double lambda = path.lambdas[static_cast<size_t>(l)];
  return loss + lambda * (path.alpha * scaled.abs().sum().item<double>() +
                          (1 - path.alpha) / 2 * scaled.square().sum().item<double>());
}

void check_objectives(const Fixture& data, const nlohmann::json& reference, const at::Tensor& weights) {
  ElasticNetOptions options = reference_options(reference, Family::multinomial);
  options.tolerance = 2e-6;
  SparsePath path = elastic_net(data.features, data.response, weights, options);
  for (int64_t l = 0; l < path.size(); ++l) {
    double expected = reference["objectives"][static_cast<size_t>(l)];
    double found = multinomial_objective(data, path, l, weights);
    CAPTURE(l);
    CHECK(std::abs(found - expected) <= 1e-5 * expected);
    CHECK(path.gap[static_cast<size_t>(l)] <= 2e-6);
  }
}

Response two_classes(at::Tensor labels) { return {std::move(labels), {}, {"no", "yes"}}; }

}  // namespace

TEST_CASE("gaussian coefficients are scikit-learn's within 1e-4") {
  Fixture data;
  for (const auto& reference : data.json["gaussian"]) {
    SparsePath path = elastic_net(data.features, data.response, {}, reference_options(reference, Family::gaussian));
    CHECK(largest_difference(path, reference) < 1e-4);
    CHECK(*std::max_element(path.gap.begin(), path.gap.end()) <= 1e-8);
  }
}

TEST_CASE("gaussian weights count rows, as scikit-learn with repeated rows") {
  Fixture data;
  const auto& reference = data.json["gaussian_weighted"];
  SparsePath path =
      elastic_net(data.features, data.response, data.weights, reference_options(reference, Family::gaussian));
  CHECK(largest_difference(path, reference) < 1e-4);
}

TEST_CASE("multinomial objectives are scikit-learn's within 1e-5") {
  Fixture data;
  for (const auto& reference : data.json["multinomial"]) check_objectives(data, reference, at::ones_like(data.weights));
  check_objectives(data, data.json["multinomial_weighted"], data.weights);
}

TEST_CASE("the duality gap bounds the distance to the optimum") {
  Fixture data;
  const auto& reference = data.json["multinomial"][0];
  ElasticNetOptions options = reference_options(reference, Family::multinomial);
  options.tolerance = 1e-2;
  SparsePath path = elastic_net(data.features, data.response, {}, options);
  at::Tensor prior = at::bincount(data.response.labels).to(at::kDouble) / 90;
  double null_loss = -(prior * prior.log()).sum().item<double>();
  for (int64_t l = 0; l < path.size(); ++l) {
    double excess = multinomial_objective(data, path, l, at::ones({90}, at::kDouble)) -
                    reference["objectives"][static_cast<size_t>(l)].get<double>();
    CHECK(excess <= path.gap[static_cast<size_t>(l)] * null_loss + 1e-9);
  }
}

TEST_CASE("the grid starts where the first coefficient appears") {
  Fixture data;
  for (Family family : {Family::gaussian, Family::multinomial}) {
    ElasticNetOptions options;
    options.family = family;
    options.lambdas = 20;
    options.epsilon = 1e-2;
    SparsePath path = elastic_net(data.features, data.response, {}, options);
    CHECK(path.nonzeros(0) == 0);
    CHECK(path.nonzeros(1) > 0);
    CHECK(path.lambdas.back() == doctest::Approx(path.lambdas.front() * 1e-2));
    CHECK(path.lambdas[1] / path.lambdas[0] == doctest::Approx(path.lambdas[2] / path.lambdas[1]));
    CHECK(path.heldout.size() == 20);
    CHECK(path.heldout.back() > 0.4);  // 4 classes
    CHECK(path.deviance.back() > path.deviance[5]);
  }
}

TEST_CASE("regression targets without an intercept, ridge only") {
  // Closed form: (Z'Z / N + lambda I)^-1 Z'y / N.
  at::Tensor z = at::randn({50, 6}, make_generator(1), at::TensorOptions(at::kDouble));
  at::Tensor y = at::randn({50, 2}, make_generator(2), at::TensorOptions(at::kDouble));
  ElasticNetOptions options;
  options.alpha = 0;
  options.grid = {0.3};
  options.standardize = options.intercept = false;
  options.holdout = 0;
  options.tolerance = 1e-10;
  SparsePath path = elastic_net(z, {{}, y, {"a", "b"}}, {}, options);
  at::Tensor expected = at::linalg_solve(z.t().matmul(z) / 50 + 0.3 * at::eye(6, at::kDouble), z.t().matmul(y) / 50);
  CHECK(at::allclose(path.dense(0), expected, 1e-5, 1e-6));
  CHECK_FALSE(path.classification);
  CHECK(path.intercepts.abs().max().item<double>() == 0);
}

TEST_CASE("constant features and absent classes get no coefficients") {
  Fixture data;
  data.response.names.push_back("never seen");
  for (Family family : {Family::gaussian, Family::multinomial}) {
    ElasticNetOptions options;
    options.family = family;
    options.lambdas = 10;
    SparsePath path = elastic_net(data.features, data.response, {}, options);
    CHECK(path.dense(9)[6].abs().max().item<double>() == 0);  // feature 6 is constant in the fixture
    CHECK(path.dense(9).select(1, 4).abs().max().item<double>() == 0);
    auto selection = Selection{std::make_shared<SparsePath>(path), 9};
    CHECK((selection.predict(data.features) == 4).sum().item<int64_t>() == 0);
  }
}

TEST_CASE("rows labelled -1 are left out and float32 features do") {
  Fixture data;
  ElasticNetOptions options;
  options.lambdas = 5;
  options.holdout = 0;
  SparsePath whole = elastic_net(data.features.slice(0, 10),
                                 {data.response.labels.slice(0, 10), {}, data.response.names}, {}, options);
  data.response.labels.slice(0, 0, 10).fill_(-1);
  SparsePath part = elastic_net(data.features.to(at::kFloat), data.response, {}, options);
  CHECK(at::allclose(whole.dense(4), part.dense(4), 1e-4, 1e-5));
}

TEST_CASE("a saturated path ends early") {
  Fixture data;
  ElasticNetOptions options;
  options.lambdas = 60;
  SparsePath whole = elastic_net(data.features, data.response, {}, options);
  options.saturation = 1e-3;
  SparsePath part = elastic_net(data.features, data.response, {}, options);
  CHECK(part.size() < whole.size());
  CHECK(part.size() > 5);
  CHECK(at::allclose(part.dense(part.size() - 1), whole.dense(part.size() - 1)));
  CHECK(part.heldout.size() == static_cast<size_t>(part.size()));
}

TEST_CASE("wrong inputs of a sparse linear model are errors") {
  at::Tensor z = at::randn({20, 3}, make_generator(5));
  at::Tensor labels = at::arange(20).remainder(2);
  auto fit = [&](const at::Tensor& features, const Response& response, const at::Tensor& weights = {},
                 ElasticNetOptions options = {}) {
    return error_of([&] { elastic_net(features, response, weights, options); });
  };
  at::Tensor bad = z.clone();
  bad[4][1] = std::numeric_limits<float>::quiet_NaN();
  CHECK(fit(bad, two_classes(labels)) == "feature 2 of datapoint 5 is nan: features must be finite");
  CHECK(fit(z[0], two_classes(labels)) == has("not a matrix"));
  CHECK(fit(z, two_classes(labels.slice(0, 1))) ==
        "there are 19 labels for 20 datapoints: give one label per datapoint");
  CHECK(fit(z, two_classes(labels + 1)) == has("label 3 is out of range"));
  CHECK(fit(z, two_classes(labels * 0)) == has("label 'no': at least two classes"));
  CHECK(fit(z, two_classes(labels * 0 - 1)) == has("too few"));
  CHECK(fit(z, two_classes(labels), at::ones({3})) == has("3 weights for 20 datapoints"));
  CHECK(fit(z, two_classes(labels), at::full({20}, -1.0)) == has("negative"));
  CHECK(fit(at::ones({20, 3}), two_classes(labels)) == has("nothing to fit"));
  CHECK(fit(z, {{}, at::ones({20, 3}), {"a", "b"}}) == has("3"));
  ElasticNetOptions options;
  options.alpha = 1.5;
  CHECK(fit(z, two_classes(labels), {}, options) == has("alpha is 1.5"));
  options = {};
  options.epsilon = 1;
  CHECK(fit(z, two_classes(labels), {}, options) == has("epsilon is 1"));
  options = {};
  options.grid = {0.1, -1};
  CHECK(fit(z, two_classes(labels), {}, options) == has("must be positive"));
  options = {};
  options.family = Family::multinomial;
  CHECK(fit(z, {{}, at::ones({20, 2}), {"a", "b"}}, {}, options) == has("use gaussian"));
  CHECK(fit(at::ones({20, 3}), two_classes(labels), {}, options) == has("nothing to fit"));
}
