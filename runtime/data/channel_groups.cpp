#include "data/channel_groups.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/error.h"

namespace multiviz {

ChannelSets channel_sets(const TimeSeries& series, const std::string& modality) {
  const int64_t width = series.frames.size(1);
  check(!series.groups.empty(), "'{}' names no groups of channels: use parts 'channels' or 'frames'", modality);
  ChannelSets sets;
  for (const auto& group : series.groups)
    if (std::find(sets.names.begin(), sets.names.end(), group.name) == sets.names.end())
      sets.names.push_back(group.name);
  sets.channels = at::zeros({std::ssize(sets.names), width}, at::kBool);
  for (const auto& group : series.groups) {
    check(group.begin >= 0 && group.begin < group.end && group.end <= width,
          "the group '{}' of '{}' does not lie in its {} channels", group.name, modality, width);
    const auto place = std::find(sets.names.begin(), sets.names.end(), group.name) - sets.names.begin();
    sets.channels[place].slice(0, group.begin, group.end).fill_(true);
  }
  return sets;
}

}  // namespace multiviz
