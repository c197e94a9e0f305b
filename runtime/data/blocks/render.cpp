#include "data/blocks/render.h"

#include <algorithm>
#include <cmath>

#include "data/blocks/light.h"

namespace multiviz::blockworld {
namespace {

// CLEVR's colors, sRGB, in the order of value_names(color).
constexpr double kColors[][3] = {{87, 87, 87},  {173, 35, 35},  {42, 75, 215},  {29, 105, 20},
                                 {129, 74, 25}, {129, 38, 192}, {41, 208, 208}, {255, 238, 51}};
constexpr Vec3 kKey{1.02, 0.99, 0.93};  // color and strength of the key light
constexpr Vec3 kSky{0.46, 0.48, 0.52};
constexpr Vec3 kGround{0.47, 0.465, 0.455};
constexpr Vec3 kFar{0.52, 0.53, 0.54};  // what the ground fades to

Vec3 albedo(const Object& object) {
  const double* c = kColors[object.values[color]];
  Vec3 v{c[0] / 255, c[1] / 255, c[2] / 255};
  return v * v;  // gamma 2, which square roots undo exactly
}

double power16(double v) {
  v *= v;
  v *= v;
  v *= v;
  return v * v;
}

class Shader {
 public:
  explicit Shader(const Scene& scene) : scene_(scene) {}

  Vec3 ground(Vec3 origin, Vec3 direction) const {
    if (direction.z > -1e-3) return kFar;
    double way = origin.z / -direction.z;
    Vec3 point = origin + direction * way;
    point.z = 0;
    double square = point.x * point.x + point.y * point.y;
    double pool = 0.62 + 0.38 / (1 + 0.035 * square);  // the lamp's pool of light
    double key = key_light(scene_, point, -1) * scene_.light.z;
    Vec3 light = kKey * (key * 0.82 * pool) + kSky * (0.85 * sky_light(scene_, point, {0, 0, 1}, -1));
    return mix(kGround * light, kFar * 0.62, smoothstep(7, 26, point.y));
  }

  Vec3 object(int index, Vec3 origin, Vec3 direction, const Hit& hit) const {
    const Object& object = scene_.objects[static_cast<size_t>(index)];
    Vec3 point = origin + direction * hit.distance;
    Vec3 normal = normal_at(object, point, hit.face);
    Vec3 view = unit(-direction);
    double key = key_light(scene_, point, index);
    double sky = sky_light(scene_, point, normal, index);
    if (object.values[material] == metal) return metal_color(index, point, normal, view, key, sky);
    Vec3 base = albedo(object);
    Vec3 color = base * diffuse(normal, point, key, sky);
    double half = std::max(0.0, dot(normal, unit(scene_.light + view)));
    double sheen = 0.045 * power16(half) * key;
    return color + Vec3{sheen, sheen, sheen};
  }

 private:
  // Light that falls on a surface: the key, the sky from above and the ground's glow from below.
  Vec3 diffuse(Vec3 normal, Vec3 point, double key, double sky) const {
    double lambert = std::max(0.0, dot(normal, scene_.light));
    double up = 0.5 + 0.5 * normal.z;
    double low = 1 / (1 + 1.5 * point.z);
    double fill = 0.16 * std::max(0.0, 0.75 * normal.x - 0.5 * normal.y + 0.2);
    Vec3 bounce = kGround * (0.30 * (1 - up) * (1 - 0.35 * low));
    return kKey * (1.12 * lambert * key) + kSky * (sky * (0.35 + 0.75 * up)) + bounce * sky + kKey * (fill * sky);
  }

  // What a polished surface sees: two tall lamps and the key lamp in a sky that is light above and dark at the horizon,
  // and the ground below, darker where the object stands. The contrasts are what makes it look like metal.
  Vec3 environment(Vec3 point, Vec3 direction) const {
    double around = direction.x / std::sqrt(direction.x * direction.x + direction.y * direction.y + 1e-9);
    bool front = direction.y < 0;
    double strips =
        front ? smoothstep(0.30, 0.0, std::abs(around + 0.62)) + 0.8 * smoothstep(0.16, 0.0, std::abs(around - 0.78))
              : 0;
    if (direction.z < 0.02) {
      double way = direction.z < -0.02 ? point.z / -direction.z : point.z / 0.02;
      double open = way / (way + 0.55);
      return kGround * (0.12 + 1.15 * open * open + 1.3 * strips * open);
    }
    double lamp = smoothstep(0.90, 0.985, dot(direction, scene_.light));
    double rise = smoothstep(0.0, 0.9, direction.z);
    Vec3 sky = mix(Vec3{0.20, 0.21, 0.23}, Vec3{1.0, 1.02, 1.05}, rise);
    return sky + kKey * (2.6 * lamp + 0.9 * strips * (1 - rise));
  }

