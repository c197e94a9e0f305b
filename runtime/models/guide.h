#pragma once
#include <string>
#include <vector>

#include "models/model.h"

namespace multiviz {

// Extra supervision for attention maps: look at the regions that the datapoint's question refers to.
struct Guide {
  std::vector<std::string> taps;  // attention maps [B, H', W'] or [B, G, H', W'] over the whole image, each summing to 1
  double weight = 0;              // of guide_loss beside the task's loss; 0: no guide
};

// Mean over the datapoints that have referred regions (data/datapoint.h) of the cross entropy between t, which spreads
// evenly over the regions and within each over its cells, and the mean of all the maps: - sum_n t_n log(mean_k p_kn). It
// is least when together the maps cover all the regions and nothing else; which map sees which region is left open.
// Scalar, differentiable; undefined when no datapoint has referred regions. `trace` has recorded the taps.
at::Tensor guide_loss(const Trace& trace, const Guide& guide, std::span<const Datapoint> datapoints);

}  // namespace multiviz
