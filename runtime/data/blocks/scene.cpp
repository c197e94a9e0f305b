#include "data/blocks/scene.h"

#include <algorithm>
#include <cmath>

#include "data/blocks/raster.h"

namespace multiviz::blockworld {
namespace {

// Half the frame's width at depth 1, and its height for 4:3.
constexpr double kTanX = 0.36, kTanY = 0.27;
constexpr double kNearest = -3.0, kFarthest = 3.5;
constexpr double kMargin = 0.36;               // between any two objects along x and along y
constexpr double kGap = 0.18;                  // between the outlines of any two
constexpr int64_t kWidth = 128, kHeight = 96;  // where visibility is judged, whatever the size of the picture

Camera sample_camera(Random& random) {
  double pan = random.uniform(-0.3, 0.3);
  Camera camera;
  camera.eye = {pan, random.uniform(-9.0, -8.5), random.uniform(4.9, 5.4)};
  camera.forward = unit(Vec3{pan, random.uniform(0.25, 0.45), 0.4} - camera.eye);
  camera.up = cross({1, 0, 0}, camera.forward);
  return camera;
}

Object sample_object(Random& random) {
  Object object;
  for (int attribute = 0; attribute < kAttributes; ++attribute)
    object.values[attribute] = static_cast<int>(random.below(static_cast<int64_t>(value_names(attribute).size())));
  double extent = object.values[size] == large ? 0.76 : 0.40;
  if (object.values[shape] == sphere) {
    object.radius = extent;
    object.height = 2 * extent;
  } else if (object.values[shape] == cylinder) {
    object.radius = 0.86 * extent;
    object.height = 1.8 * extent;
  } else {
    object.radius = 0.80 * extent;
    object.height = 1.6 * extent;
  }
  // The half-angle parametrisation of a turn within 45 degrees: no sine or cosine needed.
  double t = random.uniform(-0.41421356, 0.41421356);
  object.cosine = (1 - t * t) / (1 + t * t);
  object.sine = 2 * t / (1 + t * t);
  return object;
}

// The radius of the circle around an object's outline on the ground.
double footprint(const Object& object) { return object.values[shape] == cube ? object.radius * 1.2 : object.radius; }

bool inside_frame(const Object& object, const View& view) {
  double reach = footprint(object);
  Vec3 center = view.project(object.center);
  double half = reach * view.scale / (center.z - reach);
  Vec3 foot = view.project({object.center.x, object.center.y - reach, 0});
  Vec3 top = view.project({object.center.x, object.center.y + reach, object.height});
  return center.x - half > 4 && center.x + half < view.width - 4 && foot.y < view.height - 2 && top.y > 2;
}

bool fits(const Object& object, const std::vector<Object>& others, const View& view) {
  if (!inside_frame(object, view)) return false;
  double px = view.project(object.center).x;
  for (const Object& other : others) {
    double dx = object.center.x - other.center.x, dy = object.center.y - other.center.y;
    if (std::abs(dx) < kMargin || std::abs(dy) < kMargin) return false;
    double gap = footprint(object) + footprint(other) + kGap;
    if (dx * dx + dy * dy < gap * gap) return false;
    double shift = px - view.project(other.center).x;
    if (dx > 0 ? shift < 3 : shift > -3) return false;
  }
  return true;
}

bool place(Object& object, const std::vector<Object>& others, const View& view, Random& random) {
  for (int attempt = 0; attempt < 40; ++attempt) {
    double y = random.uniform(kNearest, kFarthest);
    double reach = kTanX * dot(Vec3{0, y, 0} - view.camera.eye, view.camera.forward);
    object.center = {view.camera.eye.x + random.uniform(-reach, reach), y, object.height / 2};
    if (fits(object, others, view)) return true;
  }
  return false;
}

bool all_seen(const std::vector<Object>& objects, const View& view) {
  Raster raster = rasterize(objects, view);
  for (size_t i = 0; i < objects.size(); ++i)
    if (raster.visible[i] < 32 || raster.visible[i] * 100 < raster.covered[i] * 45) return false;
  return true;
}

}  // namespace

const char* attribute_name(int attribute) {
  static constexpr const char* names[] = {"size", "color", "material", "shape"};
  return names[attribute];
}

const std::vector<std::string>& value_names(int attribute) {
  static const std::vector<std::string> names[] = {
      {"large", "small"},
      {"gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow"},
      {"metal", "rubber"},
      {"cube", "sphere", "cylinder"},
  };
  return names[attribute];
}

std::string describe(const Object& object) {
  std::string text;
  for (int attribute = 0; attribute < kAttributes; ++attribute) {
    if (attribute > 0) text += ' ';
    text += value_names(attribute)[static_cast<size_t>(object.values[attribute])];
  }
  return text;
}

View::View(const Camera& camera, int64_t width, int64_t height)
    : camera(camera),
      width(width),
      height(height),
      scale(std::min(static_cast<double>(width) / (2 * kTanX), static_cast<double>(height) / (2 * kTanY))) {}

Vec3 View::ray(double px, double py) const {
  double right = (px - 0.5 * static_cast<double>(width)) / scale;
  double up = (0.5 * static_cast<double>(height) - py) / scale;
  Vec3 direction = camera.forward + camera.up * up;
  direction.x += right;
  return direction;
}

Vec3 View::project(Vec3 point) const {
  Vec3 offset = point - camera.eye;
  double depth = dot(offset, camera.forward);
  return {0.5 * static_cast<double>(width) + offset.x / depth * scale,
          0.5 * static_cast<double>(height) - dot(offset, camera.up) / depth * scale, depth};
}

PixelBounds pixel_bounds(const Object& object, const View& view) {
  double low_x = 1e9, low_y = 1e9, high_x = -1e9, high_y = -1e9;
  double reach =
      object.values[shape] == cube ? object.radius * (std::abs(object.cosine) + std::abs(object.sine)) : object.radius;
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 p = view.project({object.center.x + (corner & 1 ? reach : -reach),
                           object.center.y + (corner & 2 ? reach : -reach), corner & 4 ? object.height : 0.0});
    low_x = std::min(low_x, p.x);
    high_x = std::max(high_x, p.x);
    low_y = std::min(low_y, p.y);
    high_y = std::max(high_y, p.y);
  }
  auto clamp = [](double value, int64_t limit) {
    return static_cast<int64_t>(std::clamp(value, 0.0, static_cast<double>(limit)));
  };
  return {clamp(std::floor(low_x), view.width), clamp(std::floor(low_y), view.height),
          clamp(std::floor(high_x) + 1, view.width), clamp(std::floor(high_y) + 1, view.height)};
}

Scene sample_scene(Random& random) {
  // Fixed before the attempts: crowded scenes fail more often and would be rare otherwise.
  int64_t count = 3 + random.below(6);
  for (;;) {
    Scene scene;
    scene.camera = sample_camera(random);
    scene.light = unit({random.uniform(-0.85, -0.45), random.uniform(-0.55, -0.2), 1.0});
    View view(scene.camera, kWidth, kHeight);
    for (int64_t i = 0; i < count; ++i) {
      Object object = sample_object(random);
      if (!place(object, scene.objects, view, random)) break;
      scene.objects.push_back(object);
    }
    if (static_cast<int64_t>(scene.objects.size()) == count && all_seen(scene.objects, view)) return scene;
  }
}

}  // namespace multiviz::blockworld
