-- Algorithm 1 of the paper: every stage on one datapoint, with defaults.
local mv = require "multiviz.core"

local defaults = {
  target = false, -- label or target; the predicted label
  stages = { "U", "C", "R", "P" },
  context = 64, -- datapoints that DIME averages over
  datapoints = 1000, -- at most so many give the features of stages R and P
  z = false, -- the features themselves, of `data`
  tap = false, -- where they are taken; the penultimate layer
  family = false, -- of stage P; multinomial, and gaussian for regression
  nonzeros_per_class = 20,
  features = 5, -- analysed, of those with the largest contribution to the predicted label
  examples = 3, -- datapoints for each feature's global analysis
  words = false, -- for second-order gradients; all but the function words
  method = false, -- of stage R; LIME
  seed = false, -- mv.seed's
}

local function expect(value, kind, name)
  local got = mv.type(value)
  if got == kind then return end
  error(("mv.analyze: '%s' must be a %s, got %s"):format(name, kind, got == "nil" and got or "a " .. got), 3)
end

local function read(options)
  local result = mv.options("mv.analyze", options, defaults)
  if type(result.stages) ~= "table" or #result.stages == 0 then
    error("mv.analyze: option 'stages' must be a table of some of \"U\", \"C\", \"R\" and \"P\"", 3)
  end
  result.stage = {}
  for _, name in ipairs(result.stages) do
    if type(name) ~= "string" or not name:find "^[UCRP]$" then
      error(("mv.analyze: option 'stages' has '%s': stages are U, C, R and P"):format(name), 3)
    end
    result.stage[name] = true
  end
  return result
end

-- The part of the data that holds datapoint i and is small enough to compute features for.
local function neighbourhood(data, i, most)
  if #data <= most then return data end
  local first = math.max(1, math.min(i - most // 2, #data - most + 1))
  return data:slice(first, first + most - 1)
end

local function kinds(data)
  local by_kind = {}
  for _, modality in ipairs(data.modalities) do by_kind[modality.kind] = modality.name end
  return by_kind
end

-- Function words of English: second-order gradients ask about the others.
local small = {}
for word in ([[a an and any are as at be by can do does did for from has have how in is it its of on or other same than
  that the there these thing things this those to was were what when where which who why with]]):gmatch "%a+" do
  small[word] = true
end

local function content_words(text)
  local words, seen = {}, {}
  for word in text:gmatch "[%w']+" do
    local key = word:lower()
    if not small[key] and not seen[key] then words[#words + 1] = word end
    seen[key] = true
  end
  return words
end

local function unimodal(page, model, x, options)
  page:add(mv.lime(model, x, { target = options.target, seed = options.seed }))
  if model.signature.differentiable then page:add(mv.gradient(model, x, { target = options.target })) end
end

local function crossmodal(page, model, data, x, options)
  local modalities = model.modalities -- the data set may have more
  if #modalities < 2 then return end
  if #modalities == 2 then
    local context = data:sample(math.min(options.context, #data), { seed = options.seed })
    page:add(mv.dime(model, x, { target = options.target, context = context, seed = options.seed }))
  end
  local text = kinds(model.signature).text and kinds(data).text
  local words = options.words or (text and content_words(x[text])) or {}
  if model.signature.differentiable and #words > 0 then
    page:add(mv.second_order_gradient(model, x, { words = words, target = options.target }))
  end
end

local function representation(page, model, data, z, x, top, options)
  local method = options.method or mv.lime
  for _, f in ipairs(top) do
    page:add(mv.local_feature(model, x, f, { method = method, features = z }))
    page:add(mv.global_feature(model, data, z, f, { examples = options.examples, method = method }))
  end
end

-- Datapoint i of the data, analysed.
local function analyze(model, data, i, given)
  expect(model, "model", "model")
  expect(data, "dataset", "data")
  expect(i, "number", "i")
  local options = read(given)
  options.seed = options.seed or nil
  local x = data[i]
  local label = model:predict(x).label -- nil for regression
  options.target = options.target or label
  options.family = options.family or (label and "multinomial" or "gaussian")
  local page = mv.page(model, x, { target = options.target })
  if options.stage.U then unimodal(page, model, x, options) end
  if options.stage.C then crossmodal(page, model, data, x, options) end
  if not (options.stage.P or options.stage.R) then return page end

  local seen = options.z and data or neighbourhood(data, i, options.datapoints)
  local z = options.z or mv.features(model, seen, { tap = options.tap or nil })
  local path = mv.sparse_linear(z, { family = options.family, lambdas = 50, epsilon = 0.03, seed = options.seed })
  local selection = path:at { nonzeros_per_class = math.min(options.nonzeros_per_class, z.shape[2]) }
  if options.stage.P then page:add(selection) end
  if options.stage.R then
    local wanted = math.min(options.features, z.shape[2])
    local top = selection:top(label or 1, z[x.id], wanted)
    if #top == 0 then -- a label that the sparse model never gives: the most active features
      local _, positions = z[x.id]:abs():topk(wanted)
      top = positions:tolist()
    end
    representation(page, model, seen, z, x, top, options)
  end
  return page
end

mv.document(analyze, "mv.analyze(model, data, i, {target=, stages={\"U\", \"C\", \"R\", \"P\"}, context=64, datapoints=1000, z=, tap=, "
  .. "family=, nonzeros_per_class=20, features=5, examples=3, words=, method=mv.lime, seed=}) -> page",
  "Algorithm 1: every stage on datapoint i, with defaults. U: LIME and the gradient. C: DIME and the second-order gradient "
  .. "of the words. P: a sparse linear model of the features of `datapoints` datapoints around i (or z, of data). R: its "
  .. "strongest features for the predicted label, locally and globally, by `method`.")

return analyze
