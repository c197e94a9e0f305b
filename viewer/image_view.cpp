#include "viewer/image_view.h"

#include <ATen/ATen.h>
#include <imgui/imgui_internal.h>

#include "viewer/draw.h"

namespace multiviz {
namespace {

// What a view keeps between frames.
struct ViewState {
  Zoom zoom;
  std::optional<Spot> pressed;  // where the left button went down, on the screen
  at::Tensor image, values, shown, segments;
  HeatSettings settings;
  HeatmapRange range;
};

at::Tensor with_outlines(const at::Tensor& pixels, const at::Tensor& segments) {
  return draw_outlines(pixels, segments, {255, 255, 255});
}

// The picture to draw, composed anew only when something changed.
const at::Tensor& picture(ViewState& state, const ImageContent& content, const HeatSettings& settings) {
  bool same = state.shown.defined() && state.image.is_same(content.image) && state.values.is_same(content.values) &&
              state.segments.is_same(content.segments) && state.settings == settings && state.range == content.range;
  if (same) return state.shown;
  state.shown = compose(content.image, content.values, settings, content.range);
  if (settings.outlines && content.segments.defined()) state.shown = with_outlines(state.shown, content.segments);
  state.image = content.image;
  state.values = content.values;
  state.segments = content.segments;
  state.settings = settings;
  state.range = content.range;
  return state.shown;
}

void draw_regions(Window& window, const ImageContent& content, const Placement& placement, const Area& area) {
  auto* list = ImGui::GetWindowDrawList();
  list->PushClipRect(vec({area.x0, area.y0}), vec({area.x1, area.y1}), true);
  for (const auto& region : content.regions) {
    auto color = region.referred ? window.palette().good : window.palette().faint;
    list->AddRect(vec(placement.to_screen({region.box.x0, region.box.y0})),
                  vec(placement.to_screen({region.box.x1, region.box.y1})), color, 0, 0,
                  window.units(region.referred ? 2.5F : 1.2F));
  }
  list->PopClipRect();
}

bool in_image(Spot p, const at::Tensor& pixels) {
  return p.x >= 0 && p.y >= 0 && p.x < static_cast<double>(pixels.size(1)) && p.y < static_cast<double>(pixels.size(0));
}

std::string describe_pixel(const ImageContent& content, Spot p) {
  auto x = static_cast<int64_t>(p.x), y = static_cast<int64_t>(p.y);
  auto text = fmt::format("column {}, row {}", x, y);
  if (content.values.defined()) text += fmt::format("\nweight {:.4g}", content.values[y][x].item<double>());
  if (content.segments.defined()) {
    auto segment = content.segments[y][x].item<int64_t>();
    if (segment >= 0 && segment < static_cast<int64_t>(content.names.size()))
      text += "\n" + content.names[static_cast<size_t>(segment)];
  }
  for (const auto& region : content.regions)
    if (p.x >= region.box.x0 && p.x < region.box.x1 && p.y >= region.box.y0 && p.y < region.box.y1)
      text += "\n" + region.name;
  return text;
}

// The wheel zooms, the right button moves.
void move_view(ViewState& state, const Area& area, double width, double height) {
  auto& io = ImGui::GetIO();
  if (ImGui::IsItemHovered() && io.MouseWheel != 0) {
    state.zoom = zoom_at(state.zoom, std::pow(1.2, io.MouseWheel), spot(io.MousePos), width, height, area);
  }
  if (ImGui::IsItemActive() && ImGui::IsMouseDown(1))
    state.zoom = pan(state.zoom, spot(io.MouseDelta), width, height, area);
}

void left_button(Window& window, ViewState& state, const Placement& placement, ImageEvents& events) {
  auto mouse = spot(ImGui::GetIO().MousePos);
  if (ImGui::IsItemHovered() && ImGui::IsMouseClicked(0)) state.pressed = mouse;
  if (!state.pressed) return;
  auto a = placement.to_image(*state.pressed), b = placement.to_image(mouse);
  bool dragged = std::abs(mouse.x - state.pressed->x) + std::abs(mouse.y - state.pressed->y) > window.units(6);
  Box box{std::min(a.x, b.x), std::min(a.y, b.y), std::max(a.x, b.x), std::max(a.y, b.y)};
  if (dragged)
    ImGui::GetWindowDrawList()->AddRect(vec(placement.to_screen({box.x0, box.y0})),
                                        vec(placement.to_screen({box.x1, box.y1})), window.palette().accent, 0, 0,
                                        window.units(2));
  if (ImGui::IsMouseDown(0)) return;
  if (dragged)
    events.dragged = box;
  else
    events.clicked = b;
  state.pressed.reset();
}

}  // namespace

ImageEvents image_view(Window& window, const char* name, const ImageContent& content, const HeatSettings& settings,
                       double width, double height) {
  const auto& sized = content.image.defined() ? content.image : content.values;
  double rows = static_cast<double>(sized.size(0)), columns = static_cast<double>(sized.size(1));
  if (width <= 0) width = std::max(1.0F, ImGui::GetContentRegionAvail().x);
  if (height <= 0) height = std::min(width * rows / columns, ImGui::GetIO().DisplaySize.y * 0.8);
  auto area = take_area(window, name, width, height);
  auto& state = window.state<ViewState>(ImGui::GetItemID());
  move_view(state, area, columns, rows);
  const auto& pixels = picture(state, content, settings);
  auto placement = place(columns, rows, area, state.zoom);
  auto* list = ImGui::GetWindowDrawList();
  list->PushClipRect(vec({area.x0, area.y0}), vec({area.x1, area.y1}), true);
  bool smooth = state.zoom.zoom == 1 || placement.scale < 4;
  list->AddImage(window.texture(pixels, smooth), vec(placement.origin), vec(placement.to_screen({columns, rows})));
  list->PopClipRect();
  if (settings.boxes) draw_regions(window, content, placement, area);
  ImageEvents events;
  events.shift = ImGui::GetIO().KeyShift;
  auto mouse = placement.to_image(spot(ImGui::GetIO().MousePos));
  if (ImGui::IsItemHovered() && in_image(mouse, pixels)) {
    events.hovered = mouse;
    if (!state.pressed) tooltip(describe_pixel(content, mouse));
  }
  left_button(window, state, placement, events);
  if (events.clicked && !in_image(*events.clicked, pixels)) events.clicked.reset();
  return events;
}

void heat_controls(Window& window, HeatSettings& settings) {
  auto choose = [&](const char* label, int value, const char* choices) {
    ImGui::SetNextItemWidth(window.units(105));
    ImGui::Combo(unique_label(window, label).c_str(), &value, choices);
    return value;
  };
  auto next = [&](float width) {
    ImGui::SameLine();
    if (ImGui::GetContentRegionAvail().x < window.units(width)) ImGui::NewLine();
  };
  ImGui::SetNextItemWidth(window.units(90));
  ImGui::SliderFloat(unique_label(window, "opacity").c_str(), &settings.opacity, 0, 1, "%.2f");
  next(160);
  ImGui::SetNextItemWidth(window.units(90));
  ImGui::SliderFloat(unique_label(window, "threshold").c_str(), &settings.threshold, 0, 1, "%.2f");
  next(150);
  settings.sign = static_cast<HeatSettings::Sign>(
      choose("sign", static_cast<int>(settings.sign), "both\0positive\0negative\0absolute\0"));
  next(160);
  settings.map = static_cast<HeatSettings::Map>(
      choose("colours", static_cast<int>(settings.map), "automatic\0sequential\0diverging\0grey\0"));
  next(150);
  settings.blend =
      static_cast<HeatSettings::Blend>(choose("blend", static_cast<int>(settings.blend), "over\0spotlight\0alone\0"));
  next(90);
  ImGui::Checkbox(unique_label(window, "outlines").c_str(), &settings.outlines);
  next(80);
  ImGui::Checkbox(unique_label(window, "boxes").c_str(), &settings.boxes);
}

void heat_legend(Window& window, const HeatSettings& settings, HeatmapRange range, double width) {
  constexpr int steps = 48;
  auto at = ImGui::GetCursorScreenPos();
  auto* list = ImGui::GetWindowDrawList();
  double height = window.units(8), low = range.is_signed ? -range.limit : 0;
  for (int i = 0; i < steps; ++i) {
    double value = low + (range.limit - low) * (i + 0.5) / steps;
    double left = at.x + width * i / steps;
    list->AddRectFilled(vec({left, at.y}), vec({left + width / steps + 1, at.y + height}),
                        to_u32(weight_color(value, range, settings.map)));
  }
  auto text = [&](double x, double value) {
    auto shown = fmt::format("{:.3g}", value);
    list->AddText(vec({x - (x > at.x ? ImGui::CalcTextSize(shown.c_str()).x : 0), at.y + height + window.units(2)}),
                  window.palette().faint, shown.c_str());
  };
  text(at.x, low);
  text(at.x + width, range.limit);
  ImGui::Dummy(vec({width, height + ImGui::GetTextLineHeight() + window.units(4)}));
}

}  // namespace multiviz
