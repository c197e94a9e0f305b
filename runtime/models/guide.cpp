#include "models/guide.h"

#include <ATen/ATen.h>

#include <set>

#include "core/error.h"
#include "text/word_tokenizer.h"

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

// float [R, rows * columns], each region's row summing to 1.
at::Tensor region_cells(const Datapoint& datapoint, int64_t rows, int64_t columns) {
  std::vector<at::Tensor> masks;
  for (const auto& region : datapoint.regions) masks.push_back(region_mask(region, first_image(datapoint)));
  auto cells = at::adaptive_avg_pool2d(at::stack(masks).to(at::kFloat), {rows, columns}).flatten(1);
  return cells / cells.sum(1, true).clamp_min(1e-6);
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

Describer::Describer(const Describe& settings, const Dataset& data) : settings_(settings) {
  constexpr int64_t sample_size = 64;
  std::vector<std::string> names;
  for (int64_t i = 0; i < std::min(sample_size, data.size()); ++i)
    for (const auto& region : data.get(i).regions) names.push_back(region.name);
  words_ = vocabulary(names);
  check(!words_.empty(), "{} names no regions to describe: train without describe", data.name());
}

std::vector<std::pair<std::string, at::Tensor>> Describer::make_head(int64_t features, at::Device device) {
  auto count = static_cast<int64_t>(words_.size());
  weight_ = at::zeros({count, features}, at::TensorOptions().device(device));
  bias_ = at::zeros({count}, at::TensorOptions().device(device));
  return {{"describe.weight", weight_}, {"describe.bias", bias_}};
}

at::Tensor Describer::name_targets(const Region& region) const {
  auto named = vocabulary({region.name});
  auto out = at::zeros({static_cast<int64_t>(words_.size())});
  for (size_t w = 0; w < words_.size(); ++w)
    if (std::find(named.begin(), named.end(), words_[w]) != named.end()) out[static_cast<int64_t>(w)] = 1;
  return out;
}

at::Tensor Describer::loss(const Trace& trace, std::span<const Datapoint> datapoints) {
  const auto& map = trace.at(settings_.tap);
  std::set<const void*> seen;
  std::vector<at::Tensor> features, targets;
  for (const auto& datapoint : datapoints) {
    if (datapoint.regions.empty() || !seen.insert(first_image(datapoint).pixels.data_ptr()).second) continue;
    auto row = static_cast<int64_t>(seen.size()) - 1;
    check(map.dim() == 4 && row < map.size(0), "'{}' is [{}]: describe needs features [B, K, H, W] of each image",
          settings_.tap, fmt::join(map.sizes(), ", "));
    auto cells = region_cells(datapoint, map.size(2), map.size(3)).to(map.device());
    features.push_back(cells.matmul(map[row].flatten(1).t()));
    for (const auto& region : datapoint.regions) targets.push_back(name_targets(region));
  }
  if (targets.empty()) return {};
  auto logits = at::linear(at::cat(features), weight_, bias_);
  return at::binary_cross_entropy_with_logits(logits, at::stack(targets).to(map.device()));
}

}  // namespace multiviz
