#pragma once
#include "data/blocks/scene.h"

namespace multiviz::blockworld {

// How much of the key light reaches a point, in [0, 1], with a penumbra that widens away from the occluder. The object
// at index `skip` casts no shadow on it (-1: all do).
double key_light(const Scene& scene, Vec3 point, int skip);

// How much of the sky reaches a point with this normal past the objects near it, in (0, 1].
double sky_light(const Scene& scene, Vec3 point, Vec3 normal, int skip);

}  // namespace multiviz::blockworld
