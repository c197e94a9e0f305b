#include "data/region_frames.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/error.h"

namespace multiviz {

bool holds_regions(const Value& value, const Datapoint& datapoint) {
  constexpr int64_t numbers = 4;
  const auto* series = std::get_if<TimeSeries>(&value);
  const auto picture = picture_of(datapoint);
  if (!series || picture.height == 0 || datapoint.regions.empty()) return false;
  const auto& frames = series->frames;
  if (frames.size(0) != std::ssize(datapoint.regions) || frames.size(1) < numbers) return false;
  auto last = frames.slice(1, frames.size(1) - numbers).to(at::kCPU, at::kDouble).contiguous();
  const auto* at = last.const_data_ptr<double>();
  auto width = static_cast<double>(picture.width), height = static_cast<double>(picture.height);
  for (const auto& [name, box, mask, referred] : datapoint.regions) {
    // A box that is NaN passes, for box_in to tell.
    for (double apart :
         {at[0] * width - box.x0, at[1] * height - box.y0, at[2] * width - box.x1, at[3] * height - box.y1})
      if (std::abs(apart) > 1) return false;
    at += numbers;
  }
  return true;
}

void name_region_frames(Datapoint& datapoint) {
  for (auto& value : datapoint.values) {
    auto* series = std::get_if<TimeSeries>(&value);
    if (!series || !series->frame_names.empty() || !holds_regions(value, datapoint)) continue;
    for (const auto& region : datapoint.regions)
      series->frame_names.push_back(region.name.empty() ? fmt::format("region {}", series->frame_names.size() + 1)
                                                        : region.name);
  }
}

}  // namespace multiviz
