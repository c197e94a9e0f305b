#include "viewer/tokens.h"

#include "viewer/draw.h"
#include "viewer/heat.h"

namespace multiviz {
namespace {

Color mix(Color a, ImU32 under, double part) {
  auto c = ImGui::ColorConvertU32ToFloat4(under);
  auto blend = [&](uint8_t x, float y) { return static_cast<uint8_t>(x * part + y * 255 * (1 - part)); };
  return {blend(a.red, c.x), blend(a.green, c.y), blend(a.blue, c.z)};
}

WeightLook look_of(Window& window, const std::vector<double>& weights, size_t i, HeatmapRange range) {
  if (i < weights.size()) return weight_look(weights[i], range);
  return {ImGui::GetColorU32(ImGuiCol_FrameBg), window.palette().ink};
}

}  // namespace

WeightLook weight_look(double weight, HeatmapRange range) {
  auto color = mix(weight_color(weight, range), ImGui::GetColorU32(ImGuiCol_FrameBg), weight_alpha(weight, range));
  return {to_u32(color), text_on(color)};
}

TokenEvents token_strip(Window& window, const std::vector<std::string>& words, const std::vector<double>& weights,
                        HeatmapRange range, const std::set<int64_t>& chosen, const std::set<int64_t>& hidden) {
  double width = std::max(ImGui::GetContentRegionAvail().x, 1.0F), pad = window.units(6), gap = window.units(4);
  double height = ImGui::GetTextLineHeight() + window.units(8);
  std::vector<double> widths;
  for (const auto& word : words)
    widths.push_back(std::min<double>(ImGui::CalcTextSize(word.c_str()).x + 2 * pad, width));
  auto lines = flow(widths, width, gap);
  auto area = take_area(window, "tokens", width, std::max(1.0, lines.lines * (height + gap)));
  bool over = ImGui::IsItemHovered(), clicked = ImGui::IsItemClicked(0);
  auto mouse = spot(ImGui::GetIO().MousePos);
  auto* list = ImGui::GetWindowDrawList();
  TokenEvents events;
  events.shift = ImGui::GetIO().KeyShift;
  for (size_t i = 0; i < words.size(); ++i) {
    auto index = static_cast<int64_t>(i);
    double x = area.x0 + lines.left[i], y = area.y0 + lines.line[i] * (height + gap);
    Area box{x, y, x + widths[i], y + height};
    auto look = look_of(window, weights, i, range);
    list->AddRectFilled(vec({box.x0, box.y0}), vec({box.x1, box.y1}), look.fill, window.units(4));
    text_at(*list, {x + pad, y + window.units(4)}, look.ink, words[i], widths[i] - 2 * pad + 1);
    if (chosen.contains(index))
      list->AddRect(vec({box.x0, box.y0}), vec({box.x1, box.y1}), window.palette().accent, window.units(4), 0,
                    window.units(2));
    if (hidden.contains(index))
      list->AddLine(vec({box.x0, (y + box.y1) / 2}), vec({box.x1, (y + box.y1) / 2}), window.palette().bad,
                    window.units(2));
    if (!over || !box.contains(mouse)) continue;
    events.hovered = index;
    if (clicked) events.clicked = index;
    if (i < weights.size()) tooltip(fmt::format("{}\n{:.4g}", words[i], weights[i]));
  }
  return events;
}

}  // namespace multiviz
