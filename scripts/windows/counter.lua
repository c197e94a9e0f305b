-- The smallest window: a button, a slider and what they say.
local mv = require "multiviz"

local count, step = 0, 1

return mv.window("Counter", function(ui)
  ui.text("Counter", { style = "heading" })
  step = ui.slider("step", step, { min = 1, max = 10, integer = true })
  if ui.button "add" or ui.shortcut "ctrl+a" then count = count + step end
  ui.same_line()
  if ui.button "reset" then count = 0 end
  ui.text("count: " .. count)
end, ...)
