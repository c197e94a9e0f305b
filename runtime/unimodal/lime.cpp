#include "unimodal/lime.h"

#include <ATen/ATen.h>

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

at::Tensor coalitions_for(const LimeOptions& options, const Game& game, ModalityKind kind) {
  if (!options.coalitions.defined()) return lime_coalitions(kind, options.samples, game.players(), options.seed);
  const auto& given = options.coalitions;
  check(given.dim() == 2 && given.size(0) > 0 && given.size(1) == game.players(),
        "coalitions must have one column for each of the {} players", game.players());
  return given.to(at::kCPU, at::kBool);
}

}  // namespace

Explanation lime(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                 const std::vector<Target>& targets, const LimeOptions& options) {
  Stopwatch watch;
  auto modalities = perturbed_modalities(*model, datapoint, options.modalities);
  check(!options.coalitions.defined() || modalities.size() == 1, "coalitions need one modality: name it");
  auto explanation = start_explanation("lime", "U", *model, datapoint, targets);
  explanation.seed = options.seed;
  explanation.options = {{"samples", options.samples}, {"alpha", options.alpha}};
  Progress progress("lime", std::ssize(modalities));
  for (size_t m : modalities) {
    const auto& modality = model->signature().modalities[m];
    Game game(model, datapoint, make_maskers(*model, datapoint, {&m, 1}, options.masker), targets, options.batch);
    auto coalitions = coalitions_for(options, game, modality.kind);
    auto weights = lime_weights(modality.kind, coalitions, options.kernel_width);
    auto surrogate = fit_surrogate(coalitions, game.value(coalitions), weights, options.alpha);
    add_game(explanation, game, surrogate.coefficients, options.masker);
    explanation.options[modality.name]["kernel_width"] = lime_width(modality.kind, game.players(), options.kernel_width);
    explanation.fit[modality.name] = {{"r2", numbers(surrogate.r2)},
                                      {"intercept", numbers(surrogate.intercept)},
                                      {"local_prediction", numbers(surrogate.at_whole())}};
    progress.advance();
  }
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
