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

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- A picture of a window as text: two of the same view are equal.
local function picture(window, folder)
  mv.screenshot(window, folder .. "/shot.png", { width = 1280, height = 800 })
  return read(folder .. "/shot.png")
end

test("pages, reports and windows draw regions on the picture that the model does not read", function()
  local folder = check.scratch()
  assert(os.execute("mkdir " .. folder))
  local model = mv.models.load(root .. "lxmert/small")
  local x = joined(model, "groups.h5")[1]
  local page = mv.page(model, x)
  page:add(mv.lime(model, x, { samples = 40 }))
  page:add(mv.gradient(model, x))
  page:add(mv.second_order_gradient(model, x, { words = { 1 } }))
  page:save(folder .. "/page")
  local loaded = mv.load_page(folder .. "/page")
  page:report(folder .. "/report")
  loaded:report(folder .. "/again")
  local html = read(folder .. "/report/index.html")
  eq(read(folder .. "/again/index.html"), html)
  local _, panels = html:gsub('"boxes":', "")
  eq(panels, 3)
  ok(html:find('"name":"blue red panda"', 1, true))
  local hidden = { visible = false }
  local w = page:view(hidden)
  local shown = picture(w, folder)
  eq(w.error, nil)
  ok(picture(loaded:view(hidden), folder) == shown, "a loaded page looks different")
  ok(picture(page.explanations[1]:view(nil, hidden), folder) ~= picture(page.explanations[1]:view(x, hidden), folder))
  os.execute("rm -r " .. folder)
end)

test("a word that is clicked weighs the regions, and a region that is clicked the words", function()
  local path = check.scratch(".png")
  local model = mv.models.load(root .. "lxmert/small")
  local w = mv.explore(model, joined(model, "groups.h5"), { visible = false, scale = 1, folder = check.scratch() })
  w:click(528, 37) -- Words and pixels
  local function part(x0, y0, x1, y1)
    w:move(290, 795)
    mv.screenshot(w, path)
    return mv.image(path):crop(x0, y0, x1, y1)
  end
  local function boxes() return part(400, 200, 1200, 650) end
  local function words() return part(300, 75, 1260, 105) end
  local plain, grey = boxes(), words()
  ok(plain == boxes(), "nothing was asked, and the boxes changed")
  w:click(356, 90)
  ok(plain ~= boxes(), "no weights of regions")
  w:click(356, 90) -- takes it back
  ok(plain == boxes() and grey == words(), "the question was not taken back")
  w:click(780, 420)
  ok(grey ~= words(), "no words of a region")
  ok(plain ~= boxes(), "the region is not marked")
  eq(w.error, nil)
  os.remove(path)
end)

test("regions outside the picture are told before anything is drawn", function()
  local model = mv.models.load(root .. "lxmert/small")
  local given = joined(model, "groups.h5")[1]
  local function data(box)
    return mv.datasets.define {
      name = "boxes", size = 1, labels = model.labels,
      modalities = { { name = "image", kind = "image" }, { name = "objects", kind = "time_series" },
        { name = "question", kind = "text" } },
      get = function()
        local frame = {}
        for c = 1, 20 do frame[c] = c / 20 end
        for k, at in ipairs(box) do frame[20 + k] = at / (k % 2 == 1 and given.image.width or given.image.height) end
        return { image = given.image, objects = { frame }, question = given.question, label = model.labels[1],
          regions = { { name = "car", box = box } } }
      end,
    }
  end
  local inside, outside = data { 4, 8, 60, 40 }[1], data { 140, 8, 170, 40 }[1]
  local named = mv.gradient(model, inside)
  eq(named:players "objects", { "car" })
  ok(named:view(inside, { visible = false }))
  local e = mv.gradient(model, outside)
  raises(function() e:view(outside, { visible = false }) end, "of 'car' does not lie in the image of 128 x 96 pixels")
  raises(function() mv.page(model, outside):add(e) end, "of 'car' does not lie in the image")
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
