#include "data/clevr/camera.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "io/json.h"

namespace multiviz::clevr {
namespace {

using namespace blockworld;
using nlohmann::json;

// The camera of base_scene.blend, before jitter, is at (7.48, -6.51, 5.34) and looks at the origin.
const double usual_pitch =
    std::asin(5.34366512 / std::sqrt(7.48113155 * 7.48113155 + 6.50763988 * 6.50763988 + 5.34366512 * 5.34366512));

Vec3 vector_from(const json& object, const std::string& key, const std::string& where) {
  const auto numbers = require<std::vector<double>>(object, key, where);
  check(numbers.size() == 3, "{}: '{}' must be 3 numbers, not {}", where, key, numbers.size());
  for (double number : numbers) check(std::isfinite(number), "{}: '{}' is not finite", where, key);
  return {numbers[0], numbers[1], numbers[2]};
}

struct Seen {
  Vec3 place, pixel;  // pixel.z is the depth
};

std::vector<Seen> seen_objects(const json& scene, const std::string& where) {
  const json& objects = require(scene, "objects", where);
  check(objects.is_array(), "{}: 'objects' must be a list, not {}", where, objects.type_name());
  std::vector<Seen> seen;
  for (const json& object : objects) {
    const std::string here = fmt::format("{}: object {}", where, seen.size() + 1);
    seen.push_back({vector_from(object, "3d_coords", here), vector_from(object, "pixel_coords", here)});
    check(seen.back().pixel.z > 0, "{}: 'pixel_coords' has a depth of {}: it must be positive", here,
          seen.back().pixel.z);
  }
  return seen;
}

// Least squares over the pitch alone: for each pitch the best constant is a mean. The sum of squares is a trigonometric
// polynomial of degree 2, so that a coarse search and a fine one find its minimum.
double fit_pitch(const std::vector<Seen>& seen, Vec3 behind) {
  const auto error = [&](double pitch) {
    const double c = std::cos(pitch), s = std::sin(pitch);
    double sum = 0, squares = 0;
    for (const Seen& object : seen) {
      const double rest = object.pixel.z - (c * dot(behind, object.place) - s * object.place.z);
      sum += rest;
      squares += rest * rest;
    }
    // A little towards the usual pitch, which decides when nothing else does.
    return squares - sum * sum / static_cast<double>(seen.size()) +
           1e-9 * (pitch - usual_pitch) * (pitch - usual_pitch);
  };
  constexpr double right_angle = 1.5707963267948966;
  constexpr int steps = 90;
  double best = 0;
  for (int i = 1; i < steps; ++i)
    if (error(right_angle * i / steps) < error(best)) best = right_angle * i / steps;
  double low = std::max(best - right_angle / steps, 0.0), high = std::min(best + right_angle / steps, right_angle);
  while (high - low > 1e-9) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    (error(a) < error(b) ? high : low) = error(a) < error(b) ? b : a;
  }
  return 0.5 * (low + high);
}

// The tangents from the eye to a ball, as slopes x / z, for the plane of one picture axis: the ball's center is at
// (x, z) there. (x - t z)^2 = r^2 (1 + t^2).
std::pair<double, double> slopes(double x, double z, double r) {
  const double a = z * z - r * r, root = r * std::sqrt(std::max(x * x + a, 0.0));
  return {(x * z - root) / a, (x * z + root) / a};
}

struct Ball {
  Vec3 center;
  double radius;
};

// Balls whose convex hull is the solid.
std::vector<Ball> balls_of(const Solid& solid, Rounding rounding) {
  if (solid.shape == Solid::sphere) return {{solid.center, solid.radius}};
  const bool cube = solid.shape == Solid::cube;
  const double r = (cube ? rounding.cube : rounding.cylinder) * solid.radius;
  const int around = cube ? 4 : 128;
  const double reach = (cube ? std::sqrt(2.0) : 1.0) * (solid.radius - r), height = solid.half_height - r;
  std::vector<Ball> balls;
  for (int i = 0; i < around; ++i) {
    const double angle = solid.angle + 6.283185307179586 * (i + 0.5) / around;
    const Vec3 side = {reach * std::cos(angle), reach * std::sin(angle), 0};
    for (double z : {-height, height}) balls.push_back({solid.center + side + Vec3{0, 0, z}, r});
  }
  return balls;
}

}  // namespace

