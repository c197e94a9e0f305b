local check = require "check"
local test, ok, raises = check.test, check.ok, check.raises
local mv = require "multiviz"

local data = mv.datasets.blocks { split = "val", size = 80 }

test("a function is told of work, however often it was replaced", function()
  for round = 1, 8 do
    local reports = {}
    mv.progress(function(step) reports[#reports + 1] = step end)
    mv.vocabulary(data)
    ok(#reports > 0, "nothing was reported in round " .. round)
    local last = reports[#reports]
    ok(last.what == "vocabulary" and last.total == 80 and last.done > 0 and last.fraction <= 1, last.what)
  end
end)

test("an error in the function ends the reports and not the work", function()
  mv.progress(function() error "mine" end)
  ok(#mv.vocabulary(data) > 10)
  mv.progress(false)
  raises(function() mv.progress "no" end, "mv.progress: 'show' must be true, false or a function, got 'no'")
end)

check.done()
