local check = require "check"
local test, eq, near, ok, raises = check.test, check.eq, check.near, check.ok, check.raises
local mv = require "multiviz"

-- A text is one number a word, its length; an image its mean colours. f multiplies them.
local function numbers(texts)
  local rows, longest = {}, 0
  for i, text in ipairs(texts) do
    rows[i] = {}
    for word in text:gmatch "%a+" do rows[i][#rows[i] + 1] = { #word / 10 } end
    longest = math.max(longest, #rows[i])
  end
  local atoms = {}
  for i, row in ipairs(rows) do
    atoms[i] = {}
    for t = 1, longest do
      atoms[i][t] = row[t] and t or 0
      row[t] = row[t] or { 0 }
    end
  end
  return { tensor = mv.tensor(rows), atoms = mv.tensor(atoms) }
end

local function define(options)
  local made = {
    name = "product",
    modalities = { "image", { name = "question", kind = "text" } },
    labels = { "yes", "no" },
    features = 2,
    prepare = { question = numbers },
    encode = {
      image = function(pixels) return pixels:mean(4):mean(3):sum(2, true) end,
      question = function(words) return (words * words):sum(2) end,
    },
    fuse = function(image, question)
      local product = image * question
      return mv.cat({ product, image + question }, 2)
    end,
  }
  for key, value in pairs(options or {}) do made[key] = value end
  return mv.models.define(made)
end

local function grey(value)
  local rows = {}
  for y = 1, 4 do
    rows[y] = {}
    for x = 1, 6 do rows[y][x] = { value, value, value } end
  end
  return mv.image(mv.tensor(rows))
end

local data = mv.datasets.define {
  modalities = { image = "image", question = "text" },
  labels = { "yes", "no" },
  items = {
    { image = grey(0.2), question = "is it red", label = "yes", regions = { { name = "left", box = { 0, 0, 3, 4 } } } },
    { image = grey(0.4), question = "what colour", label = "no" },
    { image = grey(0.8), question = "a", label = "yes" },
    { image = grey(1), question = "how many cubes are there", label = "no" },
  },
}
local model, x = define(), data[1]

test("gradient: the product's is the other factor", function()
  local e = mv.gradient(model, x, { target = "yes", modality = "image", reduction = "sum" })
  -- question = 0.2^2 + 0.2^2 + 0.3^2 = 0.17; each colour of the 24 pixels has 1/24 of the mean
  near(e:weights "image", { 3 * 0.17 / 24, 3 * 0.17 / 24 })
  eq(e:players "image", { "left", "background" })
  eq(e:heatmap("image").shape, { 4, 6 })
  eq(e:top(1)[1].modality, "image")
  local both = mv.gradient(model, x, { target = { "yes", mv.target.feature(1) } })
  near(both:weights { modality = "question", target = 2 }, { 0.6 * 0.4, 0.6 * 0.4, 0.6 * 0.6 })
  eq(both.cost.fuses, 1)
end)

test("integrated gradients add up", function()
  local e = mv.integrated_gradients(model, x, { target = "yes", baseline = { image = "mean" }, steps = 10 })
  near(e.fit.completeness_gap[1], 0)
  near(e:weights("question"):sum():item(), 0.6 * 0.17)
  local given = mv.integrated_gradients(model, x, { target = 2, modality = "image", baseline = data[3] })
  near(given:weights("image"):sum():item(), 3 * (0.2 - 0.8))
end)

test("SmoothGrad is seeded", function()
  local function run(seed) return mv.smooth_grad(model, x, { target = 1, samples = 5, seed = seed }):weights("question"):tolist() end
  eq(run(1), run(1))
  ok(run(1)[1] ~= run(2)[1])
end)

test("second-order gradients, both ways", function()
  local e = mv.second_order_gradient(model, x, { target = "yes", words = { "RED", 1 }, reduction = "sum" })
  -- d f / d word = 2 word * image, so its derivative by a colour of a pixel is 2 word / 24
  near(e:weights "image", { 3 * 2 * (0.3 + 0.2) / 24, 3 * 2 * (0.3 + 0.2) / 24 })
  local back = mv.second_order_gradient(model, x, { target = "yes", region = "left" })
  near(back:weights "question", { 3 * 12 / 24 * 2 * 0.2, 3 * 12 / 24 * 2 * 0.2, 3 * 12 / 24 * 2 * 0.3 })
  local none = mv.second_order_gradient(model, x, { target = "no", words = "it" })
  eq(none:weights("image"):abs():sum():item(), 0.0)
end)

test("EMAP of a data set and of a datapoint", function()
  local all = mv.emap(model, data)
  eq(all.logits.shape, { 4, 2 })
  near(all.projected:select(2, 2), all.logits:select(2, 2), 1e-4)
  eq(all.metric, "accuracy")
  near(all.variance.image + all.variance.question + all.variance.interaction, 1)
  local one = mv.emap(model, x, { context = data, target = "yes" })
  near(one.fit.projected[1], all.projected[1][1]:item(), 1e-4)
end)

test("DIME: an additive logit has no multimodal part", function()
  local e = mv.dime(model, x, { context = data, target = { "no", "yes" }, samples = 30, segmentation = "grid", rows = 2, columns = 2,
    hide = "color" })
  near(e:weights({ modality = "image", component = "multimodal" }):abs():max():item(), 0, 1e-4)
  ok(e:weights({ modality = "image", component = "unimodal" }):abs():max():item() > 1e-3)
  ok(e:weights({ modality = "question", component = "multimodal", target = 2 }):abs():max():item() > 1e-4)
end)

test("explanations are saved and loaded", function()
  local e = mv.gradient(model, x, { target = "yes" })
  local path = check.scratch()
  e:save(path)
  local back = mv.load_explanation(path)
  eq(back:weights("question"):tolist(), e:weights("question"):tolist())
  eq(tostring(back), tostring(e))
  os.remove(path)
end)

test("what cannot be done is said", function()
  local opaque = define { differentiable = false }
  raises(function() mv.gradient(opaque, x) end, "declared not differentiable: use lime, kernel_shap or occlusion")
  raises(function() mv.second_order_gradient(opaque, x, { words = "red" }) end, "declared not differentiable")
  raises(function() mv.second_order_gradient(model, x, { words = "blue" }) end,
    "there is no 'blue' in the text: its words are is, it, red")
  raises(function() mv.second_order_gradient(model, x, { region = "lift" }) end, "did you mean 'left'?")
  raises(function() mv.second_order_gradient(model, x) end, "exactly one of words, region and atoms")
  raises(function() mv.emap(model, x, { context = data:subset { 1, 2 } }) end, "at least two other datapoints and has 1")
  raises(function() mv.dime(model, x, { context = data:subset { 1, 2 } }) end, "at least two other datapoints and has 1")
  raises(function() mv.dime(model, x, { samples = 10 }) end, "context")
  raises(function() mv.gradient(model, x, { target = 3 }) end, "label 3")
  raises(function() mv.gradient(model, x, { target = "yess" }) end, "did you mean 'yes'?")
  raises(function() mv.gradient(model, x, { modalty = "image" }) end, "did you mean 'modality'?")
  raises(function() mv.integrated_gradients(model, x, { baseline = "blurr" }) end, "did you mean 'blur'?")
  raises(function() mv.smooth_grad(model, x, { sample = 3 }) end, "did you mean 'samples'?")
  raises(function() mv.gradient(model, x, { target = "yes" }):weights "quetsion" end, "did you mean 'question'?")
end)

check.done()
