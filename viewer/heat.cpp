#include "viewer/heat.h"

#include <ATen/ATen.h>

#include <cmath>

namespace multiviz {
namespace {

at::Tensor as_floats(const Colormap& map, const at::Tensor& t) {
  constexpr int64_t steps = 256;
  auto index = t.clamp(0, 1).mul(steps - 1).round().to(at::kLong);
  return map.table(steps).to(at::kFloat).index({index});
}

// float [H, W, 3], 0 to 255.
at::Tensor colors(const at::Tensor& values, HeatSettings::Map map, HeatmapRange range) {
  using Map = HeatSettings::Map;
  auto part = values / range.limit;
  if (map == Map::grey) return part.abs().clamp(0, 1).mul(255).unsqueeze(-1).expand({-1, -1, 3});
  bool diverging = map == Map::diverging || (map == Map::automatic && range.is_signed);
  if (diverging) return as_floats(Colormap::diverging(), part * 0.5 + 0.5);
  return as_floats(Colormap::sequential(), part.abs());
}

}  // namespace

at::Tensor shown_values(const at::Tensor& values, const HeatSettings& settings, HeatmapRange range) {
  using Sign = HeatSettings::Sign;
  auto shown = at::nan_to_num(values.to(at::kFloat), 0, 0, 0);
  if (settings.sign == Sign::positive) shown = shown.clamp_min(0);
  if (settings.sign == Sign::negative) shown = shown.clamp_max(0);
  if (settings.sign == Sign::absolute) shown = shown.abs();
  if (settings.threshold > 0) shown = shown * shown.abs().ge(settings.threshold * range.limit);
  return shown;
}

at::Tensor compose(const at::Tensor& image, const at::Tensor& values, const HeatSettings& settings,
                   HeatmapRange range) {
  using Blend = HeatSettings::Blend;
  if (!values.defined()) return image;
  auto shown = shown_values(values, settings, range);
  auto strength = (shown.abs() / range.limit).clamp(0, 1).unsqueeze(-1);
  if (image.defined() && settings.blend == Blend::spotlight)
    return image.to(at::kFloat).mul(1 - settings.opacity * (1 - strength)).round().to(at::kByte);
  auto layer = colors(shown, settings.map, range);
  if (!image.defined() || settings.blend == Blend::alone) return layer.round().to(at::kByte).contiguous();
  auto alpha = strength * settings.opacity;
  return (image.to(at::kFloat) * (1 - alpha) + layer * alpha).round().to(at::kByte);
}

Color weight_color(double weight, HeatmapRange range, HeatSettings::Map map) {
  using Map = HeatSettings::Map;
  if (map == Map::grey) {
    auto grey = static_cast<uint8_t>(weight_alpha(weight, range) * 255);
    return {grey, grey, grey};
  }
  if (map != Map::automatic) range.is_signed = map == Map::diverging;
  return color_of(weight, range);
}

double weight_alpha(double weight, HeatmapRange range) {
  if (!std::isfinite(weight)) return 0;
  return std::clamp(std::abs(weight) / range.limit, 0.0, 1.0);
}

}  // namespace multiviz
