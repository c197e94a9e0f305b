#include "viewer/plot_frame.h"

#include <cmath>

namespace multiviz {
namespace {

constexpr double default_height = 220;

double axis(double value, bool logarithmic) { return logarithmic ? std::log10(std::max(value, 1e-300)) : value; }

void draw_y_axis(Window& window, const PlotFrame& frame, const std::vector<double>& marks) {
  auto* list = ImGui::GetWindowDrawList();
  double step = marks.size() > 1 ? marks[1] - marks[0] : 1;
  for (double mark : marks) {
    double y = frame.to_screen(0, mark).y;
    list->AddLine(vec({frame.inner.x0, y}), vec({frame.inner.x1, y}), window.palette().line, 1);
    auto text = tick_text(mark, step);
    auto size = ImGui::CalcTextSize(text.c_str());
    list->AddText(vec({frame.inner.x0 - size.x - window.units(5), y - size.y / 2}), window.palette().faint,
                  text.c_str());
  }
}

void draw_x_axis(Window& window, const PlotFrame& frame) {
  auto* list = ImGui::GetWindowDrawList();
  auto marks = ticks(frame.x0, frame.x1, std::max(2, static_cast<int>(frame.inner.width() / window.units(70))));
  double step = marks.size() > 1 ? marks[1] - marks[0] : 1;
  for (double mark : marks) {
    double x = frame.inner.x0 + (mark - frame.x0) / (frame.x1 - frame.x0) * frame.inner.width();
    auto text = frame.log_x ? fmt::format("{:.2g}", std::pow(10, mark)) : tick_text(mark, step);
    list->AddLine(vec({x, frame.inner.y1}), vec({x, frame.inner.y1 + window.units(4)}), window.palette().faint, 1);
    list->AddText(vec({x - ImGui::CalcTextSize(text.c_str()).x / 2, frame.inner.y1 + window.units(5)}),
                  window.palette().faint, text.c_str());
  }
}

}  // namespace

Spot PlotFrame::to_screen(double x, double y) const {
  return {inner.x0 + (axis(x, log_x) - x0) / (x1 - x0) * inner.width(),
          inner.y1 - (y - y0) / (y1 - y0) * inner.height()};
}

PlotFrame plot_frame(Window& window, const char* name, std::pair<double, double> x, std::pair<double, double> y,
                     const PlotOptions& options) {
  PlotFrame frame;
  frame.log_x = options.log_x;
  frame.x0 = axis(x.first, options.log_x);
  frame.x1 = axis(x.second, options.log_x);
  if (!(frame.x1 > frame.x0)) frame.x1 = frame.x0 + 1;
  double margin = (y.second - y.first) * 0.05;
  frame.y0 = y.first - margin;
  frame.y1 = y.second + margin;
  frame.outer =
      take_area(window, name, options.width, options.height > 0 ? options.height : window.units(default_height));
  frame.hovered = ImGui::IsItemHovered();
  double line = ImGui::GetTextLineHeight();
  auto marks = ticks(frame.y0, frame.y1, std::max(2, static_cast<int>(frame.outer.height() / (line * 2.5))));
  double step = marks.size() > 1 ? marks[1] - marks[0] : 1, widest = 0;
  for (double mark : marks) widest = std::max<double>(widest, ImGui::CalcTextSize(tick_text(mark, step).c_str()).x);
  frame.inner = {frame.outer.x0 + widest + window.units(10),
                 frame.outer.y0 + (options.y_label.empty() ? window.units(6) : line + window.units(6)),
                 frame.outer.x1 - window.units(14),
                 frame.outer.y1 - line - window.units(8) - (options.x_label.empty() ? 0 : line)};
  if (frame.inner.width() < 1) frame.inner.x1 = frame.inner.x0 + 1;
  if (frame.inner.height() < 1) frame.inner.y1 = frame.inner.y0 + 1;
  draw_y_axis(window, frame, marks);
  draw_x_axis(window, frame);
  auto* list = ImGui::GetWindowDrawList();
  if (!options.y_label.empty())
    text_at(*list, {frame.outer.x0, frame.outer.y0}, window.palette().faint, options.y_label, frame.outer.width());
  if (!options.x_label.empty())
    centered_text(*list, {(frame.inner.x0 + frame.inner.x1) / 2, frame.outer.y1 - line / 2}, window.palette().faint,
                  options.x_label);
  return frame;
}

}  // namespace multiviz
