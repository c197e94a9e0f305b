#pragma once
#include <memory>

#include "bindings/binder.h"
#include "viewer/desktop.h"

namespace multiviz::script {

// What scripts hold of a window, and its error in the last frame ("" when it went well).
struct WindowHandle {
  std::shared_ptr<Desktop> desktop;  // outlives its windows
  std::shared_ptr<Window> window;
  std::string error;
};
using WindowPtr = std::shared_ptr<WindowHandle>;

// The windows of this Lua state, made when first asked for.
Desktop& desktop(lua_State* L);
// Lets open windows react and redraw, for work that keeps the script's thread busy. Cheap where there are none.
void tend_windows(lua_State* L);
// Until every visible window is closed.
void run_windows(lua_State* L);
// What the windows show may have changed.
void wake_windows(lua_State* L);
// Whether windows are open, so that whoever waits for input has to tend them.
bool has_windows(lua_State* L);

// The options that every call that opens a window has: title, width, height, visible, theme, scale.
WindowOptions window_options(Options& options, const std::string& title);

// Opens a window on this content. What it throws is shown in the window, which lives on.
int push_window(lua_State* L, WindowOptions options, Window::Content content);

// The window that is being drawn. Throws Error outside of a window's function.
Window& current_window(lua_State* L);

}  // namespace multiviz::script
