-- Each data set in its published layout, and Algorithm 2 on it with a small model trained for a few steps.
local check = require "check"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises
local mv = require "multiviz"

local scratch = check.scratch()
assert(os.execute("mkdir " .. scratch))
local cache = scratch .. "/cache"

-- Trains a small model on the data and runs all four stages on one datapoint, like scripts/quickstart.lua.
local function algorithm_2(data, x, model)
  mv.train(model, data, { steps = 4, batch = 4, learning_rate = 1e-2 })
  local y = model:predict(x).label
  local text = model.modalities[#model.modalities]
  local word = x[text]:match "%a+"
  local page = mv.page(model, x, { target = y })
  page:add(mv.lime(model, x, { target = y, samples = 40 }))
  page:add(mv.dime(model, x, { target = y, context = data:sample(4), samples = 20 }))
  page:add(mv.second_order_gradient(model, x, { words = { word }, target = y }))
  local z = mv.features(model, data, { path = scratch .. "/features-" .. data.name:gsub("%W", "-") })
  local path = mv.sparse_linear(z, { family = "multinomial", lambdas = 5, epsilon = 0.3, holdout = 0 })
  local selection = path:at { lambda = path:curve()[#path:curve()].lambda }
  page:add(selection)
  for _, f in ipairs(selection:top(y, z[x.id], 1)) do
    page:add(mv.local_feature(model, x, f))
    page:add(mv.global_feature(model, data, z, f, { examples = 1 }))
  end
  local folder = scratch .. "/report-" .. data.name:gsub("%W", "-")
  page:report(folder)
  local report <close> = assert(io.open(folder .. "/index.html"))
  local html = report:read "a"
  ok(html:find(x.id, 1, true) and html:find(word, 1, true), "the report does not show the datapoint")
end

local function small_model(data, options)
  local all = { labels = data.labels, vocabulary = mv.vocabulary(data), width = 48, height = 32, channels = { 4, 8 },
    strides = { 2, 2 }, keys = 4, embedding = 4, hidden = 8, hops = 1, glimpses = 1, features = 8, name = "small" }
  for key, value in pairs(options or {}) do all[key] = value end
  return mv.models.cnn_lstm_sa(all)
end

test("clevr", function()
  local data = mv.datasets.clevr { root = "tests/fixtures/clevr", split = "train", cache = cache }
  eq({ #data, #data.labels, data.name }, { 12, 28, "clevr/train" })
  local x = data[1]
  ok(x.question:find "^How many")
  eq(x.annotations.program[1]["function"], "scene")
  ok(#x.regions == 3 and x.regions[1].box[3] > x.regions[1].box[1])
  eq(data.skipped.count, 0)
  algorithm_2(data, x, small_model(data))
  local humans = mv.datasets.clevr_humans { root = "tests/fixtures/clevr", split = "val", cache = cache }
  eq({ #humans, humans[1].label, humans.name }, { 4, "no", "clevr-humans/val" })
  algorithm_2(humans, humans[1], small_model(humans))
  raises(function() mv.datasets.clevr {} end, "option 'root' is missing")
  raises(function() mv.datasets.clevr { root = "tests/fixtures/clevr", split = "valid" } end, "did you mean 'val'?")
  raises(function() mv.datasets.clevr { root = "tests/fixtures", cache = cache } end, "there is no 'questions/CLEVR_train")
  raises(function() mv.datasets.clevr { root = "tests/fixtures/clevr", on_error = "ignore" } end, "on_error")
end)

test("vqa", function()
  local data = mv.datasets.vqa { root = "tests/fixtures/vqa", split = "train", cache = cache }
  eq({ #data, #data.labels, data.name }, { 12, 7, "vqa/train" })
  local x = data[4]
  eq({ x.id, x.question, x.label }, { "train/25000", "What color is the wall?", "green" })
  eq(x.annotations.scores, { green = 1, white = 0.3 })
  eq({ #x.annotations.answers, x.annotations.question_type, x.annotations.complementary }, { 10, "what color is the", 9000 })
  eq(data[3].label, nil)
  local answered = data:filter(function(y) return y.label ~= nil end)
  algorithm_2(answered, x, small_model(data))
  raises(function() mv.datasets.vqa { root = "tests/fixtures/vqa", answer = "x" } end, "did you mean 'answers'?")
end)

test("flickr30k", function()
  local data = mv.datasets.flickr30k { root = "tests/fixtures/flickr30k", split = "train", negatives = 1, seed = 3 }
  eq({ #data, data.name }, { 30, "flickr30k/train" })
  eq(data.labels, { "no match", "match" })
  local x = data[3]
  eq({ x.id, x.caption, x.label }, { "1000092795#1", "Two squares on a grey wall .", "match" })
  eq(x.annotations.phrases[1].boxes, { { 4, 8, 16, 20 }, { 28, 8, 40, 20 } })
  eq(data[4].label, "no match")
  algorithm_2(data, x, small_model(data, { question = "caption" }))
  raises(function() mv.datasets.flickr30k { root = "tests/fixtures/flickr30k", negative = 1 } end, "did you mean 'negatives'?")
end)

test("gqa", function()
  local data = mv.datasets.gqa { root = "tests/fixtures/gqa", split = "train", cache = cache }
  eq({ #data, data.name }, { 9, "gqa/train" })
  local x = data[1]
  eq({ x.id, x.label, x.regions[1].name, x.regions[1].referred }, { "train/02930152", "red", "red wooden door", true })
  eq(#mv.datasets.gqa { root = "tests/fixtures/gqa", balanced = false, cache = cache }, 9)
  algorithm_2(data, x, small_model(data))
end)

test("nlvr2", function()
  local data = mv.datasets.nlvr2 { root = "tests/fixtures/nlvr2", split = "train", cache = cache }
  eq({ #data, data.name }, { 6, "nlvr2/train" })
  eq(data.modalities, { { name = "left", kind = "image" }, { name = "right", kind = "image" }, { name = "sentence", kind = "text" } })
  local x = data[2]
  eq({ x.id, x.label, x.left.width }, { "train-850-0-1", "False", 48 })
  -- The model looks at one of the two pictures.
  algorithm_2(data, x, small_model(data, { image = "left", question = "sentence" }))
end)

os.execute("rm -r " .. scratch)
check.done()
