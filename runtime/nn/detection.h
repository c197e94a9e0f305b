#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <vector>

namespace multiviz {

// Boxes are float32 [N, 4]: x0, y0, x1, y1, in pixels.

// One box for each size and ratio (height / width) around the origin, sizes first: [A, 4].
at::Tensor cell_anchors(const std::vector<double>& sizes, const std::vector<double>& ratios);

// Those boxes at every place of a map of height x width cells, `stride` pixels apart, the first at `offset` strides:
// [height * width * A, 4], row by row.
at::Tensor grid_anchors(const at::Tensor& cell, int64_t height, int64_t width, int64_t stride, double offset);

// Boxes moved by deltas [N, 4]: the centre by (dx, dy) / weights of the size, the size by exp of (dw, dh) / weights,
// which is kept below 1000 / 16 (Girshick 2015).
at::Tensor apply_deltas(const at::Tensor& deltas, const at::Tensor& boxes, const std::array<double, 4>& weights);

// Every box cut at the borders of an image.
at::Tensor clip_boxes(const at::Tensor& boxes, int64_t height, int64_t width);

// Numbers of the boxes that no better one overlaps by more than `threshold` (intersection over union), best first, at
// most `most` of them.
at::Tensor non_maximum_suppression(const at::Tensor& boxes, const at::Tensor& scores, double threshold, int64_t most);

// The maximum of each of size x size parts of boxes of a map [1, C, H, W], whose cells are 1 / scale pixels wide:
// [N, C, size, size]. Parts are whole cells, as torchvision's RoIPool takes them; 0 where there are none.
at::Tensor roi_pool(const at::Tensor& map, const at::Tensor& boxes, double scale, int64_t size);

}  // namespace multiviz
