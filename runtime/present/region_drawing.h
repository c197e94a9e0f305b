#pragma once
#include <span>

#include "present/explanation.h"

namespace multiviz {

// Weights of the frames of a time series that are the regions of an image (data/with_regions.h), one player a region
// and called as it, as weights of these boxes over that image, `height` x `width` pixels; where boxes overlap, the
// smallest shows. Attributions of other modalities are left out. Throws Error when there are no weights of these
// regions.
Explanation on_image(const Explanation& explanation, std::span<const Region> regions, const std::string& image,
                     int64_t height, int64_t width);

}  // namespace multiviz
