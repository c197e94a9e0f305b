#include <doctest/doctest.h>

#include "bindings/terminal.h"
#include "viewer/surface.h"

using namespace multiviz;

TEST_CASE("viewer: windows live on while the prompt waits for a line, and until a script's last one is closed") {
  if (!has_display()) return;
  Terminal terminal({});
  REQUIRE(terminal.shows("> "));
  terminal.type("frames = 0\r");
  // Prints by itself once it was drawn often enough: nothing is typed meanwhile.
  terminal.type(
      "w = mv.window('live', function(ui) frames = frames + 1 ui.animate() "
      "if frames == 20 then print('drawn ' .. frames) end end)\r");
  CHECK(terminal.shows("drawn 20\r"));
  terminal.type("w:close() print('closed')\r");
  CHECK(terminal.shows("\nclosed\r"));
  terminal.type("w.open\r");
  CHECK(terminal.shows("\nfalse\r"));
  terminal.type(":quit\r");
  CHECK(terminal.exit_status() == 0);
}

TEST_CASE("viewer: a script ends when its window is closed") {
  if (!has_display()) return;
  Terminal script({"-e",
                   "local mv = require 'multiviz' local n = 0 local w w = mv.window('short', function(ui) n = n + 1 "
                   "ui.animate() if n > 5 then w:close() end end) print('opened')"});
  CHECK(script.shows("opened"));
  CHECK(script.exit_status() == 0);
}
