local mv = require "multiviz"
local check = require "check"
local test, eq, near, ok, raises = check.test, check.eq, check.near, check.ok, check.raises

mv.progress(false)
local folder = check.scratch()

local data = mv.datasets.blocks { split = "val" }:slice(1, 24)
local model = mv.models.cnn_lstm_sa { labels = data.labels, vocabulary = mv.vocabulary(data), hidden = 16, width = 32, height = 24 }

test("features are computed once and kept in a folder", function()
  local z = mv.features(model, data, { path = folder, batch = 10 })
  eq(#z, 24)
  eq(z.shape, { 24, model.signature.features })
  eq(z.path, folder)
  eq(z.ids[3], data[3].id)
  eq(z.labels[3], data[3].label)
  eq(z.predictions[3], model:predict(data[3]).label)
  near(z[3]:tolist(), model:features(data[3]):tolist(), 1e-4)
  eq(z[data[5].id], z[5])
  eq(z[-1], z[24])
  eq(z:find(data[5].id), 5)
  eq(z:tensor():tolist()[5], z[5]:tolist())
  ok(tostring(z):find("24 datapoints", 1, true))
  eq(mv.features(model, data, { path = folder }):tensor(), z:tensor())
end)

test("the strongest datapoints of a feature", function()
  local z = mv.features(model, data, { store = false })
  eq(z.path, "")
  local positions, activations = z:top(2, 3)
  eq(#positions, 3)
  ok(activations[1] >= activations[2] and activations[2] >= activations[3])
  near(z[positions[1]]:tolist()[2], activations[1], 1e-6)
end)

test("a path over features knows their labels", function()
  local z = mv.features(model, data, { store = false })
  local path = mv.sparse_linear(z, { lambdas = 5, holdout = 0, predicted = true })
  eq(path.labels, model.labels)
  local selection = path:at { drop = 1 }
  eq(selection.nonzeros_per_class, 0)
  eq(selection:top(1, z[1], 3), {})
  ok(path:at({ drop = 0 }):accuracy(z) >= 0)
end)

test("local and global analysis run the method towards the feature, with the other options", function()
  local z = mv.features(model, data, { store = false })
  local seen = {}
  local function method(m, x, options)
    eq(m, model)
    eq(tostring(options.target), "feature 2")
    eq(options.steps, 4)
    eq(options.method, nil)
    seen[#seen + 1] = x.id
    return {}
  end
  local entry = mv.local_feature(model, data[3], { feature = 2 }, { method = method, steps = 4 })
  eq(entry.feature, 2)
  near(entry.activation, z[3]:tolist()[2], 1e-4)
  eq(seen, { data[3].id })
  eq(entry.explanations, {})
  seen = {}
  local global = mv.global_feature(model, data, z, 2, { examples = 2, method = method, steps = 4 })
  local positions = z:top(2, 2)
  eq(seen, { data[positions[1]].id, data[positions[2]].id })
  eq(global.examples[1].id, seen[1])
end)

test("what cannot be asked of features is said", function()
  local z = mv.features(model, data, { store = false })
  raises(function() mv.features(model, data, { tap = "image.conv" }) end, "has no tap 'image.conv'")
  raises(function() mv.features(model, data, { pth = "x" }) end, "did you mean 'path'?")
  raises(function() mv.features(model, data:slice(1, 4), { path = folder }) end, "holds features of another data set")
  raises(function() return z[25] end, "datapoint 25 is out of range: they are numbered 1 to 24")
  raises(function() return z["nobody"] end, "there are no features of datapoint 'nobody'")
  raises(function() z:top(1, 25) end, "25 datapoints were asked for: there are 24")
  raises(function() z:top(9999, 2) end, "feature")
  raises(function() mv.local_feature(model, data[1], 1, { method = "lime" }) end, "mv.local_feature: option 'method' must be a function such as mv.lime, got 'lime'")
  raises(function() mv.local_feature(model, data[1], 1, { sampels = 3 }) end, "mv.lime: unknown option 'sampels'; did you mean 'samples'?")
  raises(function() mv.local_feature(model, data[1], 1, 5) end, "mv.local_feature: 'options' must be a table of options, got 5")
  raises(function() mv.local_feature(model, data[1], 1, { method = print, target = 3 }) end, "the target is the feature")
  raises(function() mv.local_feature(model, data[1], 1, { method = function() return 3 end }) end, "must return an explanation")
  raises(function() mv.global_feature(model, data:slice(2, 20), z, 1, { method = function() end }) end, "computed from")
end)

os.execute("rm -rf " .. folder)
check.done()
