#include "viewer/plot.h"

#include <ATen/ATen.h>
#include <imgui/imgui_internal.h>

#include <cmath>

#include "viewer/heat.h"
#include "viewer/plot_frame.h"

namespace multiviz {
namespace {

std::pair<double, double> joined_extent(const std::vector<Series>& series, std::vector<double> Series::*axis) {
  std::vector<double> all;
  for (const auto& s : series) all.insert(all.end(), (s.*axis).begin(), (s.*axis).end());
  return extent(all);
}

std::vector<Spot> screen_points(const PlotFrame& frame, const Series& series) {
  std::vector<Spot> points;
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i)
    points.push_back(frame.to_screen(series.x[i], series.y[i]));
  return points;
}

void draw_line(Window& window, const std::vector<Spot>& points, ImU32 color) {
  auto* list = ImGui::GetWindowDrawList();
  for (size_t i = 0; i < points.size(); ++i) {
    bool here = std::isfinite(points[i].x) && std::isfinite(points[i].y);
    if (i > 0 && here && std::isfinite(points[i - 1].x) && std::isfinite(points[i - 1].y))
      list->AddLine(vec(points[i - 1]), vec(points[i]), color, window.units(1.8F));
    if (here && points.size() <= 60) list->AddCircleFilled(vec(points[i]), window.units(2.6F), color);
  }
}

// The lines' names, above the plot so that they cover nothing: at most three rows of them, and the others have
// tooltips. Returns the height taken.
double draw_legend(Window& window, const char* name, const std::vector<Series>& series, double width) {
  constexpr int most_rows = 3;
  if (series.size() < 2) return 0;
  if (width <= 0) width = std::max(1.0F, ImGui::GetContentRegionAvail().x);
  double swatch = window.units(16), line = ImGui::GetTextLineHeight() + window.units(2);
  std::vector<double> widths;
  for (const auto& s : series)
    widths.push_back(std::min<double>(swatch + ImGui::CalcTextSize(s.name.c_str()).x + 1, width));
  auto rows = flow(widths, width, window.units(12));
  auto area = take_area(window, (std::string(name) + " legend").c_str(), width, std::min(rows.lines, most_rows) * line);
  auto* list = ImGui::GetWindowDrawList();
  const auto& colors = window.palette().series;
  for (size_t i = 0; i < series.size() && rows.line[i] < most_rows; ++i) {
    double x = area.x0 + rows.left[i], y = area.y0 + rows.line[i] * line;
    bool cut_off = i + 1 < series.size() && rows.line[i + 1] == most_rows;
    if (cut_off) {
      text_at(*list, {x, y}, window.palette().faint, fmt::format("and {} more", series.size() - i), area.x1 - x);
      continue;
    }
    list->AddRectFilled(vec({x, y + line * 0.3}), vec({x + window.units(12), y + line * 0.7}),
                        colors[i % colors.size()]);
    text_at(*list, {x + swatch, y}, window.palette().ink, series[i].name, widths[i] - swatch);
  }
  return area.height() + ImGui::GetStyle().ItemSpacing.y;
}

double bar_names_width(const std::vector<std::string>& names, double most) {
  double widest = 0;
  for (const auto& name : names) widest = std::max<double>(widest, ImGui::CalcTextSize(name.c_str()).x);
  return std::min(widest, most);
}

// The outline that the left button draws, and the points in it when it ends.
struct Lasso {
  std::vector<Spot> outline;
  bool drawing = false;
};

void draw_lasso(Window& window, const PlotFrame& frame, const std::vector<Spot>& screen, PlotEvents& events) {
  auto& lasso = window.state<Lasso>(ImGui::GetItemID());
  auto mouse = spot(ImGui::GetIO().MousePos);
  if (frame.hovered && ImGui::IsMouseClicked(0)) lasso = {{mouse}, true};
  if (!lasso.drawing) return;
  for (auto corner : window.mouse_path()) lasso.outline.push_back(corner);
  auto* list = ImGui::GetWindowDrawList();
  for (size_t i = 1; i < lasso.outline.size(); ++i)
    list->AddLine(vec(lasso.outline[i - 1]), vec(lasso.outline[i]), window.palette().accent, window.units(1.5F));
  if (ImGui::IsMouseDown(0)) return;
  lasso.drawing = false;
  for (size_t i = 0; i < screen.size(); ++i)
    if (inside(lasso.outline, screen[i])) events.chosen.push_back(static_cast<int64_t>(i));
}

// Rows high enough for their names as long as there are not very many.
double matrix_height(Window& window, int64_t rows, bool named) {
  constexpr int64_t most_named = 80;
  double height = std::min(static_cast<double>(rows) * window.units(22), static_cast<double>(window.units(480)));
  if (!named) return height;
  return std::max<double>(height, static_cast<double>(std::min(rows, most_named)) * ImGui::GetTextLineHeight());
}

void draw_cells(const Area& inner, const at::Tensor& cells) {
  int64_t m = cells.size(0), n = cells.size(1);
  double w = inner.width() / static_cast<double>(std::max<int64_t>(1, n));
  double h = inner.height() / static_cast<double>(std::max<int64_t>(1, m));
  auto gap = [](double side) { return side > 5 ? 1.0 : 0.0; };
  auto range = range_of(cells);
  auto at = cells.accessor<double, 2>();
  auto* list = ImGui::GetWindowDrawList();
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double x = inner.x0 + w * static_cast<double>(j), y = inner.y0 + h * static_cast<double>(i);
      list->AddRectFilled(vec({x, y}), vec({x + std::max(w - gap(w), 1.0), y + std::max(h - gap(h), 1.0)}),
                          to_u32(weight_color(at[i][j], range)));
    }
}

}  // namespace

