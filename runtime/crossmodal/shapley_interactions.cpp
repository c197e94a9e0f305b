#include "crossmodal/shapley_interactions.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/stopwatch.h"
#include "perturb/coalitions.h"
#include "perturb/game.h"
#include "perturb/shapley.h"
#include "unimodal/leaf_gradient.h"
#include "unimodal/perturbation.h"

namespace multiviz {
namespace {

// Row a keeps the first a players of the order: bool [P + 1, P].
at::Tensor growing(const at::Tensor& order) {
  int64_t players = order.numel();
  return order.argsort().unsqueeze(0) < at::arange(players + 1, at::kLong).unsqueeze(1);
}

double log_choose(int64_t n, int64_t k) {
  return std::lgamma(static_cast<double>(n) + 1) - std::lgamma(static_cast<double>(k) + 1) -
         std::lgamma(static_cast<double>(n - k) + 1);
}

// How much likelier a coalition of a rows and b columns (not of the pair itself) is under the interaction index than
// under two independent random orders: float64 [rows, columns].
at::Tensor importance(int64_t rows, int64_t columns) {
  auto out = at::empty({rows, columns}, at::kDouble);
  double* data = out.mutable_data_ptr<double>();
  int64_t others = rows + columns - 2;
  for (int64_t a = 0; a < rows; ++a)
    for (int64_t b = 0; b < columns; ++b)
      *data++ = static_cast<double>(rows * columns) / static_cast<double>(others + 1) *
                std::exp(log_choose(rows - 1, a) + log_choose(columns - 1, b) - log_choose(others, a + b));
  return out;
}

struct Estimate {
  at::Tensor values;  // [rows, columns]
  double standard_error = 0;
};

Estimate enumerate(Game& game, size_t rows, size_t columns) {
  int64_t p_rows = game.maskers()[rows]->players().size(), p_columns = game.maskers()[columns]->players().size();
  // Bits of rows are the low ones, as shapley_interaction_index wants them.
  auto values = game.grid(rows, all_coalitions(p_rows), columns, all_coalitions(p_columns));
  auto table = values.transpose(0, 1).reshape({-1, 1});
  return {shapley_interaction_index(table, p_rows).squeeze(2), 0};
}

Estimate sample(Game& game, size_t rows, size_t columns, int64_t rounds, uint64_t seed) {
  int64_t p_rows = game.maskers()[rows]->players().size(), p_columns = game.maskers()[columns]->players().size();
  auto generator = make_generator(seed);
  auto weight = importance(p_rows, p_columns);
  auto sum = at::zeros({p_rows, p_columns}, at::kDouble), squares = at::zeros_like(sum);
  Progress progress("shapley_interactions", rounds);
  for (int64_t round = 0; round < rounds; ++round) {
    auto row_order = at::randperm(p_rows, generator, at::kLong);
    auto column_order = at::randperm(p_columns, generator, at::kLong);
    auto values = game.grid(rows, growing(row_order), columns, growing(column_order)).squeeze(2);
    auto mixed = values.diff(1, 0).diff(1, 1) * weight;
    auto estimate = mixed.index_select(0, row_order.argsort()).index_select(1, column_order.argsort());
    sum += estimate;
    squares += estimate.square();
    progress.advance();
  }
  auto n = static_cast<double>(rounds);
  auto mean = sum / n;
  auto variance = (squares / n - mean.square()).clamp_min(0);
  double error = rounds > 1 ? (variance / (n - 1)).sqrt().mean().item<double>() : std::nan("");
  return {mean, error};
}

}  // namespace

Explanation shapley_interactions(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                                 const Target& target, const ShapleyInteractionOptions& options) {
  Stopwatch watch;
  auto modalities = perturbed_modalities(*model, datapoint, options.modalities);
  check(modalities.size() == 2 && modalities[0] != modalities[1], "interactions are between two modalities, and {} were given: name two",
        modalities.size());
  check(options.rounds > 0, "rounds must be at least 1, got {}", options.rounds);
  check(options.exact >= 0 && options.exact <= 20, "exact must be between 0 and 20 players, got {}", options.exact);
  size_t rows = modalities[0], columns = modalities[1];
  Game game(model, datapoint, make_maskers(*model, datapoint, modalities, options.masker), {target}, options.batch);
  bool exact = game.players() <= options.exact;
  auto estimate = exact ? enumerate(game, rows, columns) : sample(game, rows, columns, options.rounds, options.seed);

  auto explanation = start_explanation("shapley_interactions", "C", *model, datapoint, {target});
  explanation.seed = options.seed;
  explanation.options = {{"rounds", options.rounds}, {"exact", options.exact}};
  add_settings(explanation, game, options.masker);
  explanation.interactions.push_back(
      {game.maskers()[rows]->players(), game.maskers()[columns]->players(), estimate.values});
  explanation.fit = {{"exact", exact}};
  if (!exact) explanation.fit.update({{"rounds", options.rounds}, {"standard_error", estimate.standard_error}});
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
