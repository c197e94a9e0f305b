#include "data/blocks/raster.h"

#include <algorithm>
#include <cmath>

namespace multiviz::blockworld {
namespace {

constexpr double kClose = 1e-6;

bool intersect_sphere(const Object& object, Vec3 origin, Vec3 direction, Hit& hit) {
  Vec3 offset = object.center - origin;
  double a = dot(direction, direction), b = dot(offset, direction);
  double under = b * b - a * (dot(offset, offset) - object.radius * object.radius);
  if (under < 0) return false;
  hit = {(b - std::sqrt(under)) / a, 0};
  return hit.distance > kClose;
}

// Side and top; nothing ever sees the bottom.
bool intersect_cylinder(const Object& object, Vec3 origin, Vec3 direction, Hit& hit) {
  double ox = object.center.x - origin.x, oy = object.center.y - origin.y;
  double a = direction.x * direction.x + direction.y * direction.y;
  double b = ox * direction.x + oy * direction.y;
  double square = object.radius * object.radius;
  double under = b * b - a * (ox * ox + oy * oy - square);
  if (under < 0) return false;
  double side = a > 1e-12 ? (b - std::sqrt(under)) / a : 0;
  double z = origin.z + side * direction.z;
  if (side > kClose && z >= 0 && z <= object.height) {
    hit = {side, 0};
    return true;
  }
  if (direction.z >= 0 || origin.z <= object.height) return false;
  double top = (object.height - origin.z) / direction.z;
  double x = top * direction.x - ox, y = top * direction.y - oy;
  if (top <= kClose || x * x + y * y > square) return false;
  hit = {top, 1};
  return true;
}

Vec3 to_local(const Object& object, Vec3 v) {
  return {v.x * object.cosine + v.y * object.sine, v.y * object.cosine - v.x * object.sine, v.z};
}

bool intersect_cube(const Object& object, Vec3 origin, Vec3 direction, Hit& hit) {
  Vec3 o = to_local(object, origin - object.center), d = to_local(object, direction);
  const double from[] = {o.x, o.y, o.z}, along[] = {d.x, d.y, d.z};
  double enter = -1e30, leave = 1e30;
  int face = 0;
  for (int axis = 0; axis < 3; ++axis) {
    if (std::abs(along[axis]) < 1e-12) {
      if (std::abs(from[axis]) > object.radius) return false;
      continue;
    }
    double inverse = 1.0 / along[axis];
    double half = along[axis] > 0 ? object.radius : -object.radius;
    double first = (-half - from[axis]) * inverse, last = (half - from[axis]) * inverse;
    if (first > enter) {
      enter = first;
      face = 1 + 2 * axis + (along[axis] > 0 ? 1 : 0);
    }
    leave = std::min(leave, last);
  }
  if (enter > leave || enter <= kClose) return false;
  hit = {enter, face};
  return true;
}

// How far a coordinate in [-1, 1] is into the rounded rim, with its sign.
double bevel(double coordinate, double rim) {
  double into = (std::abs(coordinate) - (1 - rim)) / rim;
  if (into <= 0) return 0;
  return coordinate > 0 ? into : -into;
}

Vec3 cube_normal(const Object& object, Vec3 point, int face) {
  Vec3 local = to_local(object, point - object.center) * (1.0 / object.radius);
  constexpr double rim = 0.10;
  // Metal faces bulge a little, so that their reflections vary as those of beaten metal do.
  double bulge = object.values[material] == metal ? 0.22 : 0;
  double n[] = {bulge * local.x + 0.7 * bevel(local.x, rim), bulge * local.y + 0.7 * bevel(local.y, rim),
                bulge * local.z + 0.7 * bevel(local.z, rim)};
  n[(face - 1) / 2] = (face - 1) % 2 ? -1 : 1;
  return unit({n[0] * object.cosine - n[1] * object.sine, n[0] * object.sine + n[1] * object.cosine, n[2]});
}

Vec3 cylinder_normal(const Object& object, Vec3 point, int face) {
  Vec3 side = (point - object.center) * (1.0 / object.radius);
  side.z = 0;
  if (face == 1) {
    double out = std::sqrt(dot(side, side));
    double into = bevel(out, 0.10);
    return into > 0 ? unit(side * (0.7 * into / out) + Vec3{0, 0, 1}) : Vec3{0, 0, 1};
  }
  double into = bevel((point.z - object.center.z) * 2 / object.height, 0.10);
  return unit(side + Vec3{0, 0, std::max(0.0, 0.7 * into)});
}

}  // namespace

bool intersect(const Object& object, Vec3 origin, Vec3 direction, Hit& hit) {
  switch (object.values[shape]) {
    case sphere:
      return intersect_sphere(object, origin, direction, hit);
    case cylinder:
      return intersect_cylinder(object, origin, direction, hit);
    default:
      return intersect_cube(object, origin, direction, hit);
  }
}

Vec3 normal_at(const Object& object, Vec3 point, int face) {
  switch (object.values[shape]) {
    case sphere:
      return (point - object.center) * (1.0 / object.radius);
    case cylinder:
      return cylinder_normal(object, point, face);
    default:
      return cube_normal(object, point, face);
  }
}

Raster rasterize(const std::vector<Object>& objects, const View& view) {
  size_t pixels = static_cast<size_t>(view.width * view.height);
  Raster raster{std::vector<int8_t>(pixels, -1), std::vector<int8_t>(pixels, 0), std::vector<double>(pixels, 1e30),
                std::vector<int64_t>(objects.size(), 0), std::vector<int64_t>(objects.size(), 0)};
  for (size_t i = 0; i < objects.size(); ++i) {
    PixelBounds bounds = pixel_bounds(objects[i], view);
    for (int64_t y = bounds.y0; y < bounds.y1; ++y) {
      for (int64_t x = bounds.x0; x < bounds.x1; ++x) {
        Hit hit;
        Vec3 ray = view.ray(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
        if (!intersect(objects[i], view.camera.eye, ray, hit)) continue;
        ++raster.covered[i];
        size_t pixel = static_cast<size_t>(y * view.width + x);
        if (hit.distance >= raster.distance[pixel]) continue;
        raster.distance[pixel] = hit.distance;
        raster.object[pixel] = static_cast<int8_t>(i);
        raster.face[pixel] = static_cast<int8_t>(hit.face);
      }
    }
  }
  for (int8_t object : raster.object)
    if (object >= 0) ++raster.visible[static_cast<size_t>(object)];
  return raster;
}

}  // namespace multiviz::blockworld
