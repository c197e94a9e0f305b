#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "perturb/superpixels.h"

namespace multiviz {
namespace {

at::Tensor box_mask(const Region& region, int64_t height, int64_t width) {
  const auto box = box_in(region, height, width);
  auto mask = at::zeros({height, width}, at::kBool);
  mask.slice(0, std::llround(box.y0), std::llround(box.y1))
      .slice(1, std::llround(box.x0), std::llround(box.x1))
      .fill_(true);
  return mask;
}

}  // namespace

at::Tensor grid_cells(const at::Tensor& pixels, int64_t rows, int64_t columns) {
  int64_t height = pixels.size(0), width = pixels.size(1);
  check(rows > 0 && columns > 0 && rows <= height && columns <= width,
        "a grid of {} x {} does not fit an image of {} x {} pixels", rows, columns, height, width);
  auto row = at::arange(height, at::kLong).mul(rows).div(height, "floor");
  auto column = at::arange(width, at::kLong).mul(columns).div(width, "floor");
  return row.unsqueeze(1) * columns + column.unsqueeze(0);
}

at::Tensor region_segments(const at::Tensor& pixels, std::span<const Region> regions) {
  int64_t height = pixels.size(0), width = pixels.size(1);
  std::vector<at::Tensor> masks;
  std::vector<int64_t> areas;
  for (const auto& region : regions) {
    if (region.mask.defined()) {
      check(region.mask.sizes() == at::IntArrayRef({height, width}),
            "the mask of '{}' is not of the image's {} x {} pixels", region.name, width, height);
      masks.push_back(region.mask.to(at::kCPU, at::kBool));
    } else {
      masks.push_back(box_mask(region, height, width));
    }
    areas.push_back(masks.back().sum().item<int64_t>());
  }
  std::vector<size_t> order(masks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return areas[a] > areas[b]; });
  auto segments = at::full({height, width}, -1, at::kLong);
  for (size_t r : order) segments.masked_fill_(masks[r], static_cast<int64_t>(r));
  return segments;
}

}  // namespace multiviz
