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

test("what was given is shown as it is", function()
  raises(function() mv.seed {} end, "got an empty table")
  raises(function() mv.seed { 1 } end, "got a table")
  raises(function() mv.seed(0 / 0) end, "got nan")
  raises(function() return mv.ones(2) + "a" end, "tensor +: 'right operand' must be a tensor or a number, got 'a'")
  raises(function() mv.global_feature(1) end, "'model' must be a model, got 1")
  raises(function() mv.load_sparse_path("x", 3) end, "'z' must be features, got 3")
  raises(function() mv.tensor { 1, 2, n = 3 } end, "must be a sequence, but has the key 'n'")
  raises(function() mv.tensor { a = mv.ones(2) } end, "must be a sequence, but has the key 'a'")
  raises(function() mv.tensor { { 1 }, { [2] = 1 } } end, "must be a sequence, but has the key 2")
  raises(function() mv.zeros { rows = 2 } end, "'sizes' must be an integer or a sequence of integers")
  raises(function() mv.zeros(1000000000000) end, "out of memory")
end)

test("types are named", function()
  eq(mv.type(mv.ones(1)), "tensor")
  eq(mv.type(mv.datasets.blocks { size = 1 }), "dataset")
  eq(mv.type "a", "string")
  eq(mv.type(nil), "nil")
  raises(function() mv.type() end, "value expected")
end)

test("functions in Lua read their options as those in C++ do", function()
  local defaults = { samples = 100, words = false }
  eq(mv.options("mine", nil, defaults), { samples = 100, words = false })
  eq(mv.options("mine", { words = { "a" } }, defaults), { samples = 100, words = { "a" } })
  eq(defaults.words, false)
  raises(function() mv.options("mine", { sample = 1 }, defaults) end, "mine: unknown option 'sample'; did you mean 'samples'?")
  raises(function() mv.options("mine", { 3 }, defaults) end, "mine: options are given by name")
  raises(function() mv.options("mine", 3, defaults) end, "mine: 'options' must be a table of options, got 3")
  raises(function() mv.options("mine", {}) end, "mv.options: 'defaults' must be a table of every option, got nothing")
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
