#include "viewer/draw.h"

#include <fmt/format.h>
#include <imgui/imgui_internal.h>

namespace multiviz {

std::string unique_label(Window& window, const std::string& label) {
  return fmt::format("{}###{}/{}", label, label, window.occurrence(label));
}

void heading(Window& window, const std::string& text) {
  ImGui::PushFont(window.heading_font());
  wrapped_text(text);
  ImGui::PopFont();
}

void faint_text(Window& window, const std::string& text) {
  ImGui::PushStyleColor(ImGuiCol_Text, window.palette().faint);
  wrapped_text(text);
  ImGui::PopStyleColor();
}

void wrapped_text(const std::string& text) {
  ImGui::PushTextWrapPos(0);
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopTextWrapPos();
}

void tooltip(const std::string& text) {
  ImGui::BeginTooltip();
  ImGui::PushTextWrapPos(ImGui::GetFontSize() * 30);
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopTextWrapPos();
  ImGui::EndTooltip();
}

Area take_area(Window& window, const char* name, double width, double height) {
  auto left = ImGui::GetContentRegionAvail();
  ImVec2 size{static_cast<float>(width > 0 ? width : left.x), static_cast<float>(height > 0 ? height : left.y)};
  size = {std::max(size.x, 1.0F), std::max(size.y, 1.0F)};
  auto at = ImGui::GetCursorScreenPos();
  ImGui::InvisibleButton(unique_label(window, name).c_str(), size,
                         ImGuiButtonFlags_MouseButtonLeft | ImGuiButtonFlags_MouseButtonRight);
  return {at.x, at.y, at.x + size.x, at.y + size.y};
}

std::string cut(const std::string& text, double width) {
  if (ImGui::CalcTextSize(text.c_str()).x <= width) return text;
  const std::string dots = "…";
  size_t low = 0, high = text.size();
  auto whole = [&](size_t n) {  // not in the middle of a character
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
    return n;
  };
  while (low < high) {
    size_t middle = (low + high + 1) / 2;
    if (ImGui::CalcTextSize((text.substr(0, whole(middle)) + dots).c_str()).x <= width)
      low = middle;
    else
      high = middle - 1;
  }
  return text.substr(0, whole(low)) + dots;
}

void text_at(ImDrawList& list, Spot at, ImU32 color, const std::string& text, double width) {
  auto shown = cut(text, width);
  list.AddText(vec(at), color, shown.c_str(), shown.c_str() + shown.size());
}

void upright_text(ImDrawList& list, Spot bottom, ImU32 color, const std::string& text, double length) {
  auto shown = cut(text, length);
  auto* font = ImGui::GetFont();
  float scale = ImGui::GetFontSize() / font->FontSize;
  float x = std::round(static_cast<float>(bottom.x)), y = std::round(static_cast<float>(bottom.y));
  for (const char *at = shown.data(), *end = at + shown.size(); at < end;) {
    unsigned character = 0;
    at += ImTextCharFromUtf8(&character, at, end);
    auto* glyph = font->FindGlyph(static_cast<ImWchar>(character));
    if (!glyph) continue;
    auto corner = [&](float along, float across) { return ImVec2{x + across * scale, y - along * scale}; };
    if (glyph->Visible) {
      list.PrimReserve(6, 4);
      list.PrimQuadUV(corner(glyph->X0, glyph->Y0), corner(glyph->X1, glyph->Y0), corner(glyph->X1, glyph->Y1),
                      corner(glyph->X0, glyph->Y1), {glyph->U0, glyph->V0}, {glyph->U1, glyph->V0},
                      {glyph->U1, glyph->V1}, {glyph->U0, glyph->V1}, color);
    }
    y -= glyph->AdvanceX * scale;
  }
}

void centered_text(ImDrawList& list, Spot at, ImU32 color, const std::string& text) {
  auto size = ImGui::CalcTextSize(text.c_str());
  list.AddText({static_cast<float>(at.x) - size.x / 2, static_cast<float>(at.y) - size.y / 2}, color, text.c_str());
}

namespace {

// A panel; those within it have its background.
void panel(const std::string& name, ImVec2 size, const std::function<void()>& content) {
  ImGui::BeginChild(name.c_str(), size, true);
  ImGui::PushStyleColor(ImGuiCol_ChildBg, 0);
  content();
  ImGui::PopStyleColor();
  ImGui::EndChild();
}

}  // namespace

void split(Window& window, const std::string& name, double share, double height, const std::function<void()>& left,
           const std::function<void()>& right) {
  constexpr double least = 0.12;
  auto space = ImGui::GetContentRegionAvail();
  float bar = window.units(8), tall = height > 0 ? static_cast<float>(height) : space.y;
  share = std::clamp(window.layout().get(name, share), least, 1 - least);
  float first = std::max(1.0F, (space.x - bar) * static_cast<float>(share));
  panel(name + "/left", {first, tall}, left);
  ImGui::SameLine(0, 0);
  ImGui::InvisibleButton((name + "/bar").c_str(), {bar, std::max(tall, 1.0F)});
  if (ImGui::IsItemHovered() || ImGui::IsItemActive()) {
    ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    auto low = ImGui::GetItemRectMin(), high = ImGui::GetItemRectMax();
    float middle = (low.x + high.x) / 2, half = window.units(1);
    ImGui::GetWindowDrawList()->AddRectFilled({middle - half, low.y}, {middle + half, high.y}, window.palette().accent);
  }
  if (ImGui::IsItemActive() && space.x > bar) {
    double moved = share + ImGui::GetIO().MouseDelta.x / (space.x - bar);
    window.layout().set(name, std::clamp(moved, least, 1 - least));
  }
  ImGui::SameLine(0, 0);
  panel(name + "/right", {0, tall}, right);
}

}  // namespace multiviz
