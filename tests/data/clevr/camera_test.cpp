#include "data/clevr/camera.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/random.h"
#include "data/blocks/render.h"
#include "data/blocks/scene.h"
#include "tests/scratch.h"

using namespace multiviz;
using nlohmann::json;

namespace {

// The camera 10 units from the origin, straight along +y and 30 degrees down: its forward is (0, cos 30, -sin 30), its
// eye -10 forward = (0, -8.6603, 5). Objects are at (0, 0, 0.7): depth 10 - 0.7 sin 30 = 9.65, up 0.7 cos 30 = 0.6062;
// at (2, 0, 0.7), whose right is 2; and at (0, 2, 0.7), with 2 cos 30 more depth and 2 sin 30 more up.
json hand_scene() {
  const auto object = [](double x, double y, double px, double py, double depth) {
    return json{{"3d_coords", {x, y, 0.7}}, {"pixel_coords", {px, py, depth}},
                {"shape", "sphere"},        {"size", "large"},
                {"rotation", 0.0},          {"color", "red"}};
  };
  const double f = 525, up = 0.7 * std::sqrt(0.75);
  const double far = 9.65 + 2 * std::sqrt(0.75);
  return {{"directions", {{"behind", {0, 1, 0}}, {"right", {1, 0, 0}}}},
          {"objects",
           {object(0, 0, 240, 160 - f * up / 9.65, 9.65), object(2, 0, 240 + f * 2 / 9.65, 160 - f * up / 9.65, 9.65),
            object(0, 2, 240, 160 - f * (up + 1) / far, far)}}};
}

}  // namespace

TEST_CASE("CLEVR's camera has 525 pixels a unit at depth 1 in pictures of 480 pixels") {
  CHECK(clevr::focal_length(480) == doctest::Approx(525));
}

TEST_CASE("the camera is found from the objects' depths and pixels") {
  const clevr::Camera camera = clevr::fit_camera(hand_scene(), 480, 320, 525, "scene");
  CHECK(camera.forward.y == doctest::Approx(std::sqrt(0.75)).epsilon(1e-6));
  CHECK(camera.forward.z == doctest::Approx(-0.5).epsilon(1e-6));
  CHECK(camera.eye.x == doctest::Approx(0).epsilon(1e-6));
  CHECK(camera.eye.y == doctest::Approx(-10 * std::sqrt(0.75)).epsilon(1e-6));
  CHECK(camera.eye.z == doctest::Approx(5).epsilon(1e-6));
}

TEST_CASE("a box by hand: a ball, a cube, a cylinder") {
  const json scene = hand_scene();
  const clevr::Camera camera = clevr::fit_camera(scene, 480, 320, 525, "scene");
  // A ball of radius r straight ahead at distance d is seen under slopes +-r / sqrt(d^2 - r^2): 0.7 at depth 9.65,
  // whose own offset across is 0: 525 * 0.7 / sqrt(9.65^2 - 0.49) = 38.18.
  const Box ball = clevr::box_of(clevr::solid_from_json(scene["objects"][0], "o"), camera, 480, 320);
  CHECK(ball.x0 == doctest::Approx(240 - 38.184).epsilon(1e-4));
  CHECK(ball.x1 == doctest::Approx(240 + 38.184).epsilon(1e-4));
  // A cube with sharp edges, unturned: half a side is 0.7 / sqrt(2) = 0.49497. It stands on the ground at the origin.
  // The lower front edge, at (x, -0.49497, 0), is at depth 10 - 0.49497 cos 30 = 9.57134, up 0 + -0.49497 sin 30 =
  // -0.24749; the upper front edge, at z = 0.98995, at depth 9.07637. Left and right are the upper front corners: 525 *
  // 0.49497 / 9.07637 = 28.6306. Below is the lower front edge: 160 + 525 * 0.24749 / 9.57134 = 173.575. Above is the
  // upper back edge, up 0.24749 + 0.98995 cos 30 = 1.10481 at depth 10 + 0.42866 - 0.49497 = 9.93369: 101.610.
  json cube = scene["objects"][0];
  cube["shape"] = "cube";
  cube["3d_coords"] = {0, 0, 0.7 / std::sqrt(2.0)};
  const Box box = clevr::box_of(clevr::solid_from_json(cube, "o"), camera, 480, 320, {0, 0});
  CHECK(box.x0 == doctest::Approx(240 - 28.6306).epsilon(1e-5));
  CHECK(box.x1 == doctest::Approx(240 + 28.6306).epsilon(1e-5));
  CHECK(box.y1 == doctest::Approx(173.575).epsilon(1e-5));
  CHECK(box.y0 == doctest::Approx(101.610).epsilon(1e-5));
  // Rounded edges take a little off every side.
  const Box rounded = clevr::box_of(clevr::solid_from_json(cube, "o"), camera, 480, 320);
  CHECK(rounded.y0 > box.y0);
  CHECK(rounded.x1 < box.x1);
  CHECK(rounded.x1 > box.x1 - 3);
  // A turn by 45 degrees makes the cube sqrt(2) wider. `rotation` is in radians, whatever its range.
  cube["rotation"] = 0.78539816;
  const Box turned = clevr::box_of(clevr::solid_from_json(cube, "o"), camera, 480, 320, {0, 0});
  CHECK(turned.x1 - turned.x0 > 1.3 * (box.x1 - box.x0));
  // What lies outside of the picture is cut off.
  json edge = scene["objects"][0];
  edge["3d_coords"] = {-5, 0, 0.7};
  CHECK(clevr::box_of(clevr::solid_from_json(edge, "o"), camera, 480, 320).x0 == 0);
}

