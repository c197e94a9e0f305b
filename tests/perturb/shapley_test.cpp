#include "perturb/shapley.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "io/json.h"
#include "perturb/coalitions.h"

using namespace multiviz;

namespace {

// A game of 2^P random values and one that only adds up, [2^P, 2].
at::Tensor random_game(int64_t players, uint64_t seed) {
  auto values = at::rand({int64_t{1} << players, 1}, make_generator(seed), at::kDouble);
  auto sums = all_coalitions(players).to(at::kDouble).matmul(at::arange(1, players + 1, at::kDouble)).unsqueeze(1);
  return at::cat({values, sums}, 1);
}

// The definition by orders: the mean of what a player adds to those before it, over all P! orders.
at::Tensor by_orders(const at::Tensor& values, int64_t players) {
  std::vector<int64_t> order(static_cast<size_t>(players));
  std::iota(order.begin(), order.end(), 0);
  auto sums = at::zeros({players, values.size(1)}, at::kDouble);
  double count = 0;
  do {
    int64_t coalition = 0;
    for (int64_t player : order) {
      int64_t next = coalition | int64_t{1} << player;
      sums[player] += values[next] - values[coalition];
      coalition = next;
    }
    ++count;
  } while (std::next_permutation(order.begin(), order.end()));
  return sums / count;
}

// The index of players i and j: what the pair adds beyond its parts, with the pair as one player, over all orders.
at::Tensor pair_by_orders(const at::Tensor& values, int64_t players, int64_t i, int64_t j) {
  std::vector<int64_t> order;
  for (int64_t p = 0; p < players; ++p)
    if (p != j) order.push_back(p);
  auto sum = at::zeros({values.size(1)}, at::kDouble);
  double count = 0;
  do {
    int64_t before = 0;
    for (int64_t p : order) {
      if (p == i) break;
      before |= int64_t{1} << p;
    }
    int64_t a = before | int64_t{1} << i, b = before | int64_t{1} << j;
    sum += values[a | b] - values[a] - values[b] + values[before];
    ++count;
  } while (std::next_permutation(order.begin(), order.end()));
  return sum / count;
}

bool near(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-9, 1e-9); }

}  // namespace

TEST_CASE("Shapley values are those of the definition by orders") {
  auto game = random_game(5, 1);
  auto values = shapley_values(game);
  CHECK(near(values, by_orders(game, 5)));
  CHECK(near(values.select(1, 1), at::arange(1, 6, at::kDouble)));
  CHECK(near(shapley_values(random_game(1, 1)), random_game(1, 1)[1].sub(random_game(1, 1)[0]).unsqueeze(0)));
}

TEST_CASE("Shapley values are those that shap finds") {
  // tests/fixtures/perturb/make_surrogates.py
  auto fixture = load_json("tests/fixtures/perturb/surrogates.json")["shap"];
  std::vector<at::Tensor> rows, expected;
  for (const auto& row : fixture["table"]) rows.push_back(at::tensor(row.get<std::vector<double>>(), at::kDouble));
  for (const auto& row : fixture["values"]) expected.push_back(at::tensor(row.get<std::vector<double>>(), at::kDouble));
  CHECK(at::allclose(shapley_values(at::stack(rows)), at::stack(expected), 1e-8, 1e-8));
}

TEST_CASE("interaction indices are those of the definition by orders") {
  auto game = random_game(5, 2);
  auto index = shapley_interaction_index(game, 2);
  CHECK(index.sizes() == at::IntArrayRef({2, 3, 2}));
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 3; ++j) CHECK(near(index[i][j], pair_by_orders(game, 5, i, 2 + j)));
  CHECK(index.select(2, 1).abs().max().item<double>() < 1e-12);
}

TEST_CASE("KernelSHAP's regression is exact when it sees every coalition") {
  for (int64_t players : {2, 3, 6, 7}) {
    auto game = random_game(players, 3);
    auto drawn = shap_coalitions(int64_t{1} << players, players, 0);
    REQUIRE(drawn.coalitions.size(0) == (int64_t{1} << players) - 2);
    CHECK(drawn.weights.sum().item<double>() == doctest::Approx(1));
    auto bits = at::arange(players, at::kLong);
    auto index = at::ones({players}, at::kLong).bitwise_left_shift(bits).mul(drawn.coalitions.to(at::kLong)).sum(1);
    auto whole = game[game.size(0) - 1], empty = game[0];
    auto values = solve_shap(drawn.coalitions, drawn.weights, game.index_select(0, index), whole, empty);
    CHECK(near(values, shapley_values(game)));
  }
}

TEST_CASE("sampled coalitions come in pairs, keep to the budget, and their regression adds up") {
  int64_t players = 20, samples = 301;
  auto drawn = shap_coalitions(samples, players, 4);
  CHECK(drawn.coalitions.size(0) <= samples);
  CHECK(drawn.coalitions.size(0) > samples - 40);
  auto sizes = drawn.coalitions.sum(1);
  CHECK(sizes.min().item<int64_t>() == 1);
  CHECK(sizes.max().item<int64_t>() == players - 1);
  // All 40 of sizes 1 and 19 are there: the budget's share for them, 0.28 * 301, exceeds 40.
  CHECK(sizes.eq(1).sum().item<int64_t>() == 20);
  CHECK(sizes.eq(19).sum().item<int64_t>() == 20);
  CHECK(at::equal(drawn.coalitions, shap_coalitions(samples, players, 4).coalitions));
  CHECK(!at::equal(drawn.coalitions.slice(0, 40, 100), shap_coalitions(samples, players, 5).coalitions.slice(0, 40, 100)));

  auto truth = at::arange(players, at::kDouble).unsqueeze(1);
  auto values = drawn.coalitions.to(at::kDouble).matmul(truth) + 0.5;
  auto empty = at::full({1}, 0.5, at::kDouble);
  CHECK(near(solve_shap(drawn.coalitions, drawn.weights, values, truth.sum(0) + 0.5, empty), truth));
}

TEST_CASE("lime's coalitions") {
  auto image = lime_coalitions(ModalityKind::image, 4000, 6, 1);
  CHECK(image[0].all().item<bool>());
  CHECK(image.to(at::kDouble).mean().item<double>() == doctest::Approx(0.5).epsilon(0.02));
  auto text = lime_coalitions(ModalityKind::text, 4000, 6, 1);
  CHECK(text[0].all().item<bool>());
  auto kept = at::bincount(text.slice(0, 1).sum(1), {}, 7);  // uniform over 0 to 5 words kept
  CHECK(kept[6].item<int64_t>() == 0);
  CHECK(kept.slice(0, 0, 6).min().item<int64_t>() > 550);
  CHECK_THROWS_WITH_AS(lime_coalitions(ModalityKind::image, 0, 6, 1), doctest::Contains("samples"), Error);
  CHECK_THROWS_AS(all_coalitions(25), Error);
}
