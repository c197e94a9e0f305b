#pragma once
#include <cstdint>
#include <vector>

#include "data/blocks/raster.h"
#include "data/blocks/scene.h"

namespace multiviz::blockworld {

struct Picture {
  std::vector<uint8_t> pixels;  // RGB [height, width, 3]
  Raster raster;                // of the same size
};

// Ray casting with a soft-edged key light, a sky, contact shadows, and one reflection on metal. Pixels on an edge are
// averaged over 3 x 3 rays, the others take one.
Picture render(const Scene& scene, int64_t width, int64_t height);

}  // namespace multiviz::blockworld
