#include "data/resize_images.h"

#include <ATen/ATen.h>

#include "data/resize.h"

namespace multiviz {
namespace {

// `scale_x`, `scale_y`: pixels that an old one becomes.
void scale_region(Region& region, int64_t height, int64_t width, double scale_x, double scale_y) {
  Box& box = region.box;
  box = {box.x0 * scale_x, box.y0 * scale_y, box.x1 * scale_x, box.y1 * scale_y};
  if (!region.mask.defined()) return;
  const at::Tensor plane = region.mask.to(at::kByte).unsqueeze(2).expand({-1, -1, 3}).contiguous();
  region.mask = resize_pixels(plane, height, width, Resample::nearest).select(2, 0).to(at::kBool);
}

}  // namespace

Datapoint resize_images(Datapoint datapoint, int64_t height, int64_t width) {
  bool first = true;
  for (Value& value : datapoint.values) {
    auto* image = std::get_if<Image>(&value);
    if (image == nullptr) continue;
    const auto old_height = static_cast<double>(image->pixels.size(0));
    const auto old_width = static_cast<double>(image->pixels.size(1));
    image->pixels = resize_pixels(image->pixels, height, width, Resample::bilinear);
    if (first)
      for (Region& region : datapoint.regions)
        scale_region(region, height, width, static_cast<double>(width) / old_width,
                     static_cast<double>(height) / old_height);
    first = false;
  }
  return datapoint;
}

}  // namespace multiviz
