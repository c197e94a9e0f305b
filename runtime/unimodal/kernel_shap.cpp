#include "unimodal/kernel_shap.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/progress.h"
#include "core/stopwatch.h"
#include "perturb/coalitions.h"
#include "perturb/game.h"
#include "perturb/shapley.h"
#include "unimodal/leaf_gradient.h"
#include "unimodal/perturbation.h"

namespace multiviz {

ShapleyEstimate estimate_shapley(Game& game, int64_t samples, int64_t exact, uint64_t seed) {
  constexpr int64_t most_exact = 20;  // a million coalitions
  int64_t players = game.players();
  check(exact >= 0 && exact <= most_exact, "exact must be between 0 and {} players, got {}", most_exact, exact);
  ShapleyEstimate out;
  out.exact = players <= exact || (players <= most_exact && (int64_t{1} << players) <= samples);
  at::Tensor whole;
  if (out.exact) {
    auto values = game.value(all_coalitions(players));
    out.base = values[0].clone();
    whole = values[values.size(0) - 1].clone();
    out.values = shapley_values(values);
  } else {
    auto drawn = shap_coalitions(samples, players, seed);
    out.base = game.empty();
    whole = game.whole();
    out.values = solve_shap(drawn.coalitions, drawn.weights, game.value(drawn.coalitions), whole, out.base);
  }
  out.efficiency_gap = whole - out.base - out.values.sum(0);
  return out;
}

Explanation kernel_shap(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                        const std::vector<Target>& targets, const KernelShapOptions& options) {
  Stopwatch watch;
  auto modalities = perturbed_modalities(*model, datapoint, options.modalities);
  auto explanation = start_explanation("kernel_shap", "U", *model, datapoint, targets);
  explanation.seed = options.seed;
  explanation.options = {{"samples", options.samples}, {"exact", options.exact}};
  Progress progress("kernel_shap", std::ssize(modalities));
  for (size_t m : modalities) {
    Game game(model, datapoint, make_maskers(*model, datapoint, {&m, 1}, options.masker), targets, options.batch);
    auto estimate = estimate_shapley(game, options.samples, options.exact, options.seed);
    add_game(explanation, game, estimate.values, options.masker);
    explanation.fit[model->signature().modalities[m].name] = {{"exact", estimate.exact},
                                                              {"base_value", numbers(estimate.base)},
                                                              {"efficiency_gap", numbers(estimate.efficiency_gap)}};
    progress.advance();
  }
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
