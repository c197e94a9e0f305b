#pragma once
#include <map>
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
  // bool [S, P] -> float64 [S, K] on the CPU. In batches; coalitions that repeat within one modality of a batch are
  // encoded once; the memory it takes does not grow with S beyond its own argument and result. Throws Error, naming the
  // layer, when a value is not finite.
  at::Tensor value(const at::Tensor& coalitions);
  // Every pair of a coalition of modality a's players and one of modality b's, by position in the model; any others stay
  // whole. bool [R, P_a] and [C, P_b] -> float64 [R, C, K]. Takes R + C encodes and R * C fuses; memory grows with R, not
  // with C, beyond the arguments and the result. Throws Error as value does.
  at::Tensor grid(size_t a, const at::Tensor& rows, size_t b, const at::Tensor& columns);
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
  // What encode made of the rows of one modality, and the activations that the targets ask for.
  struct Encoded {
    Encoding encoding;
    std::map<std::string, at::Tensor> activations;
  };
  Encoded encode(size_t modality, std::span<const Value> values, Cost& cost) const;
  // Row r of the result is row rows[r] of `encoded`; undefined rows repeat the only one.
  static Encoded gather(const Encoded& encoded, const at::Tensor& rows, int64_t batch);
  Encoded encode_masked(size_t modality, const at::Tensor& coalitions, Cost& cost) const;
  const Encoded& encode_whole(size_t modality, Cost& cost);
  at::Tensor run(const at::Tensor& coalitions, Cost& cost);
  at::Tensor fuse_pairs(std::span<const Encoding> encodings, size_t a, size_t b);
  // One coalition over all players per pair of a row of `mine` and one of `theirs`; modalities but a and b whole.
  at::Tensor pair_coalitions(size_t a, const at::Tensor& mine, size_t b, const at::Tensor& theirs) const;
  [[noreturn]] void explain_not_finite(const at::Tensor& coalition) const;

  std::shared_ptr<const Model> model_;
  Datapoint datapoint_;
  std::vector<MaskerPtr> maskers_;
  std::vector<Target> targets_;
  int64_t batch_;
  Cost cost_;
  std::vector<std::optional<Encoded>> full_;  // modalities that stay whole, encoded once
};

}  // namespace multiviz
