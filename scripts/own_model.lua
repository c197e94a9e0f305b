-- A model of your own, in Lua tensors: trained for a few seconds and explained like any other.
--   build/release/bin/multiviz scripts/own_model.lua [folder] [steps]
local mv = require "multiviz"

local folder, steps = arg[1] or "out/own_model", tonumber(arg[2]) or 200
local data = mv.datasets.blocks { split = "train", size = 4000 }
local width = 32

local number, count = {}, 1 -- of each word; 1 is any other
for _, word in ipairs(mv.vocabulary(data:slice(1, 300))) do
  count = count + 1
  number[word] = count
end

local weights = {
  words = mv.randn { count, width },
  kernels = mv.randn { width, 3, 8, 8 } * 0.05,
  classes = mv.randn { #data.labels, width } * 0.1,
}

-- Strings -> a leaf [B, T, width], what gradients are taken for. `atoms` says which word a position is of, 0 for none.
local function prepare(texts)
  local rows, longest = {}, 1
  for b, text in ipairs(texts) do
    rows[b] = {}
    for word in text:lower():gmatch "%w+" do table.insert(rows[b], number[word] or 1) end
    longest = math.max(longest, #rows[b])
  end
  local positions, atoms = mv.ones({ #texts, longest }, { dtype = "int64" }), mv.zeros({ #texts, longest }, { dtype = "int64" })
  for b, row in ipairs(rows) do
    for t, word in ipairs(row) do
      positions[{ b, t }] = word
      atoms[{ b, t }] = t
    end
  end
  return { tensor = mv.nn.embedding(weights.words, positions), mask = atoms:gt(0), atoms = atoms }
end

local model = mv.models.define {
  name = "own", modalities = { "image", { name = "question", kind = "text" } }, labels = data.labels, features = width,
  parameters = weights, taps = { "image.map" }, prepare = { question = prepare },
  encode = {
    image = function(pixels, _, tap)
      return tap("image.map", mv.nn.conv2d(pixels, weights.kernels, nil, { stride = 8 }):relu()):mean { 3, 4 }
    end,
    question = function(leaf, mask) return (leaf * mask:unsqueeze(3)):sum(2) end,
  },
  fuse = function(image, question)
    local features = image * question
    return mv.nn.linear(features, weights.classes), features
  end,
}

mv.train(model, data, { steps = steps, batch = 32, learning_rate = 0.01 })
local test = mv.datasets.blocks { split = "test" }:slice(1, 300)
print(("%s: %.1f %% right after %d steps"):format(model, 100 * model:accuracy(test), steps))

local x = test[1]
local page = mv.page(model, x)
page:add(mv.lime(model, x), mv.gradient(model, x))
print(page:report(folder))
