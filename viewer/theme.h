#pragma once
#include <imgui/imgui.h>

#include "present/colormap.h"

namespace multiviz {

// Colours that views draw with beside ImGui's own.
struct Palette {
  ImU32 ink, faint, line, panel, accent, good, bad;
  std::vector<ImU32> series;  // for lines and points, told apart with any common colour vision (Okabe and Ito)
};

// Sets the style of the current ImGui context; `scale` is pixels per unit.
void apply_theme(bool dark, float scale);
const Palette& palette(bool dark);

ImU32 to_u32(Color color, double alpha = 1);
// Black or white, whichever reads better on this colour.
ImU32 text_on(Color background);

}  // namespace multiviz
