#pragma once
#include <ATen/core/Tensor.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/datapoint.h"
#include "present/explanation.h"
#include "present/heatmap.h"

namespace multiviz {

// How a heat map is laid over its image.
struct HeatSettings {
  enum class Sign { both, positive, negative, absolute };
  enum class Map { automatic, sequential, diverging, grey };
  enum class Blend { over, spotlight, alone };  // spotlight: the image itself, dark where the weight is small
  float opacity = 0.7F;
  float threshold = 0;  // in [0, 1] of the limit: smaller weights are clear
  Sign sign = Sign::both;
  Map map = Map::automatic;
  Blend blend = Blend::over;
  bool outlines = false, boxes = false;
  bool operator==(const HeatSettings&) const = default;
};

// What of the values is shown: those of the other sign are 0, as are those below the threshold.
at::Tensor shown_values(const at::Tensor& values, const HeatSettings& settings, HeatmapRange range);

// float32 [H, W] over uint8 [H, W, 3], as the settings say -> uint8 [H, W, 3]. Either may be undefined.
at::Tensor compose(const at::Tensor& image, const at::Tensor& values, const HeatSettings& settings, HeatmapRange range);

// The colour of one weight, as compose and the report colour it.
Color weight_color(double weight, HeatmapRange range, HeatSettings::Map map = HeatSettings::Map::automatic);
// For tokens, cells and bars: how strongly weight_color is laid on, in [0, 1].
double weight_alpha(double weight, HeatmapRange range);

}  // namespace multiviz
