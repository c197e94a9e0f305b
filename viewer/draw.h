#pragma once
#include <imgui/imgui.h>

#include <string>

#include "viewer/geometry.h"
#include "viewer/window.h"

// Small things that all views draw with.
namespace multiviz {

inline ImVec2 vec(Spot p) { return {static_cast<float>(p.x), static_cast<float>(p.y)}; }
inline Spot spot(ImVec2 p) { return {p.x, p.y}; }

// ImGui's name of a widget: shows `label` and is told apart from others of the same label in this frame.
std::string unique_label(Window& window, const std::string& label);

void heading(Window& window, const std::string& text);
void faint_text(Window& window, const std::string& text);
void wrapped_text(const std::string& text);
void tooltip(const std::string& text);

// Takes a rectangle of the layout that the mouse can be pressed on, and says where it is on the screen. A width or
// height of 0 takes what is left.
Area take_area(Window& window, const char* name, double width, double height);

// Text at a spot of the draw list, cut with an ellipsis at `width` pixels.
void text_at(ImDrawList& list, Spot at, ImU32 color, const std::string& text, double width = 1e9);
std::string cut(const std::string& text, double width);
// Text that reads from `bottom` upwards, its lines' tops at the left; cut at `length` pixels.
void upright_text(ImDrawList& list, Spot bottom, ImU32 color, const std::string& text, double length);
// Text around a centre, with a line of background behind it.
void centered_text(ImDrawList& list, Spot at, ImU32 color, const std::string& text);

// Two panes with a bar between them that the mouse moves. `name` keeps the share of the left in the layout.
void split(Window& window, const std::string& name, double share, double height, const std::function<void()>& left,
           const std::function<void()>& right);

}  // namespace multiviz