Camera fit_camera(const json& scene, int64_t width, int64_t height, double focal, const std::string& where) {
  const std::vector<Seen> seen = seen_objects(scene, where);
  check(!seen.empty(), "{}: the scene has no objects", where);
  const json& directions = require(scene, "directions", where);
  Vec3 behind = vector_from(directions, "behind", where);
  const Vec3 side = vector_from(directions, "right", where);
  check(std::abs(dot(behind, behind) - 1) < 1e-3 && std::abs(dot(side, side) - 1) < 1e-3 &&
            std::abs(dot(behind, side)) < 1e-3 && std::abs(behind.z) < 1e-3 && std::abs(side.z) < 1e-3,
        "{}: 'directions' must be unit vectors along the ground, 'right' at right angles to 'behind'", where);
  const double pitch = fit_pitch(seen, behind);
  Camera camera;
  camera.focal = focal;
  camera.center_x = 0.5 * static_cast<double>(width);
  camera.center_y = 0.5 * static_cast<double>(height);
  camera.right = side;
  camera.forward = behind * std::cos(pitch) + Vec3{0, 0, -std::sin(pitch)};
  camera.up = behind * std::sin(pitch) + Vec3{0, 0, std::cos(pitch)};
  double along = 0, across = 0, above = 0;
  for (const auto& [place, pixel] : seen) {
    along += dot(camera.forward, place) - pixel.z;
    across += dot(camera.right, place) - (pixel.x - camera.center_x) * pixel.z / focal;
    above += dot(camera.up, place) - (camera.center_y - pixel.y) * pixel.z / focal;
  }
  const double n = static_cast<double>(seen.size());
  camera.eye = camera.forward * (along / n) + camera.right * (across / n) + camera.up * (above / n);
  return camera;
}

Solid solid_from_json(const json& object, const std::string& where) {
  const auto shape = require<std::string>(object, "shape", where), size = require<std::string>(object, "size", where);
  check(size == "large" || size == "small", "{}: 'size' must be large or small, not '{}'", where, size);
  Solid solid{Solid::sphere, vector_from(object, "3d_coords", where), size == "large" ? 0.7 : 0.35,
              get_or(object, "rotation", 0.0, where), 0};
  if (shape == "cube") {
    solid.shape = Solid::cube;
    solid.radius /= std::sqrt(2.0);
  } else if (shape == "cylinder") {
    solid.shape = Solid::cylinder;
  } else {
    check(shape == "sphere", "{}: 'shape' must be cube, sphere or cylinder, not '{}'", where, shape);
  }
  check(std::isfinite(solid.angle), "{}: 'rotation' is not finite", where);
  solid.half_height = solid.radius;
  return solid;
}

Box box_of(const Solid& solid, const Camera& camera, int64_t width, int64_t height, Rounding rounding) {
  Box box{1e30, 1e30, -1e30, -1e30};
  for (const Ball& ball : balls_of(solid, rounding)) {
    const Vec3 offset = ball.center - camera.eye;
    const double z = std::max(dot(offset, camera.forward), ball.radius + 1e-3);  // behind the camera nothing is seen
    const auto [left, right] = slopes(dot(offset, camera.right), z, ball.radius);
    const auto [low, high] = slopes(dot(offset, camera.up), z, ball.radius);
    box.x0 = std::min(box.x0, camera.center_x + camera.focal * left);
    box.x1 = std::max(box.x1, camera.center_x + camera.focal * right);
    box.y0 = std::min(box.y0, camera.center_y - camera.focal * high);
    box.y1 = std::max(box.y1, camera.center_y - camera.focal * low);
  }
  const auto w = static_cast<double>(width), h = static_cast<double>(height);
  return {std::clamp(box.x0, 0.0, w), std::clamp(box.y0, 0.0, h), std::clamp(box.x1, 0.0, w),
          std::clamp(box.y1, 0.0, h)};
}

}  // namespace multiviz::clevr
