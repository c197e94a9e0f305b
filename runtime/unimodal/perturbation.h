#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "perturb/game.h"
#include "perturb/maskers.h"

namespace multiviz {

// What the perturbation methods share.

// Positions of the modalities to perturb, by name; all of them when `names` is empty. Throws Error for an unknown name
// and for a datapoint that does not fit the model.
std::vector<size_t> perturbed_modalities(const Model& model, const Datapoint& datapoint,
                                         const std::vector<std::string>& names);

// Adds a game's cost and the options of each masked modality.
void add_settings(Explanation& explanation, const Game& game, const ModalityMaskers& options);

// The same, and the attributions of weights [P, K].
void add_game(Explanation& explanation, const Game& game, const at::Tensor& weights, const ModalityMaskers& options);

// float64 [K] as a list for Explanation::fit.
nlohmann::json numbers(const at::Tensor& values);

}  // namespace multiviz
