#pragma once
#include <set>
#include <string>
#include <vector>

#include "present/heatmap.h"
#include "viewer/window.h"

namespace multiviz {

// A weight's fill and the ink that is readable on it.
struct WeightLook {
  ImU32 fill, ink;
};

WeightLook weight_look(double weight, HeatmapRange range);

struct TokenEvents {
  int64_t clicked = -1, hovered = -1;  // 0-based
  bool shift = false;
};

// Words as boxes in lines, coloured by their weights when there are as many; `chosen` ones have a frame, `hidden` ones
// are struck out.
TokenEvents token_strip(Window& window, const std::vector<std::string>& words, const std::vector<double>& weights,
                        HeatmapRange range, const std::set<int64_t>& chosen = {}, const std::set<int64_t>& hidden = {});

}  // namespace multiviz
