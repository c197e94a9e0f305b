#include <doctest/doctest.h>

#include <cmath>

#include "data/blocks/reference.h"
#include "data/blocks/render.h"

using namespace multiviz;
using namespace multiviz::blockworld;

TEST_CASE("blocks: objects stand apart, in the frame, and are seen") {
  int counts[9] = {};
  for (uint64_t i = 0; i < 300; ++i) {
    Random random(2, i);
    Scene scene = sample_scene(random);
    View view(scene.camera, 128, 96);
    Raster raster = rasterize(scene.objects, view);
    REQUIRE((scene.objects.size() >= 3 && scene.objects.size() <= 8));
    ++counts[scene.objects.size()];
    View wider = view;
    wider.width = 192;
    wider.height = 144;
    CHECK(rasterize(scene.objects, wider).covered == raster.covered);  // nothing is cut off by the frame
    for (size_t a = 0; a < scene.objects.size(); ++a) {
      CHECK(raster.visible[a] >= 32);
      CHECK(raster.visible[a] * 100 >= raster.covered[a] * 45);
      for (size_t b = 0; b < a; ++b) {
        Vec3 difference = scene.objects[a].center - scene.objects[b].center;
        CHECK(std::abs(difference.x) > 0.35);
        CHECK(std::abs(difference.y) > 0.35);
        double shift = view.project(scene.objects[a].center).x - view.project(scene.objects[b].center).x;
        CHECK((difference.x > 0) == (shift > 0));
      }
    }
  }
  for (int n = 3; n <= 8; ++n) CHECK(counts[n] > 25);
}

TEST_CASE("blocks: a ray through an object's projected center hits it, unless another is in front") {
  Random random(3, 1);
  Scene scene = sample_scene(random);
  View view(scene.camera, 480, 320);
  for (const Object& object : scene.objects) {
    Vec3 pixel = view.project(object.center);
    Hit hit;
    REQUIRE(intersect(object, scene.camera.eye, view.ray(pixel.x, pixel.y), hit));
    CHECK(hit.distance < pixel.z);
    CHECK(hit.distance > pixel.z - 2);
    Vec3 point = scene.camera.eye + view.ray(pixel.x, pixel.y) * hit.distance;
    Vec3 normal = normal_at(object, point, hit.face);
    CHECK(dot(normal, normal) == doctest::Approx(1));
    CHECK(dot(normal, scene.camera.forward) < 0);
    CHECK_FALSE(intersect(object, scene.camera.eye, -view.ray(pixel.x, pixel.y), hit));
  }
}

TEST_CASE("blocks: every shape of picture shows the same scene") {
  Random random(4, 1);
  Scene scene = sample_scene(random);
  for (auto [width, height] : {std::pair<int64_t, int64_t>{16, 512}, {512, 16}, {160, 120}}) {
    const auto picture = render(scene, width, height);
    CHECK(picture.pixels.size() == static_cast<size_t>(width * height * 3));
    for (const Object& object : scene.objects) {
      Vec3 pixel = View(scene.camera, width, height).project(object.center);
      CHECK((pixel.x > 0 && pixel.y > 0 && pixel.x < static_cast<double>(width) &&
             pixel.y < static_cast<double>(height)));
    }
  }
}

TEST_CASE("blocks: an object's own words do not answer the question about another") {
  Spec target = {-1, -1, -1, cube}, large_cube = {large, -1, -1, cube}, large_ball = {large, -1, -1, sphere};
  CHECK(gives_away(size, target, large_cube));
  CHECK_FALSE(gives_away(size, target, large_ball));
  CHECK_FALSE(gives_away(material, target, large_cube));
  CHECK(all_specs(1u << size | 1u << color).size() == 16);
  CHECK(implies(large_cube, target));
  CHECK_FALSE(implies(target, large_cube));
}
