local check = require "check"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises
local mv = require "multiviz"

mv.progress(false)
local folder = check.scratch()
assert(os.execute("mkdir " .. folder))

local data = mv.datasets.blocks { split = "val", size = 6 }
local model = mv.models.cnn_lstm_sa {
  labels = data.labels, vocabulary = mv.vocabulary(data), hidden = 16, embedding = 8, channels = { 4, 4 }, strides = { 4, 4 }, keys = 8, features = 12,
}
local x = data[2]

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

test("a page starts from the model's prediction", function()
  local page = mv.page(model, x)
  eq(page.datapoint, x.id)
  eq(page.prediction, model:predict(x).label)
  eq(page.target, "logit of " .. page.prediction)
  eq(page.truth, x.labels)
  eq(page.explanations, {})
  ok(tostring(page):find(x.question, 1, true))
  eq(mv.page(model, x, { target = mv.target.feature(3) }).target, "feature 3")
end)

test("a page is saved, loaded and reported", function()
  local page = mv.page(model, x, { target = x.label, labels = 3 })
  eq(page:save(folder .. "/page"), folder .. "/page")
  local loaded = mv.load_page(folder .. "/page")
  eq(tostring(loaded), tostring(page))
  loaded:save(folder .. "/again")
  eq(read(folder .. "/again/page.json"), read(folder .. "/page/page.json"))
  local index = page:report(folder .. "/report")
  eq(index, folder .. "/report/index.html")
  ok(read(index):find("<title>Why " .. model.name, 1, true))
end)

test("a sparse selection goes on a page", function()
  local z = mv.features(model, data, { store = false })
  local path = mv.sparse_linear(z, { lambdas = 4, holdout = 0 })
  local page = mv.page(model, x)
  ok(page:add(path:at { lambda = path.lambdas[4] }) == page)
  ok(tostring(page):find("stage P", 1, true))
  page:save(folder .. "/selected")
  local _, classes = read(folder .. "/selected/page.json"):gsub('"nonzeros":', "")
  ok(classes >= 3, "the likeliest classes are shown, to switch between")
end)

test("what cannot go on a page is said", function()
  local page = mv.page(model, x)
  raises(function() page:add(3) end, "must be an explanation, a feature analysis or a selection of a sparse path, got 3")
  raises(function() page:add() end, "got nothing")
  raises(function() mv.page(model, x, { lables = 3 }) end, "unknown option 'lables'; did you mean 'labels'?")
  raises(function() mv.page(model, x, { target = "mauve" }) end, "mauve")
  raises(function() mv.page(model) end, "'x' must be a datapoint")
  raises(function() mv.load_page(folder .. "/none") end, "no such file or directory")
  raises(function() page:report "/proc/report" end, "/proc/report")
  raises(function() page:report "" end, "page:report: 'folder' is empty")
  raises(function() page:save "" end, "page:save: 'folder' is empty")
end)

os.execute("rm -r " .. folder)
check.done()
