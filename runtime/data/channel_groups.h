#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "data/value.h"

namespace multiviz {

// The groups of a time series as players have them: ranges of one name are one group, in the order of their first
// range.
struct ChannelSets {
  std::vector<std::string> names;  // G
  at::Tensor channels;             // bool [G, F]
};

// Throws Error naming `modality` when a range does not lie in the series' channels, or when there are no groups.
ChannelSets channel_sets(const TimeSeries& series, const std::string& modality);

}  // namespace multiviz
