local check = require "check"
local test, eq, near, raises = check.test, check.eq, check.near, check.raises
local mv = require "multiviz"

local data = mv.datasets.blocks { split = "val", size = 6, questions = 2 }
local words = mv.vocabulary(data)

local function tiny(options)
  local all = { labels = data.labels, vocabulary = words, width = 32, height = 24, channels = { 4, 4 }, strides = { 2, 2 },
    keys = 4, embedding = 4, hidden = 6, hops = 2, glimpses = 1, features = 8, name = "tiny" }
  for key, value in pairs(options or {}) do all[key] = value end
  return mv.models.cnn_lstm_sa(all)
end

test("a model says what it is", function()
  local model = tiny()
  eq(model.name, "tiny")
  eq(model.labels, data.labels)
  eq(model.modalities, { "image", "question" })
  eq(model.signature.features, 8)
  check.ok(tostring(model):find("28 labels, 8 features"), tostring(model))
  raises(function() tiny { hopps = 2 } end, "unknown option 'hopps'; did you mean 'hops'?")
  raises(function() tiny { strides = { 2 } } end, "give one of each per convolution")
end)

test("predict gives the labels in the order of their probabilities", function()
  local model, x = tiny(), data[1]
  local y = model:predict(x, { top = 3 })
  eq(#y.top, 3)
  eq(y.top[1].label, y.label)
  eq(model.labels[y.index], y.label)
  check.ok(y.top[1].probability >= y.top[2].probability)
  local logits = model:forward(x)
  eq(logits.shape, { 1, 28 })
  local total, most = 0, -math.huge
  for _, logit in ipairs(logits:tolist()[1]) do total, most = total + math.exp(logit), math.max(most, logit) end
  near(y.probability, math.exp(most) / total, 1e-5)
  eq(#model:predict { data[1], data[2], data[3] }, 3)
end)

test("encode and fuse are forward in two parts", function()
  local model, x = tiny(), data[2]
  local logits, features = model:fuse(model:encode("image", x), model:encode("question", x))
  near(logits, model:forward(x), 1e-6)
  near(features:tolist()[1], model:features(x):tolist(), 1e-6)
  local leaf = model:prepare("question", x)
  near(model:encode("question", leaf)[1], model:encode("question", x)[1], 1e-6)
  raises(function() model:encode("imag", x) end, "did you mean 'image'?")
end)

test("a trace records and replaces by name", function()
  local model, x = tiny(), data[1]
  local trace = mv.trace { record = { "fusion.*" } }
  local plain = model:forward(x, { trace = trace })
  eq(trace["fusion.attention1"].shape, { 1, 1, 6, 8 })
  local patched = mv.trace { replace = { ["question.lstm"] = function() return mv.tensor { { 0, 0, 0, 0, 0, 0 } } end } }
  check.ok(model:forward(x, { trace = patched }):tolist()[1][1] ~= plain:tolist()[1][1])
  raises(function() return trace["fusion.atention1"] end, "did you mean 'fusion.attention1'?")
  local wrong = mv.trace { replace = { ["question.lstm"] = function() return mv.tensor { 1 } end } }
  raises(function() model:forward(x, { trace = wrong }) end, "must keep its shape")
end)

test("a model saves and loads; weights of another are refused", function()
  local path = check.scratch(".safetensors")
  local model = tiny()
  model:save(path)
  near(mv.models.load(path):forward(data[1]), model:forward(data[1]), 1e-6)
  os.remove(path)
  raises(function() mv.models.load "no-such-model" end, "there is no model 'no-such-model'")
end)

test("training goes on from a checkpoint and reports", function()
  local model, seen = tiny(), {}
  local path = check.scratch(".safetensors")
  local options = { steps = 6, batch = 4, checkpoint = path, report_every = 2, validation = data,
    guide = { taps = { "fusion.attention1" }, weight = 0.5 }, describe = { tap = "image.features" },
    report = function(status) seen[#seen + 1] = status.step end }
  local result = mv.train(model, data, options)
  eq(result.steps, 6)
  eq(seen[#seen], 6)
  near(model:accuracy(data), result.best_accuracy, 1e-9)
  eq(#mv.train(model, data, options).history, 0)
  os.remove(path)
  raises(function() mv.train(model, data, { step = 5 }) end, "unknown option 'step'; did you mean 'steps'?")
  raises(function() mv.train(model, data, { guide = { taps = { "x" }, weight = 1 }, steps = 1 }) end, "has no tap 'x'")
end)

-- Features are the mean brightness of each row's picture times the length of its question, thrice.
local function sum_model(options)
  local all = {
    name = "sums", modalities = { "image", { name = "question", kind = "text" } }, labels = { "yes", "no" }, features = 3,
    parameters = { weight = mv.tensor { { 1, 0 }, { 0, 1 }, { 1, 1 } } }, taps = { "both" },
    prepare = {
      image = function(pictures)
        local rows = {}
        for i, picture in ipairs(pictures) do rows[i] = { picture:tolist()[1][1][1] / 255 } end
        return mv.tensor(rows)
      end,
      question = function(texts)
        local rows = {}
        for i, text in ipairs(texts) do rows[i] = { #text } end
        return mv.tensor(rows)
      end,
    },
    encode = { image = function(leaf) return leaf end },
    fuse = function(image, question, tap)
      local features, logits = {}, {}
      local brightness, length = image:tolist(), question:tolist()
      for i = 1, #brightness do
        local both = brightness[i][1] * length[i][1]
        features[i], logits[i] = { both, both, both }, { both, -both }
      end
      return mv.tensor(logits), tap("both", mv.tensor(features))
    end,
  }
  for key, value in pairs(options or {}) do all[key] = value end
  return mv.models.define(all)
end

test("a model written in Lua is a model", function()
  local model, x = sum_model(), data[1]
  eq(model:forward(x).shape, { 1, 2 })
  eq(model:features { data[1], data[2] }.shape, { 2, 3 })
  local trace = mv.trace { record = "both" }
  model:forward(x, { trace = trace })
  eq(trace["both"].shape, { 1, 3 })
  eq(model:predict(x).label, "yes")
end)

test("mistakes in a model written in Lua are named", function()
  local x = data[1]
  local function logits() return mv.tensor { { 1 } } end
  raises(function() sum_model { fuse = logits }:forward(x) end, "fuse must return logits [1, 2], got [1, 1]")
  raises(function() sum_model { fuse = function() return 3 end }:forward(x) end, "fuse must return logits as a tensor")
  raises(function() sum_model { encode = { imag = logits } } end, "did you mean 'image'?")
  raises(function() sum_model { modalities = { "picture" } } end, "picture")
  raises(function() sum_model { prepare = {}, encode = {} }:forward(x) end, "needs prepare.question")
  raises(function() sum_model { taps = {} }:forward(x) end, "does not list the tap 'both'")
end)

test("values that are not finite say where they came from", function()
  local model, x = tiny(), data[1]
  model:parameters()["image.conv2.weight"]:mul_(0 / 0)
  local layer = "first in layer 'image.conv2'"
  raises(function() model:predict(x) end, layer)
  raises(function() model:predict { data[2], x } end, "datapoint " .. data[2].id .. ": ")
  raises(function() model:accuracy(data) end, layer)
  raises(function() mv.page(model, x) end, layer)
  raises(function() mv.features(model, data, { store = false }) end, layer)
  raises(function() mv.lime(model, x, { samples = 4, target = "red" }) end, layer)
  raises(function() mv.gradient(model, x, { target = "red" }) end, layer)
  raises(function() mv.emap(model, data) end, layer)
end)

test("leaves and encodings of another shape are refused", function()
  local model, x = tiny(), data[1]
  local image, question = model:encode("image", x), model:encode("question", x)
  raises(function() model:encode("question", mv.zeros { 1, 5, 3 }) end, "the question leaf of tiny is [B, T, 4], not [1, 5, 3]")
  raises(function() model:encode("image", mv.zeros { 1, 2 }) end, "the image leaf of tiny is [B, 3, 24, 32], not [1, 2]")
  raises(function() model:fuse(question, image) end, "tiny fuses an image encoding [B, 48, 4] and a question encoding [B, 6], not [1, 6] and [1, 48, 4]")
end)

test("targets print and are checked against the model", function()
  eq(tostring(mv.target.logit "red"), "logit of red")
  eq(tostring(mv.target.unit("image.conv1", { 1, 2, 3 })), "unit image.conv1[1, 2, 3]")
  raises(function() mv.target.feature(0) end, "must be an integer >= 1, got 0")
end)

test("forwards in a loop do not grow memory", function()
  local function resident()
    local file = io.open "/proc/self/statm"
    if not file then return 0 end
    local pages = file:read("a"):match "%d+ (%d+)"
    file:close()
    return tonumber(pages) * 4096
  end
  -- Small networks: it is the objects of each forward that must go. A leak of one activation would take over 600 MB.
  local function identity(leaf) return leaf end
  local small = mv.models.define { modalities = { { name = "row", kind = "tabular" } }, labels = { "yes", "no" }, features = 16384,
    encode = { row = identity }, fuse = function(row) return row[{ {}, { 1, 2 } }], row * 2 end }
  local rows = mv.datasets.define { modalities = { row = "tabular" }, labels = { "yes", "no" },
    items = { { row = mv.zeros(16384), label = "yes" } } }
  local x = rows[1]
  for _ = 1, 500 do small:forward(x) end
  local before = resident()
  for _ = 1, 10000 do small:forward(x) end
  check.ok(resident() - before < 64 * 1024 * 1024, "grew by " .. resident() - before)
  local network, y = tiny(), data[1]
  for _ = 1, 500 do network:forward(y) end
  before = resident()
  for _ = 1, 500 do network:forward(y) end
  check.ok(resident() - before < 64 * 1024 * 1024, "grew by " .. resident() - before)
end)

check.done()
