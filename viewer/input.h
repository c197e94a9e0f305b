#pragma once
#include <deque>
#include <string>
#include <vector>

namespace multiviz {

// One thing that mouse, keyboard or the desktop did to a window.
struct InputEvent {
  enum class Kind { move, leave, button, wheel, key, text, drop };
  Kind kind = Kind::move;
  float x = 0, y = 0;                   // move: pixels from the window's upper left corner; wheel: steps
  int code = 0;                         // button: 0 left, 1 right, 2 middle; key: GLFW's number
  bool down = false;                    // button and key
  unsigned character = 0;               // text: a Unicode code point
  std::vector<std::string> files = {};  // drop

  static InputEvent move(float x, float y) { return {.kind = Kind::move, .x = x, .y = y}; }
  static InputEvent button(int code, bool down) { return {.kind = Kind::button, .code = code, .down = down}; }
  static InputEvent wheel(float x, float y) { return {.kind = Kind::wheel, .x = x, .y = y}; }
  static InputEvent key(int code, bool down) { return {.kind = Kind::key, .code = code, .down = down}; }
  static InputEvent text(unsigned character) { return {.kind = Kind::text, .character = character}; }
  static InputEvent drop(std::vector<std::string> files) { return {.kind = Kind::drop, .files = std::move(files)}; }
};

// Takes from the queue what one frame can see without losing anything: a press or release of a button or key comes first
// in its frame, since widgets react to what the mouse was over in the frame before, and no movement follows it.
std::vector<InputEvent> take_frame(std::deque<InputEvent>& queue);

// A key's number by name: "a" to "z", "0" to "9", "enter", "escape", "tab", "space", "left", "f1", ... Throws Error,
// with a suggestion, for any other.
int key_code(const std::string& name);

// "ctrl+shift+s" as a key and what must be held with it.
struct Shortcut {
  int key = 0;
  bool control = false, shift = false, alt = false;
  bool operator==(const Shortcut&) const = default;
};
Shortcut parse_shortcut(const std::string& text);

}  // namespace multiviz
