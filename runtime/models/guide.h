#pragma once
#include <string>
#include <vector>

#include "models/model.h"

namespace multiviz {

// Extra supervision for attention maps: look at the regions that the datapoint's question refers to.
struct Guide {
  std::vector<std::string>
      taps;           // attention maps [B, H', W'] or [B, G, H', W'] over the whole image, each summing to 1
  double weight = 0;  // of guide_loss beside the task's loss; 0: no guide
};

// Mean over the datapoints that have referred regions (data/datapoint.h) of the cross entropy between t, which spreads
// evenly over the regions and within each over its cells, and the mean of all the maps: - sum_n t_n log(mean_k p_kn).
// It is least when together the maps cover all the regions and nothing else; which map sees which region is left open.
// Scalar, differentiable; undefined when no datapoint has referred regions. `trace` has recorded the taps.
at::Tensor guide_loss(const Trace& trace, const Guide& guide, std::span<const Datapoint> datapoints);

// Extra supervision for an image's features: a linear layer, thrown away after training, is to tell the words of each
// region's name ("large red rubber cube") from the mean feature of the cells that the region covers.
struct Describe {
  std::string tap;    // features [B, K, H', W'] over the whole image
  double weight = 0;  // of the loss beside the task's; 0: none
};

class Describer {
 public:
  // The words are those of the region names of the data set's first datapoints. Throws Error when they have none.
  Describer(const Describe& settings, const Dataset& data);

  // Binary cross entropy over regions and words. The tap holds one row per distinct image of the datapoints, as
  // forward_shared makes it. Scalar, differentiable; undefined when there are no regions.
  at::Tensor loss(const Trace& trace, std::span<const Datapoint> datapoints);

  // Weight [words, K] and bias [words] by name, zero at first. K is that of `features`.
  std::vector<std::pair<std::string, at::Tensor>> make_head(int64_t features, at::Device device);
  const std::vector<std::string>& words() const { return words_; }

 private:
  at::Tensor name_targets(const Region& region) const;  // float [words]

  Describe settings_;
  std::vector<std::string> words_;
  at::Tensor weight_, bias_;
};

}  // namespace multiviz
