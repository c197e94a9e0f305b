#include "viewer/input.h"

#include <GLFW/glfw3.h>

#include <fstream>

#include "scratch.h"
#include "viewer/layout.h"

using namespace multiviz;

TEST_CASE("viewer: a frame takes one press or release, so that no quick click is lost") {
  std::deque<InputEvent> queue{InputEvent::move(1, 2), InputEvent::button(0, true), InputEvent::button(0, false),
                               InputEvent::text('a'),  InputEvent::move(5, 5),      InputEvent::wheel(0, 1)};
  CHECK(take_frame(queue).size() == 1);
  CHECK(take_frame(queue).size() == 1);
  auto second = take_frame(queue);
  REQUIRE(second.size() == 2);
  CHECK(second[0].kind == InputEvent::Kind::button);
  CHECK_FALSE(second[0].down);
  CHECK(take_frame(queue).size() == 2);
  CHECK(take_frame(queue).empty());
}

TEST_CASE("viewer: shortcuts are read by name and mistakes are named") {
  CHECK(parse_shortcut("ctrl+shift+s") == Shortcut{GLFW_KEY_S, true, true, false});
  CHECK(parse_shortcut("f5") == Shortcut{GLFW_KEY_F5});
  CHECK(error_of([] { parse_shortcut("ctr+s"); }) ==
        "shortcut 'ctr+s' has 'ctr': write ctrl, shift and alt, then a key, as in ctrl+s");
  CHECK(error_of([] { key_code("entr"); }).find("'enter'") != std::string::npos);
}

TEST_CASE("viewer: a layout is kept from run to run and a damaged one counts as empty") {
  Scratch scratch;
  auto file = scratch / "state/viewer.json";
  Layout(file).set("page.width", 800);
  CHECK(Layout(file).get("page.width", 1) == 800);
  CHECK(Layout(file).get("other", 0.5) == 0.5);
  CHECK(Layout(file).problem().empty());
  std::ofstream(file) << "[1, {";
  CHECK(Layout(file).get("page.width", 1) == 1);
  CHECK(Layout(file).problem() == has(file + "' are damaged"));
  Layout(file).set("page.width", 640);
  CHECK(Layout(file).get("page.width", 1) == 640);
  CHECK(Layout(file).problem().empty());
  CHECK(Layout(scratch / "missing.json").problem().empty());
  std::ofstream(file) << R"({"page.width": "wide"})";
  CHECK(Layout(file).get("page.width", 1) == 1);
  Layout("/proc/none/viewer.json").set("a", 1);  // cannot be written: nothing happens
}
