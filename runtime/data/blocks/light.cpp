#include "data/blocks/light.h"

#include <algorithm>
#include <cmath>

namespace multiviz::blockworld {
namespace {

constexpr double kPenumbra = 0.07;  // half-width that the penumbra gains per unit of way from the occluder

// A signed distance from the middle of a light ray to an occluder's outline, and the way from the point to there.
struct Passing {
  double gap, way;
};

Passing pass_sphere(const Object& object, Vec3 point, Vec3 light) {
  Vec3 offset = object.center - point;
  double way = dot(offset, light);
  if (way <= 0) return {1e9, 0};
  return {std::sqrt(std::max(0.0, dot(offset, offset) - way * way)) - object.radius, way};
}

// The light ray is below a prism's top for a while; seen from above that part is a segment, and the prism its outline.
Passing pass_prism(const Object& object, Vec3 point, Vec3 light) {
  double rise = (object.height - point.z) / light.z;
  if (rise <= 0) return {1e9, 0};
  double x = point.x - object.center.x, y = point.y - object.center.y, dx = light.x * rise, dy = light.y * rise;
  double length = std::sqrt(dx * dx + dy * dy);
  double t = std::clamp(-(x * dx + y * dy) / (length * length), 0.0, 1.0);
  double nearest_x = x + t * dx, nearest_y = y + t * dy;
  if (object.values[shape] == cylinder)
    return {std::sqrt(nearest_x * nearest_x + nearest_y * nearest_y) - object.radius, t * rise};
  // Separating axes of a square and a segment: the square's two and the segment's normal.
  double lx = x * object.cosine + y * object.sine, ly = y * object.cosine - x * object.sine;
  double ldx = dx * object.cosine + dy * object.sine, ldy = dy * object.cosine - dx * object.sine;
  double half = object.radius;
  double gap_x = std::max(std::min(lx, lx + ldx) - half, -half - std::max(lx, lx + ldx));
  double gap_y = std::max(std::min(ly, ly + ldy) - half, -half - std::max(ly, ly + ldy));
  double nx = -ldy / length, ny = ldx / length;
  double gap_n = std::abs(lx * nx + ly * ny) - half * (std::abs(nx) + std::abs(ny));
  return {std::max({gap_x, gap_y, gap_n}), t * rise};
}

}  // namespace

double key_light(const Scene& scene, Vec3 point, int skip) {
  double share = 1;
  for (size_t i = 0; i < scene.objects.size(); ++i) {
    if (static_cast<int>(i) == skip) continue;
    const Object& object = scene.objects[i];
    double x = object.center.x - point.x, y = object.center.y - point.y;
    double reach = 1.5 * object.radius + 1.3 * object.height;  // the light is never lower than its slope allows
    if (x * x + y * y > reach * reach) continue;
    Passing passing = object.values[shape] == sphere ? pass_sphere(object, point, scene.light)
                                                     : pass_prism(object, point, scene.light);
    double width = 0.015 + kPenumbra * passing.way;
    share *= smoothstep(-width, width, passing.gap);
  }
  return share;
}

double sky_light(const Scene& scene, Vec3 point, Vec3 normal, int skip) {
  double share = 1;
  for (size_t i = 0; i < scene.objects.size(); ++i) {
    if (static_cast<int>(i) == skip) continue;
    const Object& object = scene.objects[i];
    Vec3 offset = object.center - point;
    double square = dot(offset, offset), radius = object.radius * object.radius * 1.1;
    if (square > 16 * radius) continue;
    // The part of the sky that a ball in that direction hides, faded out towards the distance where it is dropped.
    double distance = std::sqrt(square);
    double facing = std::max(0.0, 0.25 + 0.75 * dot(normal, offset) / distance);
    double hidden = facing * std::min(1.0, radius / square) * (1 - square / (16 * radius));
    share *= 1 - 0.75 * std::min(1.0, hidden);
  }
  return share;
}

}  // namespace multiviz::blockworld
