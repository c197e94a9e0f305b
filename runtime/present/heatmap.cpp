#include "present/heatmap.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr int64_t kLevels = 256;

// The pale middle of the diverging map disappears on a photograph, so that layers take its saturated halves: colours
// from a third of the way out, and alpha for the rest of the strength.
double layer_position(double t, bool is_signed) {
  if (!is_signed) return t;
  double side = 2 * t - 1;
  return 0.5 + (side < 0 ? -1 : 1) * (0.25 + 0.25 * std::abs(side));
}

double layer_alpha(double t, bool is_signed) { return std::pow(is_signed ? std::abs(2 * t - 1) : t, 0.7); }

// uint8 [kLevels, 4]
at::Tensor layer_table(bool is_signed) {
  const auto& map = is_signed ? Colormap::diverging() : Colormap::sequential();
  auto rows = at::empty({kLevels, 4}, at::kByte);
  auto* out = rows.data_ptr<uint8_t>();
  for (int64_t i = 0; i < kLevels; ++i) {
    // A signed map's middle lies between two levels: give 0 the level above it exactly.
    double t = is_signed ? static_cast<double>(i) / kLevels : static_cast<double>(i) / (kLevels - 1);
    auto color = map.at(layer_position(t, is_signed));
    *out++ = color.red, *out++ = color.green, *out++ = color.blue;
    *out++ = static_cast<uint8_t>(std::lround(255 * layer_alpha(t, is_signed)));
  }
  return rows;
}

void check_image(const at::Tensor& image) {
  check(image.dim() == 3 && image.scalar_type() == at::kByte && (image.size(2) == 3 || image.size(2) == 4),
        "an image is a uint8 tensor [H, W, 3]: this one is {} {}", c10::toString(image.scalar_type()),
        fmt::join(image.sizes(), " x "));
}

}  // namespace

HeatmapRange range_of(const at::Tensor& values, double quantile) {
  auto flat = values.to(at::kCPU, at::kDouble).flatten();
  flat = flat.masked_select(at::isfinite(flat));
  if (flat.numel() == 0) return {};
  HeatmapRange range{0, flat.min().item<double>() < 0};
  auto sizes = flat.abs();
  auto rank = static_cast<int64_t>(std::ceil(quantile * static_cast<double>(sizes.numel())));
  range.limit = std::get<0>(at::kthvalue(sizes, std::clamp<int64_t>(rank, 1, sizes.numel()))).item<double>();
  if (range.limit == 0) range.limit = sizes.max().item<double>();
  if (range.limit == 0) range.limit = 1;
  return range;
}

HeatmapRange join(HeatmapRange a, HeatmapRange b) { return {std::max(a.limit, b.limit), a.is_signed || b.is_signed}; }

Color color_of(double value, HeatmapRange range) {
  double part = std::isfinite(value) ? value / range.limit : 0;
  return range.is_signed ? Colormap::diverging().at(part * 0.5 + 0.5) : Colormap::sequential().at(std::abs(part));
}

at::Tensor colorize(const at::Tensor& values, HeatmapRange range) {
  check(values.dim() == 2, "a heat map is a tensor [H, W]: this one has {} dimensions", values.dim());
  auto map = values.to(at::kCPU, at::kFloat) / range.limit;
  auto t = range.is_signed ? (map + 1) * 0.5 : map;
  auto missing = at::isnan(t);
  auto top = range.is_signed ? kLevels : kLevels - 1;
  auto level = (t.masked_fill(missing, 0.5) * top).round().clamp(0, kLevels - 1).to(at::kLong);
  auto layer = layer_table(range.is_signed).index_select(0, level.flatten()).view({map.size(0), map.size(1), 4});
  layer.select(2, 3).masked_fill_(missing, 0);
  return layer;
}

std::vector<std::string> legend_colors(HeatmapRange range, int64_t n, bool opaque) {
  const auto& map = range.is_signed ? Colormap::diverging() : Colormap::sequential();
  std::vector<std::string> colors;
  for (int64_t i = 0; i < n; ++i) {
    double t = static_cast<double>(i) / static_cast<double>(n - 1);
    auto color = map.at(opaque ? t : layer_position(t, range.is_signed));
    double alpha = opaque ? 1 : layer_alpha(t, range.is_signed);
    colors.push_back(fmt::format("rgba({}, {}, {}, {:.3f})", color.red, color.green, color.blue, alpha));
  }
  return colors;
}

