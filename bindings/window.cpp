#include "bindings/window.h"

#include <imgui/imgui_internal.h>

#include "bindings/register.h"
#include "bindings/ui_work.h"
#include "core/cancel.h"
#include "io/image.h"

namespace multiviz::script {
namespace {

const char desktop_key = 0;  // registry key, by address

struct DesktopHolder {
  std::shared_ptr<Desktop> desktop;
};

Desktop* find_desktop(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &desktop_key);
  auto* holder = test<DesktopHolder>(L, -1);
  lua_pop(L, 1);
  return holder ? holder->desktop.get() : nullptr;
}

void show_error(Window& window, const std::string& message) {
  ImGui::PushStyleColor(ImGuiCol_Text, ImGui::ColorConvertU32ToFloat4(window.palette().bad));
  ImGui::PushTextWrapPos(0);
  ImGui::TextUnformatted("This window's function stopped with an error:");
  ImGui::TextUnformatted(message.c_str());
  ImGui::PopTextWrapPos();
  ImGui::PopStyleColor();
}

// Runs the content; whatever it left open when it threw is closed, and the message takes the rest of the frame.
void draw_guarded(Window& window, const Window::Content& content, std::string& error) {
  try {
    content(window);
    error.clear();
    return;
  } catch (const Cancelled& cancelled) {
    error = cancelled.what();
  } catch (const std::exception& thrown) {
    error = thrown.what();
  }
  ImGui::ErrorCheckEndFrameRecover(nullptr);
  ImGui::SetNextWindowPos({0, 0});
  ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
  ImGui::SetNextWindowBgAlpha(0.9F);
  ImGui::Begin("##error", nullptr, ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove);
  show_error(window, error);
}

int open_window(lua_State* L) {
  auto title = arg_string(L, 1, "title");
  auto draw = std::make_shared<Callback>(L, 2, "draw");
  Options options(L, 3);
  auto wanted = window_options(options, title);
  options.done();
  return push_window(L, wanted, [draw](Window& window) {
    tend_work(window);
    draw->call(
        [](lua_State* L) {
          luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
          lua_getfield(L, -1, "multiviz.core");
          lua_getfield(L, -1, "ui");
          lua_replace(L, -3);
          lua_pop(L, 1);
          return 1;
        },
        0, nullptr);
  });
}

int screenshot(lua_State* L) {
  auto& handle = arg<WindowPtr>(L, 1, "window");
  auto path = arg_string(L, 2, "path");
  check(path.ends_with(".png"), "mv.screenshot: '{}' must end in .png", path);
  Options options(L, 3);
  constexpr Range side{.min = 16, .max = 8192};
  auto width = options.integer("width", 1280, side), height = options.integer("height", 800, side);
  auto scale = options.number("scale", 1, {.min = 0.5, .max = 4});
  options.done();
  auto pixels =
      desktop(L).capture(*handle->window, static_cast<int>(width), static_cast<int>(height), static_cast<float>(scale));
  save_png(path, pixels);
  return push(L, path);
}

// ---- Input from scripts: for pictures of a window in a certain state, and for tests ----

void settle(lua_State* L) { desktop(L).settle(); }

void hold(Window& window, const Shortcut& keys, bool down) {
  if (keys.control) window.post(InputEvent::key(key_code("ctrl"), down));
  if (keys.shift) window.post(InputEvent::key(key_code("shift"), down));
  if (keys.alt) window.post(InputEvent::key(key_code("alt"), down));
}

int move(lua_State* L, WindowPtr& self) {
  self->window->post(
      InputEvent::move(static_cast<float>(arg_number(L, 2, "x")), static_cast<float>(arg_number(L, 3, "y"))));
  settle(L);
  return 0;
}

int click(lua_State* L, WindowPtr& self) {
  auto x = static_cast<float>(arg_number(L, 2, "x")), y = static_cast<float>(arg_number(L, 3, "y"));
  Options options(L, 4);
  auto button = options.choice("button", {"left", "right", "middle"}, "left");
  Shortcut held{0, options.boolean("ctrl", false), options.boolean("shift", false), options.boolean("alt", false)};
  options.done();
  int code = button == "left" ? 0 : button == "right" ? 1 : 2;
  auto& window = *self->window;
  window.post(InputEvent::move(x, y));
  hold(window, held, true);
  window.post(InputEvent::button(code, true));
  window.post(InputEvent::button(code, false));
  hold(window, held, false);
  settle(L);
  return 0;
}

int drag(lua_State* L, WindowPtr& self) {
  auto number = [&](int index, const char* name) { return static_cast<float>(arg_number(L, index, name)); };
  float x0 = number(2, "x0"), y0 = number(3, "y0"), x1 = number(4, "x1"), y1 = number(5, "y1");
  auto& window = *self->window;
  window.post(InputEvent::move(x0, y0));
  window.post(InputEvent::button(0, true));
  window.post(InputEvent::move((x0 + x1) / 2, (y0 + y1) / 2));
  window.post(InputEvent::move(x1, y1));
  window.post(InputEvent::button(0, false));
  settle(L);
  return 0;
}

int press(lua_State* L, WindowPtr& self) {
  auto shortcut = parse_shortcut(arg_string(L, 2, "keys"));
  auto& window = *self->window;
  hold(window, shortcut, true);
  window.post(InputEvent::key(shortcut.key, true));
  window.post(InputEvent::key(shortcut.key, false));
  hold(window, shortcut, false);
  settle(L);
  return 0;
}

int type_text(lua_State* L, WindowPtr& self) {
  auto text = arg_string(L, 2, "text");
  for (const char *at = text.c_str(), *end = at + text.size(); at < end;) {
    unsigned character = 0;
    at += ImTextCharFromUtf8(&character, at, end);
    self->window->post(InputEvent::text(character));
  }
  settle(L);
  return 0;
}

int drop(lua_State* L, WindowPtr& self) {
  self->window->post(InputEvent::drop(arg_strings(L, 2, "files")));
  settle(L);
  return 0;
}

void bind_handle(Binder& binder) {
  auto type = binder.type<WindowPtr>("window", "A window.");
  type.method("close", "w:close()", "Closes it.", [](lua_State*, WindowPtr& self) { return self->window->close(), 0; });
  type.method("refresh", "w:refresh()", "Draws it again soon: what it shows has changed.",
              [](lua_State*, WindowPtr& self) { return self->window->wake(), 0; });
  type.method("move", "w:move(x, y)", "Moves the mouse there, in pixels, as a user would.", move);
  type.method("click", "w:click(x, y, {button=\"left\", ctrl=, shift=, alt=})", "Clicks there.", click);
  type.method("drag", "w:drag(x0, y0, x1, y1)", "Presses the left button at one place and releases it at another.",
              drag);
  type.method("press", "w:press(keys)", "Presses a key: \"enter\", \"ctrl+s\".", press);
  type.method("type", "w:type(text)", "Types text into whatever has the focus.", type_text);
  type.method("drop", "w:drop(files)", "Drops files on it.", drop);
  type.property("open", "Whether it is open.",
                [](lua_State* L, auto& self) { return push(L, self->window->is_open()); });
  type.property("title", "Its title.", [](lua_State* L, auto& self) { return push(L, self->window->title()); });
  type.property("error", "What its function stopped with in the last frame, or nil.", [](lua_State* L, auto& self) {
    return self->error.empty() ? (lua_pushnil(L), 1) : push(L, self->error);
  });
  type.property("frames", "How often it was drawn.",
                [](lua_State* L, auto& self) { return push(L, self->window->frames()); });
  type.tostring([](WindowPtr& self) {
    return fmt::format("window \"{}\" ({})", self->window->title(), self->window->is_open() ? "open" : "closed");
  });
}

}  // namespace

