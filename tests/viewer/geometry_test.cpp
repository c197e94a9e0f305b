#include "viewer/geometry.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace multiviz;

TEST_CASE("viewer: an image is centred, fits its area and can be zoomed around a pixel") {
  Area area{100, 50, 300, 150};  // 200 x 100
  auto whole = place(50, 50, area, {});
  CHECK(whole.scale == doctest::Approx(2));
  CHECK(whole.to_screen({0, 0}).x == doctest::Approx(150));
  CHECK(whole.to_screen({50, 50}).y == doctest::Approx(150));
  Spot mouse{170, 80};
  auto under = whole.to_image(mouse);
  auto closer = zoom_at({}, 3, mouse, 50, 50, area);
  auto after = place(50, 50, area, closer);
  CHECK(after.scale == doctest::Approx(6));
  CHECK(after.to_image(mouse).x == doctest::Approx(under.x));
  CHECK(after.to_image(mouse).y == doctest::Approx(under.y));
  auto moved = pan(closer, {12, -6}, 50, 50, area);
  CHECK(place(50, 50, area, moved).to_screen(under).x == doctest::Approx(mouse.x + 12));
  CHECK(place(50, 50, area, moved).to_screen(under).y == doctest::Approx(mouse.y - 6));
  CHECK(zoom_at(closer, 0.01, mouse, 50, 50, area).zoom == doctest::Approx(1));
  CHECK(zoom_at(closer, 1e6, mouse, 50, 50, area).zoom == doctest::Approx(64));
  auto far = pan(closer, {1e6, 1e6}, 50, 50, area);
  CHECK(far.center->x == doctest::Approx(0));
}

TEST_CASE("viewer: ticks are round numbers within the axis") {
  CHECK(ticks(0, 10, 5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  auto small = ticks(0.13, 0.29, 4);
  CHECK(small.front() == doctest::Approx(0.15));
  CHECK(small.back() == doctest::Approx(0.25));
  CHECK(ticks(3, 3, 5) == std::vector<double>{3});
  CHECK(tick_text(0.30000000000000004, 0.1) == "0.3");
  CHECK(tick_text(-0.0, 0.5) == "0.0");
  CHECK(tick_text(200, 50) == "200");
  CHECK(tick_text(2.5e7, 1e6) == "2.5e+07");
  CHECK(tick_text(1e9 + 1, 1) == "1000000001");  // not as its neighbours
  CHECK(tick_text(1.25e-7, 1e-9) == "1.25e-07");
}

TEST_CASE("viewer: an extent leaves out what is not finite and is never empty") {
  std::vector<double> values{3, NAN, -1, INFINITY};
  CHECK(extent(values) == std::pair{-1.0, 3.0});
  CHECK(extent(std::vector<double>{2, 2}) == std::pair{1.0, 3.0});
  CHECK(extent(std::vector<double>{0}) == std::pair{-1.0, 1.0});
  CHECK(extent({}) == std::pair{0.0, 1.0});
}

TEST_CASE("viewer: words flow into lines, and one that is too wide has its own") {
  std::vector<double> widths{40, 40, 200, 30};
  auto laid = flow(widths, 100, 10);
  CHECK(laid.line == std::vector<int>{0, 0, 1, 2});
  CHECK(laid.left == std::vector<double>{0, 50, 0, 0});
  CHECK(laid.lines == 3);
  CHECK(flow({}, 100, 10).lines == 0);
}

TEST_CASE("viewer: the nearest point within reach, and points inside an outline") {
  std::vector<Spot> points{{0, 0}, {10, 0}, {10, 10}};
  CHECK(nearest(points, {8, 1}, 5) == 1);
  CHECK(nearest(points, {5, 30}, 5) == -1);
  std::vector<Spot> arrow{{0, 0}, {10, 5}, {0, 10}, {4, 5}};  // with a notch
  CHECK(inside(arrow, {6, 5}));
  CHECK_FALSE(inside(arrow, {2, 5}));
  CHECK_FALSE(inside({}, {0, 0}));
}

TEST_CASE("viewer: as many names are written as have room") {
  CHECK(name_stride(20, 15) == 1);
  CHECK(name_stride(15, 15) == 1);
  CHECK(name_stride(7, 15) == 3);
  CHECK(name_stride(0, 15) > 1000);
}
