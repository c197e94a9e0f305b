#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "present/heatmap.h"
#include "viewer/geometry.h"
#include "viewer/window.h"

namespace multiviz {

struct PlotOptions {
  double width = 0, height = 0;  // pixels; 0: the space left, and 220 units
  std::string x_label, y_label;
  bool log_x = false;
};

struct Series {
  std::string name;
  std::vector<double> x, y;
};

// What the mouse did, 0-based; -1 for nothing.
struct PlotEvents {
  int64_t hovered = -1, clicked = -1;  // point, bar, or row times columns plus column
  int64_t series = -1;
  std::vector<int64_t> chosen;  // scatter: the points inside an outline drawn with the left button, once it ends
};

PlotEvents plot_lines(Window& window, const char* name, const std::vector<Series>& series, const PlotOptions& options);
// Horizontal bars when names are given: one a line, `weights` coloured by sign.
PlotEvents plot_bars(Window& window, const char* name, const std::vector<std::string>& names,
                     const std::vector<double>& values, const PlotOptions& options);
// `groups` (a colour each, 0-based) and `names` (for the tooltip) may be empty.
PlotEvents plot_scatter(Window& window, const char* name, const std::vector<Spot>& points,
                        const std::vector<int64_t>& groups, const std::vector<std::string>& names,
                        const PlotOptions& options);
// values float64 [rows, columns], coloured; names may be empty.
PlotEvents plot_matrix(Window& window, const char* name, const at::Tensor& values, const std::vector<std::string>& rows,
                       const std::vector<std::string>& columns, const PlotOptions& options);

}  // namespace multiviz
