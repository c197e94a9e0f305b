#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/target.h"
#include "unimodal/leaf_players.h"

namespace multiviz {

// The gradient of targets with respect to the leaves of some of a datapoint's modalities, at any inputs. The other
// modalities are encoded once, without a graph, and held fixed. What gradient, integrated gradients and SmoothGrad share.
class LeafGradient {
 public:
  // `modalities` by name; empty takes all. Throws Error, naming the perturbation methods, when the model is not
  // differentiable, and for a modality or target that it does not have. `method` is for messages.
  LeafGradient(const Model& model, const Datapoint& datapoint, std::vector<Target> targets,
               const std::vector<std::string>& modalities, const std::string& method);

  const Model& model() const { return model_; }
  const std::vector<Target>& targets() const { return targets_; }
  const std::vector<size_t>& modalities() const { return modalities_; }  // those that are differentiated
  // The leaf of modalities()[i] at the datapoint, batch 1, detached.
  const Leaf& leaf(size_t i) const { return leaves_[modalities_[i]]; }
  const Cost& cost() const { return cost_; }

  // `inputs`: one tensor [B, ...] for each of modalities(). Calls consumer(k, gradients) for each target k with one
  // tensor [B, ...] per input, and returns the targets' values [B, K]. Throws Error, naming the layer, when a value is
  // not finite.
  using Consumer = std::function<void(size_t k, const std::vector<at::Tensor>& gradients)>;
  at::Tensor at(std::vector<at::Tensor> inputs, const Consumer& consumer);
  // The values alone.
  at::Tensor values(const std::vector<at::Tensor>& inputs);

  // One attribution per target and modality from scores[k][i], [1, ...] like the leaves, in an explanation that also
  // names the method, model, datapoint, targets and cost. Contributions that belong to no player are summed to
  // fit["unassigned"], one number per target.
  Explanation explain(const std::string& method, const std::vector<std::vector<at::Tensor>>& scores,
                      const PlayerOptions& options, Gather gather) const;

 private:
  // What encode makes of a fixed modality, and the activations in it that targets ask for.
  struct Fixed {
    Encoding encoding;
    std::map<std::string, at::Tensor> activations;
  };

  Encoding fixed(size_t modality, int64_t batch, Trace* trace);
  at::Tensor run(const std::vector<at::Tensor>& inputs);

  const Model& model_;
  const Datapoint& datapoint_;
  std::vector<Target> targets_;
  std::vector<size_t> modalities_;
  std::vector<Leaf> leaves_;
  std::map<size_t, Fixed> fixed_;
  Cost cost_;
};

// Throws Error unless the datapoint has a value of the right kind for each of the model's modalities.
void check_datapoint(const Model& model, const Datapoint& datapoint);

// Positions of modalities by name in the model's signature; all of them when `names` is empty.
std::vector<size_t> find_modalities(const Model& model, const std::vector<std::string>& names);

// `leaf` with `tensor` [B, ...] in place of its own of batch 1, and everything else repeated B times.
Leaf with_tensor(const Leaf& leaf, at::Tensor tensor);

// Views of an encoding of batch 1 as one of batch B, without a copy.
Encoding expand(const Encoding& encoding, int64_t batch);

// An explanation with its method, stage, model, datapoint and targets filled in.
Explanation start_explanation(const std::string& method, const std::string& stage, const Model& model,
                              const Datapoint& datapoint, const std::vector<Target>& targets);

}  // namespace multiviz
