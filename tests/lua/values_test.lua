-- Perturbation methods on models whose answer is known, and gradients through networks written in Lua.
local check = require "check"
local test, eq, near, ok = check.test, check.eq, check.near, check.ok
local mv = require "multiviz"
mv.progress(false)

-- logit of "yes" = 2 a1 + 3 a2 - a3 + 5 b1 + 7 b2 + joint a1 b1, columns being hidden as zero.
local function known(joint)
  return mv.models.define {
    name = "known", modalities = { { name = "a", kind = "tabular" }, { name = "b", kind = "tabular" } }, labels = { "yes", "no" },
    features = 2, differentiable = false,
    fuse = function(a, b)
      local sum = a:matmul(mv.tensor { { 2 }, { 3 }, { -1 } }) + b:matmul(mv.tensor { { 5 }, { 7 } })
        + joint * a[{ {}, { 1, 1 } }] * b[{ {}, { 1, 1 } }]
      return mv.cat({ sum, -sum }, 2)
    end,
  }
end

local data = mv.datasets.define {
  modalities = { { name = "a", kind = "tabular" }, { name = "b", kind = "tabular" } }, labels = { "yes", "no" },
  items = { { a = { 1, 2, 3 }, b = { 4, 0.5 }, label = "yes" } },
}
local x = data[1]
-- Alone: 2, 6, -3 and 20, 3.5; together a1 and b1 give 10 * 1 * 4 = 40 more.
local model, additive = known(10), known(0)

test("occlusion is what is lost", function()
  local e = mv.occlusion(model, x, { target = "yes" })
  near(e:weights "a", { 42, 6, -3 })
  near(e:weights "b", { 60, 3.5 })
  near(mv.occlusion(model, x, { target = "no", modality = "a" }):weights "a", { -42, -6, 3 })
  eq(e.cost.fuses, 4 + 3)
end)

test("kernel_shap of one modality, the other being whole", function()
  for _, exact in ipairs { 12, 0 } do
    local e = mv.kernel_shap(model, x, { target = "yes", exact = exact, samples = 100 })
    near(e:weights "a", { 42, 6, -3 })
    near(e:weights "b", { 60, 3.5 })
    near(e.fit.a.efficiency_gap[1], 0)
  end
end)

test("lime without a penalty finds a linear model", function()
  local e = mv.lime(model, x, { target = "yes", samples = 60, alpha = 0, seed = 1 })
  near(e:weights "a", { 42, 6, -3 }, 1e-4)
  near(e.fit.a.r2[1], 1)
end)

test("joint_lime of an additive model", function()
  local e = mv.joint_lime(additive, x, { target = "yes", samples = 80, alpha = 0, seed = 1 })
  near(e:weights "a", { 2, 6, -3 }, 1e-4)
  near(e:weights "b", { 20, 3.5 }, 1e-4)
  near(e.fit.share.a[1], 11 / 34.5, 1e-4)
end)

test("joint_shap halves what two parts do together", function()
  local e = mv.joint_shap(model, x, { target = { "yes", "no" } })
  eq(e.fit.exact, true)
  near(e:weights "a", { 22, 6, -3 })
  near(e:weights "b", { 40, 3.5 })
  near(e:weights { modality = "a", target = 2 }, { -22, -6, 3 })
  near(e.fit.share.a[1], 31 / 74.5)
  near(e.fit.base_value[1], 0)
end)

test("shapley_interactions finds the pair", function()
  for _, exact in ipairs { 12, 0 } do
    local e = mv.shapley_interactions(model, x, { target = "yes", exact = exact, rounds = 400, seed = 2 })
    local pairs_of = e:interaction(1)
    eq(pairs_of.values.shape, { 3, 2 })
    near(pairs_of.values, { { 40, 0 }, { 0, 0 }, { 0, 0 } }, exact == 0 and 6 or 1e-6)
  end
end)

test("a baseline for one modality stands where its columns are hidden", function()
  local e = mv.occlusion(model, x, { target = "yes", a = { fill = "baseline", baseline = { 0, 2, 1 } } })
  near(e:weights "a", { 42, 0, -2 })
  near(e:weights "b", { 60, 3.5 })
end)