Desktop& desktop(lua_State* L) {
  if (auto* found = find_desktop(L)) return *found;
  push_object(L, DesktopHolder{std::make_shared<Desktop>()});
  lua_rawsetp(L, LUA_REGISTRYINDEX, &desktop_key);
  auto& made = *find_desktop(L);
  if (const auto& problem = made.layout().problem(); !problem.empty()) fmt::print(stderr, "multiviz: {}\n", problem);
  return made;
}

void tend_windows(lua_State* L) {
  if (auto* found = find_desktop(L); found && found->any_visible()) found->poll();
}

void run_windows(lua_State* L) {
  if (auto* found = find_desktop(L)) found->run([] { return cancel_requested(); });
}

void wake_windows(lua_State* L) {
  if (auto* found = find_desktop(L)) found->wake();
}

bool has_windows(lua_State* L) {
  auto* found = find_desktop(L);
  return found && found->any_visible();
}

WindowOptions window_options(Options& options, const std::string& title) {
  constexpr Range side{.min = 64, .max = 8192};
  WindowOptions wanted;
  wanted.title = options.string("title", title);
  wanted.width = static_cast<int>(options.integer("width", wanted.width, side));
  wanted.height = static_cast<int>(options.integer("height", wanted.height, side));
  wanted.visible = options.boolean("visible", true);
  wanted.dark = options.choice("theme", {"dark", "light"}, "dark") == "dark";
  wanted.scale = static_cast<float>(options.number("scale", 0, {.min = 0, .max = 4}));
  return wanted;
}

int push_window(lua_State* L, WindowOptions options, Window::Content content) {
  auto handle = std::make_shared<WindowHandle>();
  std::weak_ptr<WindowHandle> weak = handle;
  auto& all = desktop(L);
  handle->desktop = all.shared_from_this();
  handle->window = all.open(std::move(options), [weak, content = std::move(content)](Window& window) {
    std::string unseen;
    auto strong = weak.lock();
    draw_guarded(window, content, strong ? strong->error : unseen);
  });
  all.settle();
  return push(L, handle);
}

Window& current_window(lua_State* L) {
  auto* found = find_desktop(L);
  check(found && found->current(), "{}: call it in the function given to mv.window, which draws the window",
        function_name(L));
  return *found->current();
}

void register_window(Binder& binder) {
  binder.type<DesktopHolder>("desktop", "The windows that are open.");
  bind_handle(binder);
  binder.function(
      "window",
      "mv.window(title, function(ui) ... end, {width=960, height=640, theme=\"dark\", scale=, visible=true}) "
      "-> window",
      "Opens a window that the function draws, with the functions of mv.ui, whenever there was input. A call that "
      "takes "
      "long holds all windows until it returns: give it to ui.work, which runs it in steps. Without `visible` it is "
      "for "
      "mv.screenshot and needs no display.",
      open_window);
  binder.function("run", "mv.run()", "Waits until all windows are closed. A script that ends does so by itself.",
                  [](lua_State* L) { return run_windows(L), 0; });
  binder.function("screenshot", "mv.screenshot(window, path, {width=1280, height=800, scale=1}) -> path",
                  "Draws the window off screen at this size in pixels and writes it as PNG.", screenshot);
}

}  // namespace multiviz::script