at::Tensor blend(const at::Tensor& image, const at::Tensor& layer, double opacity) {
  check_image(image);
  check_image(layer);
  check(image.sizes().slice(0, 2) == layer.sizes().slice(0, 2),
        "the image is {} x {} px and the heat map {} x {}: resize one of them", image.size(1), image.size(0),
        layer.size(1), layer.size(0));
  auto alpha = layer.slice(2, 3, 4).to(at::kFloat) * (opacity / 255);
  auto below = image.slice(2, 0, 3).to(at::kFloat), above = layer.slice(2, 0, 3).to(at::kFloat);
  return at::lerp(below, above, alpha).round().to(at::kByte);
}

at::Tensor resize(const at::Tensor& map, int64_t height, int64_t width, bool smooth) {
  if (map.size(0) == height && map.size(1) == width) return map;
  if (!smooth) {
    auto nearest = [](int64_t from, int64_t to) {
      return at::div(at::arange(to, at::kLong).mul(2).add(1) * from, 2 * to, "floor");
    };
    return map.index_select(0, nearest(map.size(0), height)).index_select(1, nearest(map.size(1), width));
  }
  auto planes = (map.dim() == 2 ? map.unsqueeze(2) : map).permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  auto sized = at::_upsample_bilinear2d_aa(planes.contiguous(), {height, width}, false).squeeze(0).permute({1, 2, 0});
  if (map.dim() == 2) sized = sized.squeeze(2);
  return map.scalar_type() == at::kByte ? sized.round().clamp(0, 255).to(at::kByte) : sized.to(map.scalar_type());
}

at::Tensor outlines(const at::Tensor& segments) {
  auto edges = at::zeros(segments.sizes(), at::kBool);
  if (segments.size(0) > 1) edges.slice(0, 0, -1).logical_or_(segments.slice(0, 0, -1).ne(segments.slice(0, 1)));
  if (segments.size(1) > 1) edges.slice(1, 0, -1).logical_or_(segments.slice(1, 0, -1).ne(segments.slice(1, 1)));
  return edges;
}

namespace {

at::Tensor color_row(Color color, int64_t channels) {
  auto row = at::tensor({int64_t{color.red}, int64_t{color.green}, int64_t{color.blue}, int64_t{255}}, at::kLong);
  return row.to(at::kByte).slice(0, 0, channels);
}

}  // namespace

at::Tensor draw_outlines(const at::Tensor& image, const at::Tensor& segments, Color color) {
  check_image(image);
  check(image.sizes().slice(0, 2) == segments.sizes(), "the segments are for an image of another size");
  return at::where(outlines(segments).unsqueeze(2), color_row(color, image.size(2)), image);
}

at::Tensor draw_boxes(const at::Tensor& image, std::span<const Box> boxes, Color color, int64_t thickness) {
  check_image(image);
  auto drawn = image.clone();
  auto row = color_row(color, image.size(2));
  int64_t height = image.size(0), width = image.size(1);
  auto inside = [](double value, int64_t size) {
    return std::isnan(value) ? 0 : static_cast<int64_t>(std::clamp(std::round(value), 0.0, static_cast<double>(size)));
  };
  for (const auto& box : boxes) {
    int64_t x0 = inside(box.x0, width), x1 = inside(box.x1, width);
    int64_t y0 = inside(box.y0, height), y1 = inside(box.y1, height);
    if (x0 >= x1 || y0 >= y1) continue;
    auto area = drawn.slice(0, y0, y1).slice(1, x0, x1);
    int64_t rows = std::min(thickness, y1 - y0), columns = std::min(thickness, x1 - x0);
    area.slice(0, 0, rows).copy_(row);
    area.slice(0, y1 - y0 - rows).copy_(row);
    area.slice(1, 0, columns).copy_(row);
    area.slice(1, x1 - x0 - columns).copy_(row);
  }
  return drawn;
}

}  // namespace multiviz
