local check = require "check"
local test, eq, raises = check.test, check.eq, check.raises
local mv = require "multiviz"

test("a misspelt function is named", function()
  raises(function() return mv.tensr end, "mv has no 'tensr'; did you mean 'tensor'?")
end)

test("a misspelt field is named", function()
  local t = mv.tensor { 1, 2 }
  raises(function() return t.shap end, "a tensor has no field 'shap'; did you mean 'shape'?")
  raises(function() t.shape = 1 end, "cannot be set")
end)

test("a method called with a dot says so", function()
  raises(function() return mv.tensor({ 1 }).tolist() end, "write object:method(...), with a colon")
end)

test("arguments are blamed by name", function()
  raises(function() mv.seed(-1) end, "mv.seed: 'n' must be an integer >= 0, got -1")
  raises(function() mv.seed("x") end, "mv.seed: 'n' must be an integer >= 0, got 'x'")
  raises(function() mv.seed() end, "got nothing")
  raises(function() mv.threads(0) end, "mv.threads: 'n' must be an integer from 1 to 1024, got 0")
  raises(function() mv.device "gpu" end, "unknown device 'gpu'")
  raises(function() mv.progress(1) end, "mv.progress: 'show' must be true, false or a function, got 1")
end)

test("objects cannot be taken apart", function()
  eq(getmetatable(mv.tensor(1)), false)
end)

test("an error inside a coroutine says where", function()
  local co = coroutine.create(function() mv.seed(-1) end)
  local ok, message = coroutine.resume(co)
  eq(ok, false)
  check.ok(message:find("binder_test.lua:%d+: mv.seed"), message)
end)

test("help is known for every function and method", function()
  check.ok(mv.help_text(mv.seed):find("mv.seed(n)", 1, true))
  check.ok(mv.help_text(mv):find("mv.tensor(", 1, true))
  check.ok(mv.help_text(mv.tensor(1)):find("tolist", 1, true))
  check.ok(mv.help_text():find("help(mv)", 1, true))
  local f = mv.document(function() end, "f()", "Does nothing.")
  eq(mv.help_text(f), "f()\n  Does nothing.\n")
  eq(mv.help_text(print), "a function without documentation\n")
end)

check.done()
