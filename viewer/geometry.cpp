#include "viewer/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace multiviz {
namespace {

constexpr double closest = 64;

double fit_scale(double width, double height, const Area& area) {
  return std::max(1e-6, std::min(area.width() / std::max(width, 1.0), area.height() / std::max(height, 1.0)));
}

Spot center_of(const Zoom& zoom, double width, double height) {
  return zoom.center.value_or(Spot{width / 2, height / 2});
}

Zoom kept_in_sight(Zoom zoom, double width, double height) {
  zoom.zoom = std::clamp(zoom.zoom, 1.0, closest);
  auto center = center_of(zoom, width, height);
  if (zoom.zoom == 1) return {};
  return {zoom.zoom, Spot{std::clamp(center.x, 0.0, width), std::clamp(center.y, 0.0, height)}};
}

}  // namespace

Placement place(double width, double height, const Area& area, const Zoom& zoom) {
  double scale = fit_scale(width, height, area) * zoom.zoom;
  auto center = center_of(zoom, width, height);
  return {{(area.x0 + area.x1) / 2 - center.x * scale, (area.y0 + area.y1) / 2 - center.y * scale}, scale};
}

Zoom zoom_at(const Zoom& zoom, double factor, Spot at, double width, double height, const Area& area) {
  auto before = place(width, height, area, zoom).to_image(at);
  Zoom after{std::clamp(zoom.zoom * factor, 1.0, closest), center_of(zoom, width, height)};
  auto moved = place(width, height, area, after).to_image(at);
  after.center = Spot{after.center->x + before.x - moved.x, after.center->y + before.y - moved.y};
  return kept_in_sight(after, width, height);
}

Zoom pan(const Zoom& zoom, Spot by, double width, double height, const Area& area) {
  double scale = place(width, height, area, zoom).scale;
  auto center = center_of(zoom, width, height);
  return kept_in_sight({zoom.zoom, Spot{center.x - by.x / scale, center.y - by.y / scale}}, width, height);
}

std::vector<double> ticks(double low, double high, int most) {
  if (!(high > low) || most < 1) return {low};
  double raw = (high - low) / most, power = std::pow(10, std::floor(std::log10(raw)));
  double step = power * 10;
  for (double nice : {1.0, 2.0, 5.0})
    if (nice * power >= raw * (1 - 1e-9)) {
      step = nice * power;
      break;
    }
  std::vector<double> values;
  for (auto i = static_cast<int64_t>(std::ceil(low / step - 1e-9)); static_cast<double>(i) * step <= high + step * 1e-9;
       ++i)
    values.push_back(static_cast<double>(i) * step);
  return values;
}

std::string tick_text(double value, double step) {
  double size = std::max(std::abs(value), step);
  if (size != 0 && (size >= 1e6 || size < 1e-4)) {
    int digits = step > 0 ? static_cast<int>(std::floor(std::log10(size / step) + 1e-9)) + 1 : 0;
    return fmt::format("{:.{}g}", value, std::clamp(digits, 3, 15));
  }
  int digits = step >= 1 || step <= 0 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  return fmt::format("{:.{}f}", value == 0 ? 0.0 : value, digits);
}

std::pair<double, double> extent(std::span<const double> values) {
  double low = INFINITY, high = -INFINITY;
  for (double value : values)
    if (std::isfinite(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  if (!(low <= high)) return {0, 1};
  if (low == high) {
    double margin = low == 0 ? 1 : std::abs(low) / 2;
    return {low - margin, high + margin};
  }
  return {low, high};
}

Flow flow(std::span<const double> widths, double width, double gap) {
  Flow result;
  double x = 0;
  int line = 0;
  for (double w : widths) {
    if (x > 0 && x + w > width) {
      x = 0;
      ++line;
    }
    result.left.push_back(x);
    result.line.push_back(line);
    x += w + gap;
  }
  result.lines = widths.empty() ? 0 : line + 1;
  return result;
}

int64_t nearest(std::span<const Spot> points, Spot to, double reach) {
  int64_t best = -1;
  double closest_so_far = reach * reach;
  for (size_t i = 0; i < points.size(); ++i) {
    double dx = points[i].x - to.x, dy = points[i].y - to.y, distance = dx * dx + dy * dy;
    if (distance > closest_so_far) continue;
    closest_so_far = distance;
    best = static_cast<int64_t>(i);
  }
  return best;
}

bool inside(std::span<const Spot> outline, Spot p) {
  bool result = false;
  for (size_t i = 0, j = outline.size() - 1; i < outline.size(); j = i++) {
    const auto &a = outline[i], &b = outline[j];
    if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) result = !result;
  }
  return result;
}

int64_t name_stride(double step, double needed) {
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(needed / std::max(step, 1e-3) - 1e-9)));
}

std::vector<double> spread(int64_t n, double height) {
  std::vector<double> result;
  for (int64_t i = 0; i < n; ++i) result.push_back(height * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
  return result;
}

}  // namespace multiviz
