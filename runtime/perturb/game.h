#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "models/target.h"
#include "perturb/masker.h"

namespace multiviz {

// v(S): the targets of the model on a datapoint of which only the players in S are left in. The players are those of the
// maskers, in order; a modality without a masker is always whole. Every perturbation method is an estimator over a game.
class Game {
 public:
  // `maskers` has one entry per modality of the model, null for one that stays whole. `batch` <= 0: default.
  Game(std::shared_ptr<const Model> model, Datapoint datapoint, std::vector<MaskerPtr> maskers,
       std::vector<Target> targets, int64_t batch = 0);

  int64_t players() const;  // P, over all maskers
  // bool [S, P] -> float64 [S, K] on the CPU. In batches; coalitions that repeat within one modality are encoded once;
  // the memory it takes does not grow with S beyond its own argument and result.
  at::Tensor value(const at::Tensor& coalitions);
  // f on the datapoint as it is, and with every player left out: [K] each.
  at::Tensor whole();
  at::Tensor empty();

  const Model& model() const { return *model_; }
  const Datapoint& datapoint() const { return datapoint_; }
  const std::vector<Target>& targets() const { return targets_; }
  const std::vector<MaskerPtr>& maskers() const { return maskers_; }
  const Cost& cost() const { return cost_; }  // model runs so far, encodes and fuses counted apart

  // Splits weights [P] (or [P, K], one explanation's targets) into one Attribution per masked modality and target.
  std::vector<Attribution> attributions(const at::Tensor& weights) const;

 private:
  std::shared_ptr<const Model> model_;
  Datapoint datapoint_;
  std::vector<MaskerPtr> maskers_;
  std::vector<Target> targets_;
  int64_t batch_;
  Cost cost_;
  std::vector<std::optional<Encoding>> full_;  // encodings of modalities that stay whole, made once
};

}  // namespace multiviz
