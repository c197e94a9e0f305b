#pragma once
#include <cstdint>
#include <vector>

#include "data/blocks/scene.h"

namespace multiviz::blockworld {

// Where a ray meets an object.
struct Hit {
  double distance;  // in units of the direction's length
  int face;         // 0 for a curved side, 1.. for the flat faces
};

// The first meeting of a ray with an object at a distance > 1e-6, or false.
bool intersect(const Object& object, Vec3 origin, Vec3 direction, Hit& hit);

// The outward unit normal at a point of the surface. Edges of cubes and cylinders are rounded a little for shading.
Vec3 normal_at(const Object& object, Vec3 point, int face);

// Which object each pixel's center shows.
struct Raster {
  std::vector<int8_t> object;  // [height * width], -1 for the ground
  std::vector<int8_t> face;
  std::vector<double> distance;  // along View::ray, where an object is shown
  std::vector<int64_t> visible;  // pixels an object shows
  std::vector<int64_t> covered;  // pixels it would show alone
};

Raster rasterize(const std::vector<Object>& objects, const View& view);

}  // namespace multiviz::blockworld
