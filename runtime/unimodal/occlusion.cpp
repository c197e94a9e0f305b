#include "unimodal/occlusion.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/progress.h"
#include "core/stopwatch.h"
#include "perturb/game.h"
#include "perturb/window_masker.h"
#include "unimodal/leaf_gradient.h"
#include "unimodal/perturbation.h"

namespace multiviz {
namespace {

std::shared_ptr<const WindowMasker> window_for(const Model& model, const Datapoint& datapoint, size_t m,
                                               const OcclusionOptions& options) {
  const auto& modality = model.signature().modalities[m];
  if (options.window <= 0 || modality.kind != ModalityKind::image) return nullptr;
  auto masker = options.masker.of(modality.name);
  masker.device = model.device();
  int64_t stride = options.stride > 0 ? options.stride : std::max<int64_t>(1, options.window / 2);
  return std::make_shared<WindowMasker>(std::get<Image>(datapoint.values[m]), modality.name, options.window, stride,
                                        masker);
}

// Row 0 keeps everyone, row 1 + i everyone but i.
at::Tensor leave_one_out(int64_t players) {
  return at::cat({at::ones({1, players}, at::kBool), at::eye(players).to(at::kBool).logical_not()});
}

}  // namespace

Explanation occlusion(const std::shared_ptr<const Model>& model, const Datapoint& datapoint,
                      const std::vector<Target>& targets, const OcclusionOptions& options) {
  Stopwatch watch;
  auto modalities = perturbed_modalities(*model, datapoint, options.modalities);
  auto explanation = start_explanation("occlusion", "U", *model, datapoint, targets);
  Progress progress("occlusion", std::ssize(modalities));
  for (size_t m : modalities) {
    std::vector<MaskerPtr> maskers(datapoint.values.size());
    auto window = window_for(*model, datapoint, m, options);
    if (window)
      maskers[m] = window;
    else
      maskers = make_maskers(*model, datapoint, {&m, 1}, options.masker);
    Game game(model, datapoint, maskers, targets, options.batch);
    auto values = game.value(leave_one_out(game.players()));
    auto first = explanation.attributions.size();
    add_game(explanation, game, values.slice(0, 0, 1) - values.slice(0, 1), options.masker);
    if (window) {
      const auto& modality = window->players().modality;
      explanation.options[modality] = {
          {"window", options.window}, {"stride", options.stride}, {"hide", options.masker.of(modality).hide}};
      for (size_t a = first; a < explanation.attributions.size(); ++a)
        explanation.attributions[a].heatmap = window->heatmap(explanation.attributions[a].weights);
    }
    progress.advance();
  }
  explanation.cost.seconds = watch.seconds();
  return explanation;
}

}  // namespace multiviz
