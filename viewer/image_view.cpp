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

// A dark line on either side keeps a pale box in sight on a bright picture.
void draw_boxes(Window& window, const ImageContent& content, const HeatSettings& settings, const Placement& placement,
                const Area& area, const ColoredBox* marked) {
  auto* list = ImGui::GetWindowDrawList();
  list->PushClipRect(vec({area.x0, area.y0}), vec({area.x1, area.y1}), true);
  for (const auto& box : content.boxes) {
    auto low = vec(placement.to_screen({box.box.x0, box.box.y0})),
         high = vec(placement.to_screen({box.box.x1, box.box.y1}));
    double alpha = &box == marked ? 1 : std::min(1.0, settings.opacity * (0.7 + 0.8 * box.strength));
    auto line = window.units(1.2F + 2.3F * static_cast<float>(box.strength));
    if (&box == marked) list->AddRectFilled(low, high, to_u32({255, 255, 255}, 0.18));
    list->AddRect(low, high, to_u32({0, 0, 0}, 0.6 * alpha), 0, 0, line + window.units(2));
    list->AddRect(low, high, to_u32(box.color, alpha), 0, 0, line);
  }
  for (const auto& box : content.boxes) {
    if (box.mark.empty()) continue;
    auto size = ImGui::CalcTextSize(box.mark.c_str());
    float pad = window.units(3), wide = std::max(size.x, size.y * 0.7F) + 2 * pad, tall = size.y;
    auto corner = vec(placement.to_screen({box.box.x0, box.box.y0}));
    corner.x = std::clamp(corner.x, static_cast<float>(area.x0),
                          std::max(static_cast<float>(area.x0), static_cast<float>(area.x1) - wide));
    corner.y = std::clamp(corner.y, static_cast<float>(area.y0),
                          std::max(static_cast<float>(area.y0), static_cast<float>(area.y1) - tall));
    list->AddRectFilled(corner, {corner.x + wide, corner.y + tall}, to_u32(box.color), window.units(3));
    list->AddRect(corner, {corner.x + wide, corner.y + tall}, to_u32({0, 0, 0}, 0.7), window.units(3));
    list->AddText({corner.x + (wide - size.x) / 2, corner.y}, text_on(box.color), box.mark.c_str());
  }
  list->PopClipRect();
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
  if (const auto* box = box_under(content, p)) text += "\n" + box->text;
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

const ColoredBox* box_under(const ImageContent& content, Spot p) {
  const ColoredBox* found = nullptr;
  auto area = [](const Box& box) { return (box.x1 - box.x0) * (box.y1 - box.y0); };
  for (const auto& candidate : content.boxes) {
    const auto& box = candidate.box;
    if (p.x < box.x0 || p.x >= box.x1 || p.y < box.y0 || p.y >= box.y1) continue;
    if (!found || area(box) <= area(found->box)) found = &candidate;
  }
  return found;
}

ImageEvents image_view(Window& window, const char* name, const ImageContent& content, const HeatSettings& settings,
                       double width, double height) {
  const auto& sized = content.image.defined() ? content.image : content.values;
  double rows = static_cast<double>(sized.defined() ? sized.size(0) : content.height);
  double columns = static_cast<double>(sized.defined() ? sized.size(1) : content.width);
  if (width <= 0) width = std::max(1.0F, ImGui::GetContentRegionAvail().x);
  if (height <= 0) height = std::min(width * rows / columns, ImGui::GetIO().DisplaySize.y * 0.8);
  auto area = take_area(window, name, width, height);
  auto& state = window.state<ViewState>(ImGui::GetItemID());
  move_view(state, area, columns, rows);
  auto placement = place(columns, rows, area, state.zoom);
  auto* list = ImGui::GetWindowDrawList();
  list->PushClipRect(vec({area.x0, area.y0}), vec({area.x1, area.y1}), true);
  auto end = vec(placement.to_screen({columns, rows}));
  bool smooth = state.zoom.zoom == 1 || placement.scale < 4;
  if (sized.defined())
    list->AddImage(window.texture(picture(state, content, settings), smooth), vec(placement.origin), end);
  else
    list->AddRectFilled(vec(placement.origin), end, window.palette().line);
  list->PopClipRect();
  auto in_image = [&](Spot p) { return p.x >= 0 && p.y >= 0 && p.x < columns && p.y < rows; };
  auto mouse = placement.to_image(spot(ImGui::GetIO().MousePos));
  bool over = ImGui::IsItemHovered() && in_image(mouse);
  if (settings.boxes) draw_regions(window, content, placement, area);
  draw_boxes(window, content, settings, placement, area, over ? box_under(content, mouse) : nullptr);
  ImageEvents events;
  events.shift = ImGui::GetIO().KeyShift;
  if (over) {
    events.hovered = mouse;
    if (!state.pressed) tooltip(describe_pixel(content, mouse));
  }
  left_button(window, state, placement, events);
  if (events.clicked && !in_image(*events.clicked)) events.clicked.reset();
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
