#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <thread>
// Its macros have common names: last.
#include <X11/Xlib.h>

#include "bindings/terminal.h"
#include "core/error.h"
#include "scratch.h"

// Mouse and keyboard of a display, driven by xdotool, on windows of the program at its prompt. tests/with_display says
// that the display may be used for that.
using namespace multiviz;

namespace {

bool may_drive() { return std::getenv("MULTIVIZ_TEST_EVENTS") != nullptr; }

bool xdotool(const std::string& commands) {
  return std::system(("timeout 30 xdotool " + commands + " >/dev/null").c_str()) == 0;
}

// The program with one window open, over which the mouse rests.
class Driven {
 public:
  Driven(const std::string& open, std::string title)
      : terminal_({"-i", "tests/viewer/events.lua"}), title_(std::move(title)) {
    REQUIRE(terminal_.shows("> "));
    run(open);
    REQUIRE(on_window("windowfocus --sync"));
    REQUIRE(move(5, 5));
  }

  // Waits until the prompt has run it: what the mouse does next comes after.
  void run(const std::string& statement) {
    terminal_.type(statement + "\r");
    REQUIRE(says("'done'") == "done");
  }

  // What the prompt makes of an expression.
  std::string says(const std::string& expression) {
    terminal_.type("print('[' .. tostring(" + expression + ") .. ']')\r");
    if (!terminal_.shows("\n[") || !terminal_.shows("]\r")) return "nothing";
    const auto& output = terminal_.output();
    auto begin = output.rfind("\n[") + 2;
    return output.substr(begin, output.rfind("]\r") - begin);
  }
  // Whether the expression becomes true while the window lives on.
  bool becomes_true(const std::string& expression) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    do {
      if (says(expression) == "true") return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    } while (std::chrono::steady_clock::now() < limit);
    return false;
  }

  bool on_window(const std::string& commands) {
    return xdotool("search --sync --onlyvisible --name '^" + title_ + "$' " + commands);
  }
  bool move(int x, int y) { return on_window(fmt::format("mousemove --window %1 {} {}", x, y)); }
  bool click(int x, int y) { return move(x, y) && xdotool("click 1"); }
  bool shift_click(int x, int y) { return move(x, y) && xdotool("keydown shift click 1 keyup shift"); }
  bool drag(int x0, int y0, int x1, int y1) {
    return move(x0, y0) && xdotool("mousedown 1 sleep 0.1") && move((x0 + x1) / 2, (y0 + y1) / 2) &&
           xdotool("sleep 0.1") && move(x1, y1) && xdotool("sleep 0.1 mouseup 1");
  }
  // What a window manager sends when the user closes the window.
  void request_close() {
    auto* display = XOpenDisplay(nullptr);
    REQUIRE(display);
    auto id = find(display, XDefaultRootWindow(display));
    XEvent event = {};
    event.xclient.type = ClientMessage;
    event.xclient.window = id;
    event.xclient.message_type = XInternAtom(display, "WM_PROTOCOLS", False);
    event.xclient.format = 32;
    event.xclient.data.l[0] = static_cast<long>(XInternAtom(display, "WM_DELETE_WINDOW", False));
    XSendEvent(display, id, False, NoEventMask, &event);
    XCloseDisplay(display);
    REQUIRE(id != 0);
  }
  int quit() {
    terminal_.type(":quit\r");
    return terminal_.exit_status();
  }

 private:
  ::Window find(Display* display, ::Window parent) const {
    ::Window root = 0, above = 0, *children = nullptr, found = 0;
    unsigned count = 0;
    XQueryTree(display, parent, &root, &above, &children, &count);
    for (unsigned i = 0; i < count && !found; ++i) {
      char* name = nullptr;
      if (XFetchName(display, children[i], &name) && name == title_) found = children[i];
      XFree(name);
    }
    if (children) XFree(children);
    return found;
  }

  Terminal terminal_;
  std::string title_;
};

}  // namespace