  Vec3 metal_color(int index, Vec3 point, Vec3 normal, Vec3 view, double key, double sky) const {
    Vec3 base = albedo(scene_.objects[static_cast<size_t>(index)]);
    double facing = std::max(0.0, dot(normal, view));
    Vec3 direction = normal * (2 * facing) - view;
    Vec3 seen = reflected(index, point, direction);
    double grazing = 1 - facing;
    double fresnel = 0.55 * grazing * grazing * grazing * grazing;
    // Dark paints would make black mirrors: a metal is tinted by a lighter tone of its color.
    Vec3 tint = base * 0.95 + Vec3{0.06, 0.06, 0.06};
    double half = std::max(0.0, dot(normal, unit(scene_.light + view)));
    double spark = (1.3 * power16(power16(half)) + 0.22 * power16(half)) * key;
    Vec3 mirror = mix(tint, Vec3{0.8, 0.8, 0.8}, fresnel) * seen * (0.55 + 0.45 * sky);
    return mirror * 1.2 + base * diffuse(normal, point, key, sky) * 0.28 + Vec3{spark, spark, spark};
  }

  Vec3 reflected(int index, Vec3 point, Vec3 direction) const {
    Hit nearest{1e30, 0};
    int which = -1;
    for (size_t i = 0; i < scene_.objects.size(); ++i) {
      Hit hit;
      if (static_cast<int>(i) == index || !intersect(scene_.objects[i], point, direction, hit)) continue;
      if (hit.distance >= nearest.distance) continue;
      nearest = hit;
      which = static_cast<int>(i);
    }
    if (which < 0) return environment(point, direction);
    const Object& other = scene_.objects[static_cast<size_t>(which)];
    Vec3 there = point + direction * nearest.distance;
    return albedo(other) * diffuse(normal_at(other, there, nearest.face), there, 0.8, 0.8);
  }

  const Scene& scene_;
};

class Renderer {
 public:
  Renderer(const Scene& scene, const View& view) : scene_(scene), view_(view), shader_(scene) {
    for (const Object& object : scene.objects) bounds_.push_back(pixel_bounds(object, view));
  }

  Vec3 smooth(const Raster& raster, int64_t x, int64_t y) const {
    size_t pixel = static_cast<size_t>(y * view_.width + x);
    Vec3 ray = view_.ray(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
    if (raster.object[pixel] < 0) return shader_.ground(view_.camera.eye, ray);
    return shader_.object(raster.object[pixel], view_.camera.eye, ray, {raster.distance[pixel], raster.face[pixel]});
  }

  Vec3 edge(int64_t x, int64_t y) const {
    Vec3 sum;
    for (int sample = 0; sample < 9; ++sample) {
      double px = static_cast<double>(x) + (sample % 3 * 2 + 1) / 6.0,
             py = static_cast<double>(y) + (sample / 3 * 2 + 1) / 6.0;
      // Averaged as displayed, so that bright highlights do not eat the edge.
      sum = sum + display(trace(x, y, view_.ray(px, py)));
    }
    return sum * (1.0 / 9);
  }

  static Vec3 display(Vec3 c) { return {tone(c.x), tone(c.y), tone(c.z)}; }

 private:
  static double tone(double v) {
    // Straight up to 0.7, then bent towards 1.
    if (v > 0.7) v = 0.7 + 0.3 * (v - 0.7) / (v - 0.7 + 0.3);
    return std::sqrt(std::max(0.0, v));
  }

  Vec3 trace(int64_t x, int64_t y, Vec3 ray) const {
    Hit nearest{1e30, 0};
    int which = -1;
    for (size_t i = 0; i < bounds_.size(); ++i) {
      const PixelBounds& b = bounds_[i];
      Hit hit;
      if (x < b.x0 || x >= b.x1 || y < b.y0 || y >= b.y1) continue;
      if (!intersect(scene_.objects[i], view_.camera.eye, ray, hit) || hit.distance >= nearest.distance) continue;
      nearest = hit;
      which = static_cast<int>(i);
    }
    return which < 0 ? shader_.ground(view_.camera.eye, ray) : shader_.object(which, view_.camera.eye, ray, nearest);
  }

  const Scene& scene_;
  const View& view_;
  Shader shader_;
  std::vector<PixelBounds> bounds_;
};

bool on_edge(const Raster& raster, const View& view, int64_t x, int64_t y) {
  int64_t pixel = y * view.width + x;
  auto differs = [&](int64_t other) {
    size_t a = static_cast<size_t>(pixel), b = static_cast<size_t>(other);
    return raster.object[a] != raster.object[b] || raster.face[a] != raster.face[b];
  };
  return (x > 0 && differs(pixel - 1)) || (x + 1 < view.width && differs(pixel + 1)) ||
         (y > 0 && differs(pixel - view.width)) || (y + 1 < view.height && differs(pixel + view.width));
}

uint8_t to_byte(double v) { return static_cast<uint8_t>(std::clamp(v, 0.0, 1.0) * 255 + 0.5); }

}  // namespace

Picture render(const Scene& scene, int64_t width, int64_t height) {
  View view(scene.camera, width, height);
  Picture picture{std::vector<uint8_t>(static_cast<size_t>(width * height * 3)), rasterize(scene.objects, view)};
  Renderer renderer(scene, view);
  uint8_t* out = picture.pixels.data();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x, out += 3) {
      Vec3 c = on_edge(picture.raster, view, x, y) ? renderer.edge(x, y)
                                                   : Renderer::display(renderer.smooth(picture.raster, x, y));
      out[0] = to_byte(c.x);
      out[1] = to_byte(c.y);
      out[2] = to_byte(c.z);
    }
  }
  return picture;
}

}  // namespace multiviz::blockworld
