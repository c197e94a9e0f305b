-- The README's ten lines run as they stand, and leave a report. Run from the top of the checkout.
local check = require "check"
local mv = require "multiviz"

check.test("the README's ten lines write a report", function()
  mv.progress(false)
  local file = assert(io.open "README.md")
  local readme = file:read "a"
  file:close()
  local lines = readme:match "## Ten lines.-```lua\n(.-)```"
  check.ok(lines, "the README has the ten lines")
  local folder = check.scratch()
  local replaced
  lines, replaced = lines:gsub('page:report "out/mine"', ("page:report %q"):format(folder))
  check.eq(replaced, 1)
  assert(load(lines, "=README.md"))()
  local report = assert(io.open(folder .. "/index.html"))
  local html = report:read "a"
  report:close()
  check.ok(html:find("blocks-cnn-lstm-sa", 1, true), "the report names the model")
  os.execute(("rm -r '%s'"):format(folder))
end)

check.test("the model of one's own that the README names is trained and explained", function()
  local folder = check.scratch()
  arg[1], arg[2] = folder, 2
  dofile "scripts/own_model.lua"
  local report <close> = assert(io.open(folder .. "/index.html"))
  check.ok(report:read("a"):find("Why own says", 1, true), "the report names the model")
  os.execute(("rm -r '%s'"):format(folder))
end)

check.done()
