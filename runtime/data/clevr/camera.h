#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/blocks/geometry.h"
#include "data/datapoint.h"

namespace multiviz::clevr {

using blockworld::Vec3;

// CLEVR's camera has a lens of 35 mm before a sensor 32 mm wide (image_generation/data/base_scene.blend), so that a
// picture W pixels wide is 35 / 32 W focal lengths wide.
inline double focal_length(int64_t width) { return 35.0 / 32.0 * static_cast<double>(width); }

// A pinhole camera without roll, pixels counted from the picture's upper left corner.
struct Camera {
  Vec3 eye, forward, right, up;  // unit vectors, in the world
  double focal;                  // pixels for a unit at depth 1
  double center_x, center_y;     // pixels
};

// The camera of a published scene, which does not say it. `directions` give its heading on the ground. Depths
// (the third of `pixel_coords`, unrounded) are linear in the objects' places and give its pitch and its distance:
// depth_i = cos(pitch) behind . p_i - sin(pitch) z_i + c. What is left, its shift along right and up, is the mean over
// the objects' pixels, which are rounded. A scene whose objects leave the pitch open (one object, or all at one depth)
// gets the pitch of CLEVR's unjittered camera. Throws Error for a scene without these numbers.
Camera fit_camera(const nlohmann::json& scene, int64_t width, int64_t height, double focal, const std::string& where);

// How round the edges are, as a share of half the size: a cube is the hull of 8 balls, a cylinder of two rings of them.
// CLEVR's meshes (SmoothCube_v2, SmoothCylinder), measured.
struct Rounding {
  double cube = 0.18, cylinder = 0.05;
};

// An object's outline in the world.
struct Solid {
  enum Shape { cube, sphere, cylinder } shape;
  Vec3 center;
  double radius;  // half the side of a cube; half the height of all
  double angle;   // about z, radians
  double half_height;
};

// From a scene's object. Radii are CLEVR's: 0.7 and 0.35, those of cubes divided by the square root of 2. `rotation`
// was drawn in degrees but given to Blender as radians; so it is here.
Solid solid_from_json(const nlohmann::json& object, const std::string& where);

// The smallest box of pixels around the solid, hidden parts included, inside of the picture.
Box box_of(const Solid& solid, const Camera& camera, int64_t width, int64_t height, Rounding rounding = {});

}  // namespace multiviz::clevr