TEST_CASE("boxes fit the pixels of rendered objects") {
  using namespace blockworld;
  constexpr int64_t width = 240, height = 180;
  Random random(11);
  int64_t compared = 0;
  for (int trial = 0; trial < 6; ++trial) {
    const Scene scene = sample_scene(random);
    const View view(scene.camera, width, height);
    json objects = json::array();
    for (const Object& object : scene.objects) {
      const Vec3 pixel = view.project(object.center);
      objects.push_back({{"3d_coords", {object.center.x, object.center.y, object.center.z}},
                         {"pixel_coords", {pixel.x, pixel.y, pixel.z}}});
    }
    const json published = {{"directions", {{"behind", {0, 1, 0}}, {"right", {1, 0, 0}}}}, {"objects", objects}};
    const clevr::Camera camera = clevr::fit_camera(published, width, height, view.scale, "scene");
    for (const Object& object : scene.objects) {
      Scene alone = scene;
      alone.objects = {object};
      const auto picture = render(alone, width, height);
      double x0 = width, y0 = height, x1 = 0, y1 = 0;
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
          if (picture.raster.object[static_cast<size_t>(y * width + x)] == 0) {
            x0 = std::min(x0, static_cast<double>(x));
            x1 = std::max(x1, static_cast<double>(x + 1));
            y0 = std::min(y0, static_cast<double>(y));
            y1 = std::max(y1, static_cast<double>(y + 1));
          }
      const auto shape = object.values[Attribute::shape] == Shape::cube     ? clevr::Solid::cube
                         : object.values[Attribute::shape] == Shape::sphere ? clevr::Solid::sphere
                                                                            : clevr::Solid::cylinder;
      const clevr::Solid solid{shape, object.center, object.radius, std::atan2(object.sine, object.cosine),
                               object.height / 2};
      const Box box = clevr::box_of(solid, camera, width, height, {0, 0});
      // A pixel counts when its middle is covered: a box may be up to a pixel away, and a corner between two middles
      // more.
      CHECK(std::abs(box.x0 - x0) < 1.2);
      CHECK(std::abs(box.x1 - x1) < 1.2);
      CHECK(std::abs(box.y0 - y0) < 1.2);
      CHECK(std::abs(box.y1 - y1) < 1.2);
      ++compared;
    }
  }
  CHECK(compared >= 18);
}

TEST_CASE("scenes that give no camera are told") {
  const auto refusal = [](const json& scene) {
    return error_of([&] { clevr::fit_camera(scene, 480, 320, 525, "scene 3"); });
  };
  json scene = hand_scene();
  scene["objects"][1]["pixel_coords"][2] = -1;
  CHECK(refusal(scene) == has("scene 3: object 2: 'pixel_coords' has a depth of -1"));
  scene = hand_scene();
  scene["objects"] = json::array();
  CHECK(refusal(scene) == has("no objects"));
  scene = hand_scene();
  scene["directions"]["right"] = {0, 1, 0};
  CHECK(refusal(scene) == has("at right angles"));
  scene = hand_scene();
  scene["objects"][0]["3d_coords"] = {1, 2};
  CHECK(refusal(scene) == has("'3d_coords' must be 3 numbers"));
  CHECK(error_of([] {
          clevr::solid_from_json({{"shape", "cone"}, {"size", "large"}, {"3d_coords", {0, 0, 0}}}, "o");
        }) == has("'shape' must be cube, sphere or cylinder, not 'cone'"));
}
