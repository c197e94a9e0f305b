#pragma once
#include "data/datapoint.h"

namespace multiviz {

// The datapoint with all its images at height x width, bilinear with antialiasing (see resize_pixels). The boxes and
// masks of its regions follow the first image. Throws Error when a side is not positive.
Datapoint resize_images(Datapoint datapoint, int64_t height, int64_t width);

}  // namespace multiviz
