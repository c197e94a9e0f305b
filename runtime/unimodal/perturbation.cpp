#include "unimodal/perturbation.h"

#include <ATen/ATen.h>

#include "unimodal/leaf_gradient.h"

namespace multiviz {

std::vector<size_t> perturbed_modalities(const Model& model, const Datapoint& datapoint,
                                         const std::vector<std::string>& names) {
  check_datapoint(model, datapoint);
  return find_modalities(model, names);
}

void add_settings(Explanation& explanation, const Game& game, const ModalityMaskers& options) {
  explanation.cost.encodes += game.cost().encodes;
  explanation.cost.fuses += game.cost().fuses;
  for (const auto& masker : game.maskers()) {
    if (!masker) continue;
    const auto& players = masker->players();
    explanation.options[players.modality].update(describe(options.of(players.modality), players.kind));
  }
}

void add_game(Explanation& explanation, const Game& game, const at::Tensor& weights, const ModalityMaskers& options) {
  for (auto& attribution : game.attributions(weights)) explanation.attributions.push_back(std::move(attribution));
  add_settings(explanation, game, options);
}

nlohmann::json numbers(const at::Tensor& values) {
  auto flat = values.to(at::kCPU, at::kDouble).flatten().contiguous();
  return std::vector<double>(flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel());
}

}  // namespace multiviz
