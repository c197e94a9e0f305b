#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/random.h"
#include "data/blocks/geometry.h"

namespace multiviz::blockworld {

// In the order in which English puts them: "small red metal cube".
enum Attribute { size, color, material, shape };
inline constexpr int kAttributes = 4;

enum Shape { cube, sphere, cylinder };
enum Size { large, small };
enum Material { metal, rubber };

const char* attribute_name(int attribute);                   // "size", "color", "material", "shape"
const std::vector<std::string>& value_names(int attribute);  // CLEVR's names: "large", "small"; "gray", "red", ...

// The world: x to the right, y away from the camera, z up, the ground at z = 0.
struct Object {
  std::array<int, kAttributes> values;  // indices into value_names(attribute)
  Vec3 center;
  double radius;        // of a sphere or cylinder; half the side of a cube. All stand on the ground
  double height;        // of the top above the ground
  double cosine, sine;  // rotation about z; only a cube shows it
};

// A pinhole camera that looks along +y and down; its right is the world's +x.
struct Camera {
  Vec3 eye, forward, up;
};

struct Scene {
  std::vector<Object> objects;  // 3 to 8
  Camera camera;
  Vec3 light;  // unit vector towards the key light
};

// The mapping between pixels and rays of an image of this size. The part of the world in which objects are placed is in
// view at every aspect ratio.
struct View {
  View(const Camera& camera, int64_t width, int64_t height);
  // The direction through a point of the image, with component 1 along the camera's forward axis.
  Vec3 ray(double px, double py) const;
  // px, py and the depth along the forward axis.
  Vec3 project(Vec3 point) const;

  Camera camera;
  int64_t width, height;
  double scale;  // pixels for a unit at depth 1
};

struct PixelBounds {
  int64_t x0, y0, x1, y1;  // [x0, x1) x [y0, y1), inside the image
};

// Pixels that an object can cover.
PixelBounds pixel_bounds(const Object& object, const View& view);

// Any two objects differ by a margin both in x and in y, and in the same sense in the picture, so that left, right,
// front and behind are never in doubt; every object is inside the frame and at least 45 % of it is seen.
Scene sample_scene(Random& random);

// "large red metal cube"
std::string describe(const Object& object);

}  // namespace multiviz::blockworld
