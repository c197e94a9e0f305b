#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

// Where things lie in views. Plain arithmetic: screen units are pixels, y grows downwards.
namespace multiviz {

struct Spot {
  double x = 0, y = 0;
};

struct Area {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  double width() const { return x1 - x0; }
  double height() const { return y1 - y0; }
  bool contains(Spot p) const { return p.x >= x0 && p.x < x1 && p.y >= y0 && p.y < y1; }
};

// How an image lies on the screen: pixel (0, 0) has its upper left corner at `origin`, a pixel is `scale` wide.
struct Placement {
  Spot origin;
  double scale = 1;

  Spot to_screen(Spot pixel) const { return {origin.x + pixel.x * scale, origin.y + pixel.y * scale}; }
  Spot to_image(Spot screen) const { return {(screen.x - origin.x) / scale, (screen.y - origin.y) / scale}; }
};

// The part of an image that a view shows: `zoom` 1 fits all of it, and `center` (in the image's pixels) is in the
// middle.
struct Zoom {
  double zoom = 1;
  std::optional<Spot> center;
};

// An image of width x height pixels, centred in the area.
Placement place(double width, double height, const Area& area, const Zoom& zoom);
// Zoomed by `factor`, the pixel under `at` staying where it is. Kept from 1 to 64, and the image in sight.
Zoom zoom_at(const Zoom& zoom, double factor, Spot at, double width, double height, const Area& area);
// Moved by this many pixels of the screen.
Zoom pan(const Zoom& zoom, Spot by, double width, double height, const Area& area);

// Axis values between low and high that are easy to read: 1, 2 or 5 times a power of ten apart, at most `most` + 1.
std::vector<double> ticks(double low, double high, int most);
// The shortest text that tells neighbouring ticks apart.
std::string tick_text(double value, double step);
// [low, high] of finite values, widened when it is empty; {0, 1} when there are none.
std::pair<double, double> extent(std::span<const double> values);

// Left edges and lines of boxes of these widths laid out like words, `gap` apart, in lines of at most `width`; a box
// that is wider than that has a line to itself.
struct Flow {
  std::vector<double> left;
  std::vector<int> line;
  int lines = 0;
};
Flow flow(std::span<const double> widths, double width, double gap);

// Index of the nearest point within `reach`, or -1.
int64_t nearest(std::span<const Spot> points, Spot to, double reach);
// Whether a point lies inside a closed outline (even-odd rule).
bool inside(std::span<const Spot> outline, Spot point);

// Every how many-th of names that are `step` apart can be written when each takes `needed`; at least 1.
int64_t name_stride(double step, double needed);

// Heights of nodes, centred in `height`: n spots from top to bottom.
std::vector<double> spread(int64_t n, double height);

}  // namespace multiviz