-- A convolution, a recurrent sum over words and an MLP, all in tensors.
mv.seed(4)
local weights = { kernel = mv.randn(3, 3, 3, 3), words = mv.randn(5, 4), first = mv.randn(6, 7), second = mv.randn(2, 6) }
local vocabulary = { is = 1, it = 2, red = 3, blue = 4 }

local function positions(texts)
  local rows, atoms = {}, {}
  for i, text in ipairs(texts) do
    rows[i], atoms[i] = {}, {}
    for word in text:gmatch "%a+" do
      rows[i][#rows[i] + 1] = vocabulary[word] or 5
      atoms[i][#atoms[i] + 1] = #rows[i]
    end
  end
  return { tensor = mv.nn.embedding(weights.words, mv.tensor(rows, { dtype = "int64" })), atoms = mv.tensor(atoms) }
end

local network = mv.models.define {
  name = "network", modalities = { "image", { name = "question", kind = "text" } }, labels = { "yes", "no" }, features = 6,
  prepare = { question = positions },
  encode = {
    image = function(pixels) return mv.nn.conv2d(pixels * 2, weights.kernel, nil, { stride = 2 }):tanh():mean(4):mean(3) end,
    question = function(words)
      local state = words[{ {}, 1 }]
      for t = 2, words.shape[2] do state = (state * 0.5 + words[{ {}, t }]):tanh() end
      return state
    end,
  },
  fuse = function(image, question)
    local hidden = mv.nn.linear(mv.cat({ image, question }, 2), weights.first):tanh()
    return mv.nn.linear(hidden, weights.second), hidden
  end,
}
local noise = mv.rand(7, 9, 3)
local pictures = mv.datasets.define {
  modalities = { image = "image", question = "text" }, labels = { "yes", "no" },
  items = { { image = mv.image(noise), question = "is it red", label = "yes" } },
}
local picture = pictures[1]

local function yes(image_leaf, question_leaf)
  local logits = network:fuse(network:encode("image", { tensor = image_leaf }),
    network:encode("question", { tensor = question_leaf }))
  return logits[{ 1, 1 }]
end

-- The central difference of f at one entry of a leaf.
local function difference(f, leaf, position, step)
  local up, down = leaf:clone(), leaf:clone()
  up[position] = up[position]:item() + step
  down[position] = down[position]:item() - step
  return (f(up) - f(down)) / (2 * step)
end

test("gradients through a network written in Lua are finite differences", function()
  local image, question = network:prepare("image", picture).tensor, network:prepare("question", picture).tensor
  local e = mv.gradient(network, picture, { target = "yes", reduction = "signed" })
  local heat = e:heatmap "image"
  for _, place in ipairs { { 1, 1 }, { 4, 5 }, { 7, 9 } } do
    local total = 0
    for c = 1, 3 do
      local function f(leaf) return yes(leaf, question):item() end
      total = total + difference(f, image, { 1, c, place[1], place[2] }, 1e-2)
    end
    near(heat[{ place[1], place[2] }]:item(), total, 2e-3)
  end
  local words = mv.gradient(network, picture, { target = "yes", modality = "question", reduction = "signed" }):weights "question"
  for t = 1, 3 do
    local total = 0
    for k = 1, 4 do
      total = total + difference(function(leaf) return yes(image, leaf):item() end, question, { 1, t, k }, 1e-2)
    end
    near(words[t]:item(), total, 2e-3)
  end
end)

test("second-order gradients through a network written in Lua", function()
  local image, question = network:prepare("image", picture).tensor, network:prepare("question", picture).tensor
  local function sensitivity(leaf)  -- sum over the third word of |d f / d embedding|
    local words = question:clone():requires_grad_(true)
    local gradient = mv.grad(yes(leaf, words), { words })[1]
    return gradient[{ 1, 3 }]:abs():sum():item()
  end
  local e = mv.second_order_gradient(network, picture, { target = "yes", words = "red", reduction = "signed" })
  local heat = e:heatmap "image"
  for _, place in ipairs { { 2, 2 }, { 5, 7 } } do
    local total = 0
    for c = 1, 3 do total = total + difference(sensitivity, image, { 1, c, place[1], place[2] }, 1e-2) end
    near(heat[{ place[1], place[2] }]:item(), total, 2e-3)
  end
end)

check.done()
