#include "crossmodal/joint.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"
#include "core/progress.h"
#include "core/stopwatch.h"
#include "perturb/coalitions.h"
#include "perturb/game.h"
#include "perturb/surrogate.h"
#include "unimodal/leaf_gradient.h"
#include "unimodal/perturbation.h"

namespace multiviz {
namespace {

Game joint_game(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                const std::vector<Target>& targets, const std::vector<std::string>& names,
                const ModalityMaskers& options, int64_t batch) {
  auto modalities = perturbed_modalities(*model, datapoint, names);
  check(modalities.size() >= 2, "a joint explanation is of at least two modalities, and {} was given", modalities.size());
  return Game(model, datapoint, make_maskers(*model, datapoint, modalities, options), targets, batch);
}

// {"image": [share towards each target], ...}; zero for every modality where all weights are zero.
nlohmann::json shares(const Explanation& explanation) {
  std::vector<double> totals(explanation.targets.size(), 0);
  auto size = [](const Attribution& a) { return a.weights.abs().sum().item<double>(); };
  for (const auto& attribution : explanation.attributions) totals[attribution.target] += size(attribution);
  nlohmann::json out = nlohmann::json::object();
  for (const auto& attribution : explanation.attributions) {
    double total = totals[attribution.target];
    out[attribution.players.modality].push_back(total > 0 ? size(attribution) / total : 0.0);
  }
  return out;
}

}  // namespace

Explanation joint_lime(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                       const std::vector<Target>& targets, const LimeOptions& options) {
  Stopwatch watch;
  Progress progress("joint_lime", 1);
  auto game = joint_game(model, datapoint, targets, options.modalities, options.masker, options.batch);
  auto coalitions = options.coalitions.defined()
                        ? options.coalitions.to(at::kCPU, at::kBool)
                        : lime_coalitions(ModalityKind::image, options.samples, game.players(), options.seed);
  auto values = game.value(coalitions);
  auto weights = lime_weights(ModalityKind::image, coalitions, options.kernel_width);
  auto surrogate = fit_surrogate(coalitions, values, weights, options.alpha);

  auto explanation = start_explanation("joint_lime", "C", *model, datapoint, targets);
  explanation.seed = options.seed;
  explanation.options = {{"samples", coalitions.size(0)},
                         {"alpha", options.alpha},
                         {"kernel_width", lime_width(ModalityKind::image, game.players(), options.kernel_width)}};
  add_game(explanation, game, surrogate.coefficients, options.masker);
  explanation.fit = {{"r2", numbers(surrogate.r2)},
                     {"intercept", numbers(surrogate.intercept)},
                     {"local_prediction", numbers(surrogate.at_whole())},
                     {"share", shares(explanation)}};
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

Explanation joint_shap(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                       const std::vector<Target>& targets, const KernelShapOptions& options) {
  Stopwatch watch;
  Progress progress("joint_shap", 1);
  auto game = joint_game(model, datapoint, targets, options.modalities, options.masker, options.batch);
  auto estimate = estimate_shapley(game, options.samples, options.exact, options.seed);

  auto explanation = start_explanation("joint_shap", "C", *model, datapoint, targets);
  explanation.seed = options.seed;
  explanation.options = {{"samples", options.samples}, {"exact", options.exact}};
  add_game(explanation, game, estimate.values, options.masker);
  explanation.fit = {{"exact", estimate.exact},
                     {"base_value", numbers(estimate.base)},
                     {"efficiency_gap", numbers(estimate.efficiency_gap)},
                     {"share", shares(explanation)}};
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