TEST_CASE("events: clicks, keys and drags of a display reach a window, and its close button closes it") {
  if (!may_drive()) return;
  Driven driven("seen = open_controls()", "controls");
  CHECK(driven.click(60, 26));
  CHECK(driven.becomes_true("seen.pressed == 1"));
  CHECK(driven.click(60, 58));
  CHECK(xdotool("type --delay 30 'Is it Red?'"));
  CHECK(driven.becomes_true("seen.text == 'Is it Red?'"));
  CHECK(xdotool("key --delay 30 BackSpace Home Delete shift+w"));
  CHECK(driven.becomes_true("seen.text == 'Ws it Red'"));
  CHECK(xdotool("key ctrl+s"));
  CHECK(driven.becomes_true("seen.saved == 1"));
  CHECK(driven.click(30, 90));
  CHECK(driven.becomes_true("seen.word == 1 and seen.shift == false"));
  CHECK(driven.shift_click(65, 90));
  CHECK(driven.becomes_true("seen.word == 2 and seen.shift == true"));
  CHECK(driven.click(12 + 100, 112 + 50));
  CHECK(driven.becomes_true("seen.clicked and math.abs(seen.clicked.x - 50) < 2"));
  CHECK(driven.drag(12 + 20, 112 + 20, 12 + 100, 112 + 80));
  CHECK(driven.becomes_true(
      "seen.dragged and math.abs(seen.dragged[1] - 10) < 2 and math.abs(seen.dragged[3] - 50) < 2"));
  CHECK(driven.says("seen.pressed") == "1");
  CHECK(driven.says("seen.window.error") == "nil");
  driven.request_close();
  CHECK(driven.becomes_true("not seen.window.open"));
  CHECK(driven.quit() == 0);
}

TEST_CASE("events: a window that was resized opens in that size again") {
  if (!may_drive()) return;
  Driven driven("seen = open_controls()", "controls");
  CHECK(driven.on_window("windowsize --sync 520 340"));
  driven.request_close();
  CHECK(driven.becomes_true("not seen.window.open"));
  driven.run("seen = open_controls()");
  CHECK(driven.on_window("getwindowgeometry --shell | grep -q WIDTH=520"));
  CHECK(driven.quit() == 0);
}

TEST_CASE("events: words, a box and an edited question in the explorer") {
  if (!may_drive()) return;
  Scratch scratch;
  Driven driven("w = open_explorer('" + scratch / "explorer" + "')", "explorer");
  driven.run("function image() return part(w, 600, 250, 960, 620) end");
  driven.run("function words() return part(w, 300, 75, 1260, 105) end");
  driven.run("function answer() return part(w, 790, 300, 1230, 780) end");
  CHECK(driven.click(528, 37));  // Words and pixels
  driven.move(290, 795);
  // The picture is lighter than the window.
  CHECK(driven.becomes_true("part(w, 700, 400, 710, 410):max():item() > 90"));
  driven.run("plain, grey = image(), words()");
  CHECK(driven.click(356, 90));
  driven.move(290, 795);
  CHECK(driven.becomes_true("not image():equal(plain)"));
  driven.run("one = image()");
  CHECK(driven.shift_click(400, 90));
  driven.move(290, 795);
  CHECK(driven.becomes_true("not image():equal(one)"));
  CHECK(driven.drag(700, 300, 800, 400));
  driven.move(290, 795);
  CHECK(driven.becomes_true("not words():equal(grey)"));
  CHECK(driven.click(630, 37));  // What if
  driven.move(290, 795);
  driven.run("before = answer()");
  CHECK(driven.click(600, 90));
  CHECK(xdotool("key ctrl+a type --delay 20 'what color is the sphere'"));
  CHECK(xdotool("key Return"));
  driven.move(290, 795);
  CHECK(driven.becomes_true("not answer():equal(before)"));
  CHECK(driven.says("w.error") == "nil");
  CHECK(driven.click(60, 639));  // save page
  CHECK(driven.becomes_true("(pcall(mv.load_page, '" + scratch / "explorer" + "'))"));
  driven.request_close();
  CHECK(driven.becomes_true("not w.open"));
  CHECK(driven.quit() == 0);
}
