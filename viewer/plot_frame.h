#pragma once
#include "viewer/draw.h"
#include "viewer/plot.h"

namespace multiviz {

// Axes of a plot and what they map to the screen.
struct PlotFrame {
  Area outer, inner;
  double x0 = 0, x1 = 1, y0 = 0, y1 = 1;  // what the inner area shows
  bool log_x = false;
  bool hovered = false;

  Spot to_screen(double x, double y) const;
};

// Takes the space, draws axes, ticks and labels.
PlotFrame plot_frame(Window& window, const char* name, std::pair<double, double> x, std::pair<double, double> y,
                     const PlotOptions& options);

}  // namespace multiviz