PlotEvents plot_lines(Window& window, const char* name, const std::vector<Series>& series, const PlotOptions& options) {
  auto plot = options;
  double legend = draw_legend(window, name, series, options.width);
  if (options.height > 0) plot.height = std::max<double>(options.height - legend, window.units(40));
  auto frame = plot_frame(window, name, joined_extent(series, &Series::x), joined_extent(series, &Series::y), plot);
  const auto& colors = window.palette().series;
  PlotEvents events;
  auto mouse = spot(ImGui::GetIO().MousePos);
  for (size_t i = 0; i < series.size(); ++i) {
    auto points = screen_points(frame, series[i]);
    draw_line(window, points, colors[i % colors.size()]);
    auto found = frame.hovered ? nearest(points, mouse, window.units(12)) : -1;
    if (found < 0) continue;
    events.hovered = found;
    events.series = static_cast<int64_t>(i);
    ImGui::GetWindowDrawList()->AddCircle(vec(points[static_cast<size_t>(found)]), window.units(5),
                                          window.palette().ink);
  }
  if (events.hovered < 0) return events;
  const auto& s = series[static_cast<size_t>(events.series)];
  auto k = static_cast<size_t>(events.hovered);
  tooltip(fmt::format("{}{}{:.5g}, {:.5g}", s.name, s.name.empty() ? "" : "\n", s.x[k], s.y[k]));
  if (ImGui::IsMouseClicked(0)) events.clicked = events.hovered;
  return events;
}

PlotEvents plot_bars(Window& window, const char* name, const std::vector<std::string>& names,
                     const std::vector<double>& values, const PlotOptions& options) {
  double line = ImGui::GetTextLineHeight() + window.units(6);
  double needed = std::max(line, line * static_cast<double>(values.size()));
  auto area = take_area(window, name, options.width, options.height > 0 ? options.height : needed);
  bool over = ImGui::IsItemHovered();
  double row = area.height() / std::max<double>(1, static_cast<double>(values.size()));
  double label = bar_names_width(names, area.width() * 0.45) + window.units(8);
  std::vector<std::string> numbers;
  for (double value : values) numbers.push_back(fmt::format("{:.3g}", value));
  double number = bar_names_width(numbers, area.width() * 0.3) + window.units(8);
  auto [low, high] = extent(values);
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  if (low == high) high = 1;
  Area bars{area.x0 + label, area.y0, std::max(area.x0 + label + 1, area.x1 - number), area.y1};
  auto x_of = [&](double v) { return bars.x0 + (v - low) / (high - low) * bars.width(); };
  auto* list = ImGui::GetWindowDrawList();
  HeatmapRange range{std::max(std::abs(low), std::abs(high)), low < 0};
  PlotEvents events;
  auto mouse = spot(ImGui::GetIO().MousePos);
  for (size_t i = 0; i < values.size(); ++i) {
    double y = area.y0 + row * static_cast<double>(i), value = std::isfinite(values[i]) ? values[i] : 0;
    auto color =
        range.is_signed ? to_u32(weight_color(value < 0 ? -range.limit : range.limit, range)) : window.palette().accent;
    list->AddRectFilled(vec({std::min(x_of(0), x_of(value)), y + row * 0.15}),
                        vec({std::max(x_of(0), x_of(value)) + 1, y + row * 0.85}), color, window.units(2));
    double text_y = y + (row - ImGui::GetTextLineHeight()) / 2;
    if (i < names.size()) text_at(*list, {area.x0, text_y}, window.palette().ink, names[i], label - window.units(6));
    text_at(*list, {bars.x1 + window.units(6), text_y}, window.palette().faint, numbers[i]);
    if (!over || mouse.y < y || mouse.y >= y + row) continue;
    events.hovered = static_cast<int64_t>(i);
    list->AddRect(vec({area.x0, y}), vec({area.x1, y + row}), window.palette().line);
    tooltip(fmt::format("{}{}{:.5g}", i < names.size() ? names[i] : "", i < names.size() ? "\n" : "", values[i]));
    if (ImGui::IsMouseClicked(0)) events.clicked = events.hovered;
  }
  list->AddLine(vec({x_of(0), area.y0}), vec({x_of(0), area.y1}), window.palette().faint);
  return events;
}

