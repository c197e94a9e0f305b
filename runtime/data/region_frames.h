#pragma once
#include "data/datapoint.h"

namespace multiviz {

// Whether the frames of this time series are the regions of the datapoint's picture, as LXMERT reads them: one frame a
// region, and its last four numbers the region's box (x0, y0, x1, y1) / (width, height), to a pixel. No where neither
// the picture nor its size is known.
bool holds_regions(const Value& value, const Datapoint& datapoint);

// Calls the frames of such time series of the datapoint as their regions, where they have no names.
void name_region_frames(Datapoint& datapoint);

}  // namespace multiviz
