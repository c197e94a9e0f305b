-- Algorithm 1 on small models of every kind.
local check = require "check"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises
local mv = require "multiviz"

mv.progress(false)
mv.seed(3)

local data = mv.datasets.blocks { split = "val", size = 24 }
local model = mv.models.cnn_lstm_sa {
  labels = data.labels, vocabulary = mv.vocabulary(data), hidden = 16, embedding = 8, channels = { 4, 4 },
  strides = { 4, 4 }, keys = 8, features = 12,
}

-- Stages R and P without the user's cache.
local function analyze(m, d, i, options)
  options.z = options.z or mv.features(m, d, { store = false })
  return mv.analyze(m, d, i, options)
end

test("every stage is on the page", function()
  local page = analyze(model, data, 2, { context = 4, features = 2, examples = 1, nonzeros_per_class = 3 })
  local text = tostring(page)
  for _, what in ipairs { "stage U     lime", "stage U     gradient", "stage C     dime", "stage C     second_order_gradient",
    "stage R     feature", "1 local, 1 examples", "stage P     multinomial" } do
    ok(text:find(what, 1, true), what .. " is missing:\n" .. text)
  end
  eq(page.datapoint, data[2].id)
  eq(page.prediction, model:predict(data[2]).label)
end)

test("only the stages asked for are computed", function()
  local page = mv.analyze(model, data, 1, { stages = { "U" }, target = "red" })
  eq(page.target, "logit of red")
  eq(#page.explanations, 2)
  eq(page.features, {})
end)

test("a regression of series and columns is analysed as well", function()
  local rows = {}
  for i = 1, 20 do
    rows[i] = { series = mv.randn { 4, 3 }, row = mv.randn { 5 }, label = i / 20 }
  end
  local measured = mv.datasets.define { modalities = { series = "time_series", row = "tabular" }, regression = true, items = rows }
  local sums = mv.models.define {
    modalities = { { name = "series", kind = "time_series" }, { name = "row", kind = "tabular" } }, features = 3,
    encode = { series = function(frames) return frames:sum(2) end },
    fuse = function(series, row)
      local features = series * row:sum(2):unsqueeze(2)
      return features:sum(2):unsqueeze(2), features
    end,
  }
  local page = analyze(sums, measured, 3, { context = 4, features = 2, examples = 1, nonzeros_per_class = 2 })
  ok(tostring(page):find("stage P     gaussian", 1, true), tostring(page))
  eq(page.features ~= nil, true)
end)

test("what it cannot do is said where it was asked", function()
  raises(function() local _ = mv.analyze(3, data, 1) end, "mv.analyze: 'model' must be a model, got a number")
  raises(function() local _ = mv.analyze(model, model, 1) end, "mv.analyze: 'data' must be a dataset, got a model")
  raises(function() local _ = mv.analyze(model, data) end, "mv.analyze: 'i' must be a number, got nil")
  raises(function() local _ = mv.analyze(model, data, 25) end, "datapoint 25 of blocks/val is out of range")
  raises(function() local _ = mv.analyze(model, data, 1, { stagse = { "U" } }) end,
    "mv.analyze: unknown option 'stagse'; did you mean 'stages'?")
  raises(function() local _ = mv.analyze(model, data, 1, 3) end, "mv.analyze: 'options' must be a table of options, got 3")
  for _, stages in ipairs { "UC", 3, {} } do
    raises(function() local _ = mv.analyze(model, data, 1, { stages = stages }) end, "option 'stages' must be a table")
  end
  for _, stage in ipairs { "X", "UC", 1 } do
    raises(function() local _ = mv.analyze(model, data, 1, { stages = { stage } }) end, "stages are U, C, R and P")
  end
  raises(function() local _ = mv.analyze(model, data, 1, { stages = { "C" }, words = { "zebra" } }) end, "there is no 'zebra'")
end)

check.done()
