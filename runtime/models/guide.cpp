#include "models/guide.h"

#include <ATen/ATen.h>

#include "core/error.h"

namespace multiviz {
namespace {

// bool [H, W] of the region, from its box when the data set has no masks.
at::Tensor region_mask(const Region& region, const Image& image) {
  if (region.mask.defined()) return region.mask;
  int64_t height = image.pixels.size(0), width = image.pixels.size(1);
  auto bound = [](double value, int64_t most) { return std::clamp<int64_t>(std::llround(value), 0, most); };
  auto mask = at::zeros({height, width}, at::kBool);
  mask.slice(0, bound(region.box.y0, height), bound(region.box.y1, height))
      .slice(1, bound(region.box.x0, width), bound(region.box.x1, width))
      .fill_(true);
  return mask;
}

const Image& first_image(const Datapoint& datapoint) {
  for (const auto& value : datapoint.values)
    if (const auto* image = std::get_if<Image>(&value)) return *image;
  fail("datapoint {} has regions and no image", datapoint.id);
}

// float [rows, columns] summing to 1, or undefined when nothing is referred to.
at::Tensor referred_cells(const Datapoint& datapoint, int64_t rows, int64_t columns) {
  at::Tensor total;
  for (const auto& region : datapoint.regions) {
    if (!region.referred) continue;
    auto mask = region_mask(region, first_image(datapoint)).to(at::kFloat).unsqueeze(0);
    auto cells = at::adaptive_avg_pool2d(mask, {rows, columns}).squeeze(0);
    cells = cells / cells.sum().clamp_min(1e-6);
    total = total.defined() ? total + cells : cells;
  }
  return total.defined() ? total / total.sum().clamp_min(1e-6) : total;
}

}  // namespace

at::Tensor guide_loss(const Trace& trace, const Guide& guide, std::span<const Datapoint> datapoints) {
  std::vector<at::Tensor> maps;
  for (const auto& name : guide.taps) {
    const auto& map = trace.at(name);
    check((map.dim() == 3 || map.dim() == 4) && map.size(0) == static_cast<int64_t>(datapoints.size()),
          "'{}' is [{}]: a guide needs attention maps [B, H, W] or [B, G, H, W]", name, fmt::join(map.sizes(), ", "));
    maps.push_back(map.dim() == 3 ? map : map.mean(1));
  }
  auto seen = at::stack(maps).mean(0);  // [B, H', W']
  std::vector<at::Tensor> wanted;
  std::vector<int64_t> rows;
  for (size_t i = 0; i < datapoints.size(); ++i) {
    auto cells = referred_cells(datapoints[i], seen.size(1), seen.size(2));
    if (!cells.defined()) continue;
    wanted.push_back(cells);
    rows.push_back(static_cast<int64_t>(i));
  }
  if (rows.empty()) return {};
  auto target = at::stack(wanted).to(seen.device());
  auto there = seen.index_select(0, at::tensor(rows, at::kLong).to(seen.device()));
  return -(target * there.clamp_min(1e-8).log()).sum() / static_cast<double>(rows.size());
}

}  // namespace multiviz
