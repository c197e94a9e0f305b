local mv = require "multiviz"
local check = require "check"
local test, eq, near, ok, raises = check.test, check.eq, check.near, check.ok, check.raises

mv.progress(false)
local file = check.scratch()

-- 40 datapoints, 4 features: feature 2 says whether it is "hot", feature 4 is constant.
local rows, labels, targets = {}, {}, {}
for i = 1, 40 do
  local hot = i % 3 == 0
  rows[i] = { math.sin(i), hot and 2 or -1, math.cos(5 * i), 7 }
  labels[i] = hot and "hot" or "cold"
  targets[i] = { 2 * math.sin(i), 1 }
end
local z = mv.tensor(rows)

test("a path over a tensor with labels", function()
  for _, family in ipairs { "gaussian", "multinomial" } do
    local path = mv.sparse_linear(z, { labels = labels, family = family, lambdas = 12, epsilon = 0.01 })
    eq(#path, 12)
    eq(path.family, family)
    eq(path.labels, { "cold", "hot" })
    local curve = path:curve()
    eq(curve[1].nonzeros_per_class, 0)
    eq(curve[12].heldout, 1)
    ok(curve[12].gap <= 1e-3)
    ok(tostring(path):find("nonzeros/class", 1, true))
    local sparsest = path:at { drop = 0 }
    local top = sparsest:top("hot", rows[3], 1)
    eq(#top, 1)
    eq(top[1].feature, 2)
    near(top[1].contribution, top[1].weight * 2, 1e-6)
    eq(sparsest:top("hot", 1)[1].feature, 2)
    eq(sparsest:top("hot", 1)[1].contribution, nil)
    near(sparsest:contributions("hot", rows[3]):tolist()[2], top[1].contribution, 1e-9)
    eq(sparsest:predict(rows[3]), "hot")
    eq(sparsest:predict(z)[4], "cold")
    eq(path:at({ nonzeros_per_class = 4 }).index, 12)
    eq(path:at({ lambda = path.lambdas[5] }).index, 5)
  end
end)

test("labels as numbers, weights, and the lambdas themselves", function()
  local numbers, weights = {}, {}
  for i, label in ipairs(labels) do
    numbers[i], weights[i] = label == "hot" and 2 or 1, 1
  end
  local path = mv.sparse_linear(z, { labels = numbers, names = { "a", "b" }, weights = weights, lambdas = { 0.01, 0.1 }, holdout = 0 })
  eq(path.labels, { "a", "b" })
  eq(path.lambdas, { 0.1, 0.01 })
  eq(path:curve()[1].heldout, nil)
end)

test("regression targets", function()
  local path = mv.sparse_linear(z, { targets = targets, alpha = 1 })
  eq(path.labels, { "target 1", "target 2" })
  local dense = path:at { nonzeros_per_class = 4 }
  ok(dense.score > 0.99)
  near(dense:scores(z):tolist()[3][1], 2 * math.sin(3), 0.05)
  raises(function() dense:predict(z) end, "a regression has no classes")
end)

test("a path is saved and loaded", function()
  local path = mv.sparse_linear(z, { labels = labels, lambdas = 5 })
  path:save(file)
  local loaded = mv.load_sparse_path(file)
  eq(tostring(loaded), tostring(path))
  eq(loaded:at({ lambda = path.lambdas[5] }):scores(z), path:at({ lambda = path.lambdas[5] }):scores(z))
  raises(function() mv.load_sparse_path(file .. "x") end, "cannot read")
end)

test("what cannot be fitted or asked is said", function()
  raises(function() mv.sparse_linear(z) end, "give the option 'labels' or 'targets'")
  raises(function() mv.sparse_linear(z, { labels = labels, lamdas = 3 }) end, "unknown option 'lamdas'; did you mean 'lambdas'?")
  raises(function() mv.sparse_linear(z, { labels = labels, family = "poisson" }) end, "family")
  raises(function() mv.sparse_linear(z, { labels = { "hot" } }) end, "there are 1 labels for 40 datapoints")
  raises(function() mv.sparse_linear(z, { labels = labels, targets = targets }) end, "exclude one another")
  raises(function() mv.sparse_linear({ { 1, 2 }, { 1, 0 / 0 } }, { labels = labels }) end, "features must be finite")
  local path = mv.sparse_linear(z, { labels = labels })
  raises(function() path:at {} end, "say how to choose the model")
  raises(function() path:at { nonzeros_per_class = 9 } end, "nonzeros_per_class is 9: the model has 4 features")
  local selection = path:at { drop = 0.1 }
  raises(function() selection:top("hott", rows[1], 1) end, "the sparse path has no label 'hott'; did you mean 'hot'?")
  raises(function() selection:top("hot", rows[1], 5) end, "5 features were asked for: the model has 4")
  raises(function() selection:top(3, rows[1], 1) end, "label 3 is out of range: they are numbered 1 to 2")
  raises(function() selection:top("hot", mv.ones(4) * (0 / 0), 1) end, "'row' holds a number that is not finite")
  raises(function() mv.sparse_linear(rows, { labels = "hot", lambdas = {} }) end, "a count, or a table of at least one number")
end)

os.remove(file)
test("a lambda at which the loss shows no more gain is still solved", function()
  local n, d, classes = 400, 40, 5
  local z = mv.randn({ n, d }, { seed = 1 })
  local weights = mv.randn({ d, classes }, { seed = 2 }) * mv.rand({ d, classes }, { seed = 3 }):lt(0.2):to "float32"
  local labels = (mv.matmul(z, weights) + mv.randn({ n, classes }, { seed = 4 })):argmax(2)
  local path = mv.sparse_linear(z, { family = "multinomial", labels = labels:tolist(), lambdas = 60, holdout = 0 })
  local largest = 0
  for _, point in ipairs(path:curve()) do largest = math.max(largest, point.gap) end
  ok(largest < 5e-4, "a duality gap of " .. largest .. " of the null deviance")
end)

check.done()
