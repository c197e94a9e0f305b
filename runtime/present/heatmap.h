#pragma once
#include <ATen/core/Tensor.h>

#include <span>
#include <string>
#include <vector>

#include "data/datapoint.h"
#include "present/colormap.h"

namespace multiviz {

// What the ends of a map's colours stand for: [-limit, limit] for signed values, else [0, limit].
struct HeatmapRange {
  double limit = 1;
  bool is_signed = false;
  bool operator==(const HeatmapRange&) const = default;
};

// Signed when any value is negative. The limit is the largest |value|, or the `quantile` of |value| in (0, 1], so that
// a few extreme pixels do not darken the rest. Values that are not finite are left out; 1 when all values are 0.
HeatmapRange range_of(const at::Tensor& values, double quantile = 1);

// The smallest range that holds both, for maps that are to be compared.
HeatmapRange join(HeatmapRange a, HeatmapRange b);

// The colour of one value: blue or red of the diverging map for signed values, else viridis. What is not finite counts
// as 0.
Color color_of(double value, HeatmapRange range);

// A layer to lay over an image: uint8 [H, W, 4] of float [H, W]. Signed values are blue or red, others viridis; alpha
// grows with |value|, from clear at 0 to opaque at the limit; NaN is clear.
at::Tensor colorize(const at::Tensor& values, HeatmapRange range);

// The same colours from one end of the range to the other, as "rgba(r, g, b, a)", evenly spaced: the legend. Opaque
// ones are those of color_of.
std::vector<std::string> legend_colors(HeatmapRange range, int64_t n = 9, bool opaque = false);

// image uint8 [H, W, 3] under layer uint8 [H, W, 4] at opacity in [0, 1] -> uint8 [H, W, 3]. Throws Error when the
// sizes differ.
at::Tensor blend(const at::Tensor& image, const at::Tensor& layer, double opacity = 0.7);

// Resized to height x width: nearest (segments, layers of segments) or, when smooth, bilinear with antialiasing.
// [H, W] of any number type, or [H, W, C].
at::Tensor resize(const at::Tensor& map, int64_t height, int64_t width, bool smooth);

// bool [H, W]: pixels whose right or lower neighbour belongs to another segment.
at::Tensor outlines(const at::Tensor& segments);

// Copies of image, uint8 [H, W, 3] or [H, W, 4], with one-pixel lines drawn.
at::Tensor draw_outlines(const at::Tensor& image, const at::Tensor& segments, Color color);
at::Tensor draw_boxes(const at::Tensor& image, std::span<const Box> boxes, Color color, int64_t thickness = 1);

}  // namespace multiviz
