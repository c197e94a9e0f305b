local check = require "check"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises
local mv = require "multiviz"

mv.progress(false)
local folder = os.tmpname()
os.remove(folder)

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

test("a picture of the window is written", function()
  local w = explore()
  w:click(205, 639)
  eq({ mv.image(folder .. "/picture-1.png").width, w.error }, { 1280 })
end)

test("words can be clicked, boxes drawn and parts hidden", function()
  local w = explore { datapoint = 2 }
  w:click(528, 37) -- Words and pixels
  w:click(330, 100)
  w:click(400, 100, { shift = true })
  w:drag(700, 300, 800, 400)
  w:click(630, 37) -- What if
  w:click(330, 130)
  w:click(500, 300)
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
