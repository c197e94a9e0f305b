local check = require "check"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises
local mv = require "multiviz"

mv.progress(false)
local folder = check.scratch()

local data = mv.datasets.blocks { split = "val", size = 30 }
local model = mv.models.cnn_lstm_sa {
  labels = data.labels, vocabulary = mv.vocabulary(data), hidden = 16, embedding = 8, channels = { 4, 4 }, strides = { 4, 4 }, keys = 8, features = 12,
}

local function explore(options, other)
  options = options or {}
  options.visible, options.scale, options.folder, options.datapoints = false, 1, folder, 30
  return mv.explore(other or model, data, options)
end

-- Presses "save page" and reads what it wrote.
local function saved(w, y)
  w:click(60, y or 639)
  return mv.load_page(folder)
end

test("the explorer shows a datapoint, computes what is asked for and saves it", function()
  local w = explore { datapoint = 3 }
  eq(w.error, nil)
  eq(saved(w).datapoint, data[3].id)
  eq(saved(w).prediction, model:predict(data[3]).label)
  w:click(60, 308) -- gradient
  w:click(46, 340) -- lime
  local page = saved(w)
  eq(page.explanations[1].method, "gradient")
  eq(page.explanations[2].method, "lime")
  w:click(126, 116) -- next
  page = saved(w)
  eq(page.datapoint, data[4].id)
  eq(page.explanations, {})
  w:click(60, 116) -- previous: what was computed is still there
  eq(#saved(w).explanations, 2)
  eq(w.error, nil)
end)

test("a feature typed in is analysed", function()
  local w = explore()
  w:click(225, 518) -- analyse
  eq(saved(w).features, { 1 })
  eq(w.error, nil)
end)

test("methods across modalities are computed and shown", function()
  local w = explore { datapoint = 2, context = 4 }
  w:click(107, 397) -- emap
  w:click(158, 429) -- interactions
  local page = saved(w)
  eq(page.explanations[1].method, "emap")
  eq(page.explanations[2].method, "shapley_interactions")
  eq(w.error, nil)
end)

test("features of another tap are chosen, and those of the last are dropped", function()
  local w = explore()
  w:click(225, 518) -- analyse
  eq(saved(w).features, { 1 })
  w:click(114, 486) -- tap
  w:click(75, 233) -- question.lstm, in the list above
  eq(saved(w).features, {})
  w:click(225, 518)
  eq(saved(w).features, { 1 })
  eq(w.error, nil)
end)

test("a search finds words, labels and wrong answers", function()
  local w = explore { height = 1000 }
  local function find(text, line)
    w:click(100, 155)
    w:press "ctrl+a"
    w:type(text)
    w:press "enter"
    w:click(60, 312) -- the first that was found
    return saved(w, 818).datapoint
  end
  local function first(fits)
    for i = 1, #data do
      if fits(data[i]) then return data[i].id end
    end
  end
  local word = "sphere"
  eq(find(word), first(function(x) return x.question:find(word, 1, true) end))
  w:click(85, 187) -- answers
  w:click(60, 262) -- wrong
  eq(find(word), first(function(x)
    return x.question:find(word, 1, true) and model:predict(x).label ~= x.label
  end))
  eq(w.error, nil)
end)

test("a label is found by a part of its name, and filters the datapoints", function()
  local w = explore { height = 1000 }
  local expected -- the first whose label is another than the first datapoint's
  for i = 2, #data do
    if not expected and data[i].label ~= data[1].label and #data[i].label > 3 then expected = data[i] end
  end
  local wanted = expected.label
  w:click(85, 219) -- label
  w:type(wanted)
  w:click(60, 282) -- the first below what was typed
  w:click(60, 312) -- the first that was found
  eq(saved(w, 818).datapoint, expected.id)
  eq(w.error, nil)
end)

test("a search that finds nothing takes one line", function()
  local w = explore { datapoint = 5 }
  w:click(100, 155)
  w:type "no such words"
  w:press "enter"
  eq(saved(w, 661).datapoint, data[5].id)
  eq(w.error, nil)
end)

test("a picture of the window is written", function()
  local w = explore()
  w:click(205, 639)
  eq({ mv.image(folder .. "/picture-1.png").width, w.error }, { 1280 })
end)

-- What the window shows in a part of it, the mouse out of the way.
local function shown(w, x0, y0, x1, y1)
  w:move(290, 795)
  local path = check.scratch(".png")
  mv.screenshot(w, path)
  local part = mv.image(path):tensor():narrow(1, y0, y1 - y0):narrow(2, x0, x1 - x0):tolist()
  os.remove(path)
  return part
end

local function same(a, b)
  for y, row in ipairs(a) do
    for x, pixel in ipairs(row) do
      for c, value in ipairs(pixel) do
        if value ~= b[y][x][c] then return false end
      end
    end
  end
  return true
end

test("words that are clicked draw a heat map, and a box on the image colours the words", function()
  local w = explore { datapoint = 2 }
  w:click(528, 37) -- Words and pixels
  local function image() return shown(w, 600, 250, 960, 620) end
  local function words() return shown(w, 300, 75, 1260, 105) end
  local plain, grey = image(), words()
  ok(same(plain, image()), "nothing was asked, and the image changed")
  w:click(356, 90)
  local one = image()
  ok(not same(plain, one), "no heat map of a word")
  w:click(400, 90, { shift = true })
  ok(not same(one, image()), "a second word changed nothing")
  w:drag(700, 300, 800, 400)
  local boxed = words()
  ok(not same(grey, boxed), "no words of a box")
  eq(w.error, nil)
end)

test("hidden words and edited questions change what is predicted", function()
  local w = explore { datapoint = 2 }
  w:click(630, 37) -- What if
  local function answer() return shown(w, 790, 300, 1230, 780) end
  local before = answer()
  w:click(356, 122) -- hide "there"
  local hidden = answer()
  ok(not same(before, hidden), "a hidden word changed nothing")
  w:click(356, 122)
  ok(same(before, answer()), "a word shown again left a change")
  w:click(600, 90)
  w:press "ctrl+a"
  w:type "what color is the sphere"
  w:press "enter"
  ok(not same(before, answer()), "another question changed nothing")
  eq(w.error, nil)
end)

test("the button below a tall picture is in sight", function()
  local tall = mv.datasets.define {
    name = "tall", modalities = { image = "image", question = "text" }, labels = data.labels, size = 1,
    get = function() return { image = mv.zeros { 300, 20, 3 }, question = data[1].question, label = data.labels[1] } end,
  }
  local w = mv.explore(model, tall, { visible = false, scale = 1 })
  w:click(630, 37) -- What if
  local function words() return shown(w, 300, 105, 1260, 135) end
  local before = words()
  w:click(356, 122)
  ok(not same(before, words()), "no word is struck out")
  w:click(343, 731) -- as it was
  ok(same(before, words()), "the button is not where it can be pressed")
  eq(w.error, nil)
end)

test("a hidden superpixel changes the picture and the answer; as it was brings all back", function()
  local w = explore { datapoint = 2 }
  w:click(630, 37) -- What if
  local function question() return shown(w, 300, 75, 1260, 135) end
  local function image() return shown(w, 306, 170, 770, 520) end
  local function answer() return shown(w, 790, 300, 1230, 780) end
  local asked, drawn, predicted = question(), image(), answer()
  w:click(510, 250)
  local once = image()
  ok(not same(drawn, once), "the superpixel is still there")
  ok(not same(predicted, answer()), "a hidden superpixel changed nothing")
  w:click(640, 320)
  ok(not same(once, image()), "a second superpixel is still there")
  w:click(640, 320)
  ok(same(once, image()), "a superpixel shown again left a change")
  w:click(356, 122) -- hide "there"
  ok(not same(asked, question()), "the hidden word is not struck out")
  w:click(342, 541) -- as it was
  ok(same(asked, question()), "a word is still hidden")
  ok(same(drawn, image()), "a superpixel is still hidden")
  ok(same(predicted, answer()), "the answer is not as it was")
  eq(w.error, nil)
end)

test("a model in Lua is explored on the script's thread", function()
  local model = mv.models.define {
    name = "lengths", modalities = { "image", { name = "question", kind = "text" } }, labels = { "yes", "no" }, features = 1,
    differentiable = false,
    prepare = {
      question = function(texts)
        local rows = {}
        for i, text in ipairs(texts) do rows[i] = { #text } end
        return mv.tensor(rows)
      end,
    },
    fuse = function(_, question)
      local logits = {}
      for i, row in ipairs(question:tolist()) do logits[i] = { row[1], -row[1] } end
      return mv.tensor(logits), question
    end,
  }
  local w = explore({}, model)
  eq(w.error, nil)
  local button = 607 -- no gradient methods: one line less
  eq(saved(w, button).model, "lengths")
  w:click(46, 308) -- lime, now the first
  eq(saved(w, button).explanations[1].method, "lime")
end)

test("mistakes are named", function()
  raises(function() explore { datapoint = 31 } end, "there is no datapoint 31")
  raises(function() explore { contxt = 3 } end, "context")
  raises(function() mv.explore(model) end, "'data' must be")
end)

os.execute("rm -r " .. folder)
check.done()
