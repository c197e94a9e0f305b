#include "viewer/theme.h"

namespace multiviz {
namespace {

ImVec4 color(uint32_t rgb, float alpha = 1) {
  auto part = [&](int shift) { return static_cast<float>(rgb >> shift & 255) / 255.0F; };
  return {part(16), part(8), part(0), alpha};
}

ImU32 packed(uint32_t rgb, float alpha = 1) { return ImGui::ColorConvertFloat4ToU32(color(rgb, alpha)); }

struct Shades {
  uint32_t back, panel, field, hover, active, line, ink, faint, accent;
};

constexpr Shades dark_shades{0x16191d, 0x1d2126, 0x2a3037, 0x36404a, 0x41505f, 0x3a424b, 0xe6e8ea, 0x97a1ab, 0x56b4e9};
constexpr Shades light_shades{0xf4f5f7, 0xffffff, 0xe6e9ed, 0xd6dde4, 0xc3d2e0, 0xc4cad1, 0x1b1f24, 0x5d6772, 0x0072b2};

void set_colors(ImVec4* colors, const Shades& s) {
  colors[ImGuiCol_Text] = color(s.ink);
  colors[ImGuiCol_TextDisabled] = color(s.faint);
  colors[ImGuiCol_WindowBg] = color(s.back);
  colors[ImGuiCol_ChildBg] = color(s.panel);
  colors[ImGuiCol_PopupBg] = color(s.panel);
  colors[ImGuiCol_Border] = color(s.line);
  for (int field : {ImGuiCol_FrameBg, ImGuiCol_Button, ImGuiCol_Tab, ImGuiCol_TableHeaderBg, ImGuiCol_Header,
                    ImGuiCol_TabUnfocused, ImGuiCol_ScrollbarBg})
    colors[field] = color(s.field);
  for (int field : {ImGuiCol_FrameBgHovered, ImGuiCol_ButtonHovered, ImGuiCol_TabHovered, ImGuiCol_HeaderHovered,
                    ImGuiCol_ScrollbarGrab, ImGuiCol_SeparatorHovered})
    colors[field] = color(s.hover);
  for (int field : {ImGuiCol_FrameBgActive, ImGuiCol_ButtonActive, ImGuiCol_TabActive, ImGuiCol_HeaderActive,
                    ImGuiCol_ScrollbarGrabHovered, ImGuiCol_ScrollbarGrabActive, ImGuiCol_TabUnfocusedActive})
    colors[field] = color(s.active);
  for (int field : {ImGuiCol_CheckMark, ImGuiCol_SeparatorActive, ImGuiCol_NavHighlight})
    colors[field] = color(s.accent);
  for (int field : {ImGuiCol_SliderGrab, ImGuiCol_SliderGrabActive, ImGuiCol_PlotHistogram})
    colors[field] = color(s.accent, 0.45F);  // text lies on them
  colors[ImGuiCol_TextSelectedBg] = color(s.accent, 0.35F);
  colors[ImGuiCol_Separator] = color(s.line);
  colors[ImGuiCol_TableBorderStrong] = color(s.line);
  colors[ImGuiCol_TableBorderLight] = color(s.line, 0.6F);
  colors[ImGuiCol_TableRowBgAlt] = color(s.field, 0.3F);
}

Palette make_palette(const Shades& s, bool dark) {
  Palette palette{packed(s.ink),
                  packed(s.faint),
                  packed(s.line),
                  packed(s.panel),
                  packed(s.accent),
                  packed(dark ? 0x4fc3a1 : 0x00795b),
                  packed(dark ? 0xff8a65 : 0xb3400a),
                  {}};
  for (uint32_t rgb : {0x0072b2U, 0xe69f00U, 0x009e73U, 0xcc79a7U, 0x56b4e9U, 0xd55e00U, 0xf0e442U})
    palette.series.push_back(packed(dark && rgb == 0x0072b2U ? 0x5aa9dd : rgb));
  return palette;
}

}  // namespace

void apply_theme(bool dark, float scale) {
  auto& style = ImGui::GetStyle();
  style = ImGuiStyle();
  set_colors(style.Colors, dark ? dark_shades : light_shades);
  style.AntiAliasedLinesUseTex = false;  // the glyphs' texture is not interpolated
  style.WindowRounding = 0;
  style.ChildRounding = style.FrameRounding = style.PopupRounding = style.GrabRounding = style.TabRounding = 4;
  style.WindowBorderSize = 0;
  style.WindowPadding = {12, 12};
  style.FramePadding = {8, 5};
  style.ItemSpacing = {8, 7};
  style.CellPadding = {6, 4};
  style.ScrollbarSize = 13;
  style.ScaleAllSizes(scale);
}

const Palette& palette(bool dark) {
  static const Palette dark_palette = make_palette(dark_shades, true);
  static const Palette light_palette = make_palette(light_shades, false);
  return dark ? dark_palette : light_palette;
}

ImU32 to_u32(Color c, double alpha) {
  return IM_COL32(c.red, c.green, c.blue, static_cast<int>(std::clamp(alpha, 0.0, 1.0) * 255 + 0.5));
}

ImU32 text_on(Color c) {
  double light = 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue;
  return light > 140 ? IM_COL32(20, 20, 20, 255) : IM_COL32(255, 255, 255, 255);
}

}  // namespace multiviz