PlotEvents plot_scatter(Window& window, const char* name, const std::vector<Spot>& points,
                        const std::vector<int64_t>& groups, const std::vector<std::string>& names,
                        const PlotOptions& options) {
  std::vector<double> x, y;
  for (auto p : points) x.push_back(p.x), y.push_back(p.y);
  auto frame = plot_frame(window, name, extent(x), extent(y), options);
  const auto& colors = window.palette().series;
  auto* list = ImGui::GetWindowDrawList();
  std::vector<Spot> screen;
  for (size_t i = 0; i < points.size(); ++i) {
    screen.push_back(frame.to_screen(points[i].x, points[i].y));
    auto group = i < groups.size() ? static_cast<size_t>(std::max<int64_t>(0, groups[i])) : 0;
    list->AddCircleFilled(vec(screen[i]), window.units(3.5F), colors[group % colors.size()]);
  }
  PlotEvents events;
  if (frame.hovered) events.hovered = nearest(screen, spot(ImGui::GetIO().MousePos), window.units(9));
  draw_lasso(window, frame, screen, events);
  if (events.hovered < 0) return events;
  auto k = static_cast<size_t>(events.hovered);
  list->AddCircle(vec(screen[k]), window.units(6), window.palette().ink, 0, window.units(1.5F));
  tooltip(fmt::format("{}{}{:.4g}, {:.4g}", k < names.size() ? names[k] : "", k < names.size() ? "\n" : "", points[k].x,
                      points[k].y));
  if (ImGui::IsMouseClicked(0)) events.clicked = events.hovered;
  return events;
}

PlotEvents plot_matrix(Window& window, const char* name, const at::Tensor& values, const std::vector<std::string>& rows,
                       const std::vector<std::string>& columns, const PlotOptions& options) {
  auto cells = values.to(at::kDouble).contiguous();
  int64_t m = cells.size(0), n = cells.size(1);
  double line = ImGui::GetTextLineHeight(),
         space = options.width > 0 ? options.width : ImGui::GetContentRegionAvail().x;
  double left = rows.empty() ? 0 : bar_names_width(rows, space * 0.3) + window.units(6);
  double w = std::max(space - left, 1.0) / static_cast<double>(std::max<int64_t>(1, n));
  double widest = bar_names_width(columns, window.units(120));
  bool upright = widest > w - window.units(4);
  double top = columns.empty() ? 0 : (upright ? widest : line) + window.units(6);
  double height = options.height > 0 ? options.height : top + matrix_height(window, m, !rows.empty());
  auto area = take_area(window, name, options.width, height);
  bool over = ImGui::IsItemHovered();
  Area inner{area.x0 + left, std::min(area.y0 + top, area.y1 - 1), area.x1, area.y1};
  double h = inner.height() / static_cast<double>(std::max<int64_t>(1, m));
  auto at = cells.accessor<double, 2>();
  draw_cells(inner, cells);
  auto* list = ImGui::GetWindowDrawList();
  for (size_t i = 0, every = static_cast<size_t>(name_stride(h, line)); i < rows.size(); i += every)
    text_at(*list, {area.x0, inner.y0 + h * (static_cast<double>(i) + 0.5) - line / 2}, window.palette().ink, rows[i],
            left - window.units(4));
  for (size_t j = 0, every = upright ? static_cast<size_t>(name_stride(w, line)) : 1; j < columns.size(); j += every) {
    double x = inner.x0 + w * static_cast<double>(j);
    if (upright)
      upright_text(*list, {x + (w - line) / 2, inner.y0 - window.units(4)}, window.palette().ink, columns[j],
                   top - window.units(6));
    else
      text_at(*list, {x, area.y0}, window.palette().ink, columns[j], w - 2);
  }
  PlotEvents events;
  auto mouse = spot(ImGui::GetIO().MousePos);
  if (!over || !inner.contains(mouse)) return events;
  auto i = static_cast<int64_t>((mouse.y - inner.y0) / h), j = static_cast<int64_t>((mouse.x - inner.x0) / w);
  i = std::min(i, m - 1);
  j = std::min(j, n - 1);
  auto name_of = [](const std::vector<std::string>& names, int64_t k) {
    return static_cast<size_t>(k) < names.size() ? names[static_cast<size_t>(k)] : fmt::format("{}", k + 1);
  };
  tooltip(fmt::format("{} · {}\n{:.5g}", name_of(rows, i), name_of(columns, j), at[i][j]));
  events.hovered = i * n + j;
  if (ImGui::IsMouseClicked(0)) events.clicked = events.hovered;
  return events;
}

}  // namespace multiviz
