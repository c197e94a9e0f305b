#include <imgui/imgui.h>
#include <imgui/imgui_stdlib.h>

#include "bindings/register.h"
#include "bindings/ui_work.h"
#include "viewer/draw.h"

// The controls of mv.ui. Each returns the value that the user left it at, and whether that is new.
namespace multiviz::script {
namespace {

void set_width(Window& window, Options& options) {
  auto width = options.number("width", 0, {.min = 0});
  if (width > 0) ImGui::SetNextItemWidth(window.units(static_cast<float>(width)));
}

int text(lua_State* L) {
  auto& window = current_window(L);
  size_t size = 0;
  const char* chars = luaL_tolstring(L, 1, &size);
  std::string shown(chars, size);
  lua_pop(L, 1);
  Options options(L, 2);
  auto style = options.choice("style", {"normal", "heading", "faint", "good", "bad"}, "normal");
  options.done();
  if (style == "heading") return heading(window, shown), 0;
  if (style == "faint") return faint_text(window, shown), 0;
  bool colored = style != "normal";
  if (colored) ImGui::PushStyleColor(ImGuiCol_Text, style == "good" ? window.palette().good : window.palette().bad);
  wrapped_text(shown);
  if (colored) ImGui::PopStyleColor();
  return 0;
}

int button(lua_State* L) {
  auto& window = current_window(L);
  auto label = arg_string(L, 1, "label");
  Options options(L, 2);
  auto width = window.units(static_cast<float>(options.number("width", 0, {.min = 0})));
  bool enabled = options.boolean("enabled", true);
  options.done();
  ImGui::BeginDisabled(!enabled);
  bool pressed = ImGui::Button(unique_label(window, label).c_str(), {width, 0});
  ImGui::EndDisabled();
  return push(L, pressed);
}

int checkbox(lua_State* L) {
  auto& window = current_window(L);
  auto label = arg_string(L, 1, "label");
  bool value = arg_boolean(L, 2, "value");
  bool changed = ImGui::Checkbox(unique_label(window, label).c_str(), &value);
  push(L, value);
  return push(L, changed), 2;
}

int slider(lua_State* L) {
  auto& window = current_window(L);
  auto label = unique_label(window, arg_string(L, 1, "label"));
  auto value = static_cast<float>(arg_number(L, 2, "value"));
  Options options(L, 3);
  auto low = static_cast<float>(options.number("min", 0)), high = static_cast<float>(options.number("max", 1));
  bool whole = options.boolean("integer", false);
  set_width(window, options);
  options.done();
  check(low < high, "mv.ui.slider: 'min' {} must be below 'max' {}", low, high);
  bool changed = false;
  if (whole) {
    int number = static_cast<int>(std::lround(value));
    changed = ImGui::SliderInt(label.c_str(), &number, static_cast<int>(low), static_cast<int>(high));
    push(L, number);
  } else {
    changed = ImGui::SliderFloat(label.c_str(), &value, low, high);
    push(L, static_cast<double>(value));
  }
  return push(L, changed), 2;
}

int input(lua_State* L) {
  auto& window = current_window(L);
  auto label = unique_label(window, arg_string(L, 1, "label"));
  auto value = arg_string(L, 2, "value");
  Options options(L, 3);
  auto hint = options.string("hint", "");
  auto lines = options.integer("lines", 1, {.min = 1, .max = 100});
  bool on_enter = options.boolean("enter", false);
  set_width(window, options);
  options.done();
  auto flags = on_enter ? ImGuiInputTextFlags_EnterReturnsTrue : 0;
  bool changed = false;
  if (lines > 1)
    changed = ImGui::InputTextMultiline(
        label.c_str(), &value, {0, ImGui::GetTextLineHeight() * static_cast<float>(lines) + window.units(10)}, flags);
  else
    changed = ImGui::InputTextWithHint(label.c_str(), hint.c_str(), &value, flags);
  push(L, value);
  return push(L, changed), 2;
}

int combo(lua_State* L) {
  auto& window = current_window(L);
  auto label = unique_label(window, arg_string(L, 1, "label"));
  auto choices = arg_strings(L, 3, "choices");
  int64_t chosen = -1;
  if (lua_type(L, 2) == LUA_TNUMBER)
    chosen = arg_integer(L, 2, "value", {1, static_cast<double>(choices.size())}) - 1;
  else if (!absent(L, 2))
    chosen = std::find(choices.begin(), choices.end(), arg_string(L, 2, "value")) - choices.begin();
  Options options(L, 4);
  set_width(window, options);
  options.done();
  auto count = static_cast<int64_t>(choices.size());
  bool changed = false;
  if (ImGui::BeginCombo(label.c_str(),
                        chosen >= 0 && chosen < count ? choices[static_cast<size_t>(chosen)].c_str() : "")) {
    for (int64_t i = 0; i < count; ++i)
      if (ImGui::Selectable(unique_label(window, choices[static_cast<size_t>(i)]).c_str(), i == chosen)) {
        chosen = i;
        changed = true;
      }
    ImGui::EndCombo();
  }
  if (chosen < 0 || chosen >= count) return lua_pushnil(L), push(L, false), 2;
  push(L, choices[static_cast<size_t>(chosen)]);
  return push(L, changed), 2;
}

int progress(lua_State* L) {
  current_window(L);
  auto fraction = arg_number(L, 1, "fraction");
  auto label = absent(L, 2) ? std::string() : arg_string(L, 2, "label");
  ImGui::ProgressBar(static_cast<float>(std::clamp(fraction, 0.0, 1.0)), {-1, 0},
                     label.empty() ? nullptr : label.c_str());
  return 0;
}

int tip(lua_State* L) {
  current_window(L);
  auto text = arg_string(L, 1, "text");
  if (ImGui::IsItemHovered()) tooltip(text);
  return 0;
}

int same_line(lua_State* L) {
  current_window(L);
  ImGui::SameLine();
  return 0;
}

int separator(lua_State* L) {
  current_window(L);
  ImGui::Separator();
  return 0;
}

int shortcut(lua_State* L) {
  auto& window = current_window(L);
  return push(L, window.pressed(parse_shortcut(arg_string(L, 1, "keys"))));
}

int clipboard(lua_State* L) {
  current_window(L);
  if (!absent(L, 1)) ImGui::SetClipboardText(arg_string(L, 1, "text").c_str());
  const char* text = ImGui::GetClipboardText();
  return push(L, text ? text : "");
}

int dropped(lua_State* L) { return push(L, current_window(L).dropped_files()); }

int animate(lua_State* L) {
  current_window(L).wake(1);
  return 0;
}

int window_size(lua_State* L) {
  auto& window = current_window(L);
  auto size = ImGui::GetContentRegionAvail();
  push(L, static_cast<double>(size.x / window.scale()));
  return push(L, static_cast<double>(size.y / window.scale())), 2;
}

}  // namespace

void register_ui(Binder& binder) {
  auto add = [&](const char* name, const char* signature, const char* help, Call call) {
    binder.function((std::string("ui.") + name).c_str(), signature, help, std::move(call));
  };
  add("text", "ui.text(text, {style=\"normal\"})",
      "Text, broken into lines. Styles: \"normal\", \"heading\", \"faint\", \"good\", \"bad\".", text);
  add("button", "ui.button(label, {width=, enabled=true}) -> pressed", "True in the frame in which it was pressed.",
      button);
  add("checkbox", "ui.checkbox(label, value) -> value, changed", "A box to tick.", checkbox);
  add("slider", "ui.slider(label, value, {min=0, max=1, integer=false, width=}) -> value, changed", "A number to drag.",
      slider);
  add("input", "ui.input(label, value, {hint=, lines=1, enter=false, width=}) -> value, changed",
      "A line of text, or several. With `enter`, changed only when Enter was pressed.", input);
  add("combo", "ui.combo(label, value, choices, {width=}) -> value, changed",
      "One of several strings; value is one of them, its number, or nil.", combo);
  add("progress", "ui.progress(fraction, [label])", "A bar.", progress);
  add("tooltip", "ui.tooltip(text)", "Shown while the mouse is over what was drawn last.", tip);
  add("same_line", "ui.same_line()", "What follows is drawn beside what came before.", same_line);
  add("separator", "ui.separator()", "A line.", separator);
  add("shortcut", "ui.shortcut(keys) -> pressed", "Whether these keys were pressed in this frame: \"ctrl+s\".",
      shortcut);
  add("clipboard", "ui.clipboard([text]) -> string", "What is on the clipboard, after putting the text there.",
      clipboard);
  add("dropped", "ui.dropped() -> {file, ...}", "The files that were dropped on the window in this frame.", dropped);
  add("animate", "ui.animate()", "Draws the next frame at once instead of after the next input.", animate);
  add("work", "ui.work(name, function() ... end) -> started",
      "Runs the function when this frame is drawn, with its progress and a button that cancels it in the window: for "
      "what takes longer than a frame. Windows are drawn between the steps of MultiViz's analyses. Its error is shown "
      "in the window. False while the window's work of before runs.",
      ui_work);
  add("space", "ui.space() -> width, height", "What is left to draw in, in units.", window_size);
}

}  // namespace multiviz::script
