#include "nn/detection.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace multiviz {
namespace {

struct Bins {
  std::vector<int64_t> begin, end;
  bool empty(size_t i) const { return begin[i] >= end[i]; }
};

// The cells of each part between two edges, computed in float32 as torchvision does.
Bins divide(float low, float high, double scale, int64_t size, int64_t length) {
  const auto factor = static_cast<float>(scale);
  const auto first = static_cast<int64_t>(std::round(low * factor)),
             last = static_cast<int64_t>(std::round(high * factor));
  const auto part = static_cast<float>(std::max<int64_t>(last - first + 1, 1)) / static_cast<float>(size);
  Bins out;
  for (int64_t i = 0; i < size; ++i) {
    auto begin = static_cast<int64_t>(std::floor(static_cast<float>(i) * part));
    auto end = static_cast<int64_t>(std::ceil(static_cast<float>(i + 1) * part));
    out.begin.push_back(std::clamp<int64_t>(begin + first, 0, length));
    out.end.push_back(std::clamp<int64_t>(end + first, 0, length));
  }
  return out;
}

// x [..., L, ...] -> [..., parts, ...] along `dim`.
at::Tensor maxima(const at::Tensor& x, const Bins& bins, int64_t dim) {
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < bins.begin.size(); ++i) {
    if (bins.empty(i))
      parts.push_back(at::zeros_like(x.select(dim, 0)));
    else if (bins.end[i] - bins.begin[i] == 1)
      parts.push_back(x.select(dim, bins.begin[i]));
    else
      parts.push_back(x.slice(dim, bins.begin[i], bins.end[i]).amax(dim));
  }
  return at::stack(parts, dim);
}

}  // namespace

at::Tensor cell_anchors(const std::vector<double>& sizes, const std::vector<double>& ratios) {
  std::vector<double> numbers;
  for (double size : sizes)
    for (double ratio : ratios) {
      const double width = std::sqrt(size * size / ratio), height = ratio * width;
      numbers.insert(numbers.end(), {-width / 2, -height / 2, width / 2, height / 2});
    }
  return at::tensor(numbers, at::kDouble).to(at::kFloat).view({-1, 4});
}

at::Tensor grid_anchors(const at::Tensor& cell, int64_t height, int64_t width, int64_t stride, double offset) {
  auto places = [&](int64_t count) {
    return (at::arange(count, cell.options()) + offset) * static_cast<double>(stride);
  };
  auto y = places(height).unsqueeze(1).expand({height, width}).flatten();
  auto x = places(width).unsqueeze(0).expand({height, width}).flatten();
  auto shifts = at::stack({x, y, x, y}, 1);
  return (shifts.unsqueeze(1) + cell.unsqueeze(0)).view({-1, 4});
}

at::Tensor apply_deltas(const at::Tensor& deltas, const at::Tensor& boxes, const std::array<double, 4>& weights) {
  const double largest = std::log(1000.0 / 16);
  auto size = boxes.slice(1, 2) - boxes.slice(1, 0, 2);  // [N, 2]: width, height
  auto centre = boxes.slice(1, 0, 2) + size * 0.5;
  auto divided = deltas / at::tensor(at::ArrayRef<double>(weights), deltas.options());
  auto moved = divided.slice(1, 0, 2) * size + centre;
  auto grown = divided.slice(1, 2).clamp_max(largest).exp() * size;
  return at::cat({moved - grown * 0.5, moved + grown * 0.5}, 1);
}

at::Tensor clip_boxes(const at::Tensor& boxes, int64_t height, int64_t width) {
  auto x = boxes.slice(1, 0, 4, 2).clamp(0, width), y = boxes.slice(1, 1, 4, 2).clamp(0, height);
  return at::stack({x.select(1, 0), y.select(1, 0), x.select(1, 1), y.select(1, 1)}, 1);
}

at::Tensor non_maximum_suppression(const at::Tensor& boxes, const at::Tensor& scores, double threshold, int64_t most) {
  auto order = scores.cpu().argsort(/*stable=*/true, 0, /*descending=*/true);
  auto sorted = boxes.cpu().index_select(0, order).to(at::kFloat).contiguous();
  const int64_t count = sorted.size(0);
  const float* box = sorted.const_data_ptr<float>();
  auto area = [&](int64_t i) { return (box[4 * i + 2] - box[4 * i]) * (box[4 * i + 3] - box[4 * i + 1]); };
  std::vector<bool> hidden(static_cast<size_t>(count));
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < count && std::ssize(kept) < most; ++i) {
    if (hidden[static_cast<size_t>(i)]) continue;
    kept.push_back(i);
    for (int64_t j = i + 1; j < count; ++j) {
      if (hidden[static_cast<size_t>(j)]) continue;
      const float width = std::min(box[4 * i + 2], box[4 * j + 2]) - std::max(box[4 * i], box[4 * j]);
      const float height = std::min(box[4 * i + 3], box[4 * j + 3]) - std::max(box[4 * i + 1], box[4 * j + 1]);
      const float inside = std::max(width, 0.0F) * std::max(height, 0.0F);
      if (inside / (area(i) + area(j) - inside) > static_cast<float>(threshold)) hidden[static_cast<size_t>(j)] = true;
    }
  }
  return order.index_select(0, at::tensor(kept, at::kLong)).to(scores.device());
}

at::Tensor roi_pool(const at::Tensor& map, const at::Tensor& boxes, double scale, int64_t size) {
  auto edges = boxes.detach().cpu().to(at::kFloat).contiguous();
  std::vector<at::Tensor> pooled;
  for (int64_t i = 0; i < edges.size(0); ++i) {
    const float* box = edges.const_data_ptr<float>() + 4 * i;
    auto rows = divide(box[1], box[3], scale, size, map.size(2));
    auto columns = divide(box[0], box[2], scale, size, map.size(3));
    const int64_t left = columns.begin.front(), right = std::max(columns.end.back(), left);
    if (left == right) {
      pooled.push_back(at::zeros({map.size(1), size, size}, map.options()));
      continue;
    }
    for (auto* ends : {&columns.begin, &columns.end})
      for (auto& end : *ends) end -= left;
    pooled.push_back(maxima(maxima(map[0].slice(2, left, right), rows, 1), columns, 2));
  }
  if (pooled.empty()) return at::zeros({0, map.size(1), size, size}, map.options());
  return at::stack(pooled);
}

}  // namespace multiviz
