#pragma once
#include <optional>
#include <span>

#include "data/region_frames.h"
#include "present/explanation.h"

namespace multiviz {

// A region of a picture that a player stands for.
struct PlayerBox {
  int64_t player = 0;
  Box box;  // within the picture, in its pixels
};

// Where the players of a time series lie whose frames are regions (data/region_frames.h), by region. Empty for another
// value and for players that are not whole frames (channels). Throws Error for a box that is not finite or lies outside
// the picture.
std::vector<PlayerBox> region_boxes(const Players& players, const Value& value, const Datapoint& datapoint);

struct WeighedBox {
  int64_t player = 0;
  double weight = 0;
  Box box;  // within the picture, in its pixels
};

// An attribution to regions, to be drawn on their picture.
struct RegionDrawing {
  Picture picture;
  std::vector<WeighedBox> boxes;  // the strongest last, so that it is drawn on top
};

// Nothing where region_boxes finds none.
std::optional<RegionDrawing> draw_regions(const Attribution& attribution, const Value& value,
                                          const Datapoint& datapoint);

// The attributions that region_boxes finds one region a player for, as weights of these boxes over the datapoint's
// first image; where boxes overlap, the smallest shows. Others are left out. `modalities` are of the datapoint's
// values. Throws Error when there are no such attributions, or no image.
Explanation on_image(const Explanation& explanation, std::span<const Modality> modalities, const Datapoint& datapoint);

}  // namespace multiviz
