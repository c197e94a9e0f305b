#include "data/datapoint.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace multiviz {

Picture picture_of(const Datapoint& datapoint) {
  for (const auto& value : datapoint.values)
    if (const auto* image = std::get_if<Image>(&value))
      return {image->pixels.size(0), image->pixels.size(1), image->pixels};
  return datapoint.picture;
}

Box box_in(const Region& region, int64_t height, int64_t width) {
  const auto& box = region.box;
  auto bottom = static_cast<double>(height), right = static_cast<double>(width);
  auto inside = [](double low, double high, double size) { return low < high && low < size && high > 0; };
  bool finite = std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) && std::isfinite(box.y1);
  check(finite && inside(box.x0, box.x1, right) && inside(box.y0, box.y1, bottom),
        "the box [{}, {}, {}, {}] of '{}' does not lie in the image of {} x {} pixels: give x0, y0, x1, y1", box.x0,
        box.y0, box.x1, box.y1, region.name, width, height);
  return {std::max(box.x0, 0.0), std::max(box.y0, 0.0), std::min(box.x1, right), std::min(box.y1, bottom)};
}

}  // namespace multiviz
