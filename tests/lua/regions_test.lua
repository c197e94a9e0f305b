local mv = require "multiviz"
local check = require "check"
local algorithm2 = require "algorithm2"
local scenes = require "scenes"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises

mv.progress(false)
local root = "tests/fixtures/"

-- Questions about the two images of tests/fixtures/regions.
local function questions(model)
  return scenes(mv, model, 12, { annotations = function(i) return { image_id = i % 2 == 0 and 42 or 137 } end })
end

local function joined(model, file)
  return mv.datasets.with_regions(questions(model), root .. "regions/" .. file,
    { objects = root .. "regions/objects.txt", attributes = root .. "regions/attributes.txt" })
end

test("algorithm 2 runs on LXMERT with regions from a file", function()
  local model = mv.models.load(root .. "lxmert/small")
  algorithm2(mv, model, joined(model, "regions.tsv"), { modalities = { "objects", "question" } })
end)

test("algorithm 1 takes the modalities that the model reads", function()
  local model = mv.models.load(root .. "lxmert/small")
  local options = { stages = { "U", "C" }, context = 3 }
  local page = mv.analyze(model, joined(model, "rows.npz"), 1, options)
  local methods = {}
  for _, e in ipairs(page.explanations) do methods[e.method] = true end
  ok(methods.dime and methods.second_order_gradient)
  local captions = { "a cube", "a sphere" }
  local clip = mv.models.load(root .. "clip/patch4", { captions = captions })
  page = mv.analyze(clip, questions { labels = captions }, 1, options)
  eq(#page.explanations, 2)
  raises(function() mv.dime(clip, questions { labels = captions }[1], { context = questions { labels = captions } }) end,
    "about pairs of modalities, and clip has only 'image'")
end)

test("regions are players, and are drawn on the image", function()
  local model = mv.models.load(root .. "lxmert/small")
  local x = joined(model, "groups.h5")[1]
  eq(#x.regions, 3)
  eq(x.regions[1].name, "blue car")
  for _, method in ipairs { mv.lime, mv.kernel_shap, mv.occlusion, mv.gradient } do
    local e = method(model, x, { modality = "objects" })
    eq(e:players "objects", { "blue car", "tall dog", "blue red panda" })
    local drawn = mv.on_image(e, x)
    local map, w = drawn:heatmap(), e:weights "objects"
    eq(map.shape, { 96, 128 })
    -- The third region is the smallest and lies in the first, which the second overlaps.
    ok(math.abs(map[{ 15, 18 }]:item() - w[3]:item()) < 1e-6)
    ok(math.abs(map[{ 3, 3 }]:item() - w[1]:item()) < 1e-6)
    ok(math.abs(map[{ 40, 50 }]:item() - w[2]:item()) < 1e-6)
    eq(map[{ 90, 120 }]:item(), 0)
    ok(drawn:view(x, { visible = false }))
  end
  raises(function() mv.on_image(mv.lime(model, x, { modality = "question", samples = 20 }), x) end,
    "no weights of the 3 regions")
  raises(function() mv.on_image(mv.lime(model, x, { samples = 20 }), joined(model, "groups.h5")[2]) end,
    "the explanation is of")
end)

test("options of with_regions", function()
  local model = mv.models.load(root .. "lxmert/small")
  local data = questions(model)
  raises(function() mv.datasets.with_regions(data, root .. "regions/regions.tsv", { object = "a" }) end,
    "unknown option 'object'")
  raises(function() mv.datasets.with_regions(data, "none.tsv") end, "there is no file or folder 'none.tsv'")
  raises(function() return mv.datasets.with_regions(data, root .. "regions/regions.tsv", { key = "imgid" })[1] end,
    "no annotation 'imgid'")
end)

check.done()
