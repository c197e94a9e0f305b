local check = require "check"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises
local mv = require "multiviz"

mv.progress(false)

-- A hidden window: drawn without a display, with real input.
local function window(draw, options)
  options = options or {}
  options.visible = false
  options.width, options.height, options.scale = 400, 300, 1
  return mv.window("test", draw, options)
end

local function picture(w, width, height)
  local path = check.scratch(".png")
  mv.screenshot(w, path, { width = width or 400, height = height or 300 })
  local image = mv.image(path)
  os.remove(path)
  return image
end

test("a button in a child region is pressed by a click, once", function()
  local pressed = 0
  local w = window(function(ui)
    ui.child("area", function()
      if ui.button("press", { width = 200 }) then pressed = pressed + 1 end
    end, { height = 100 })
  end)
  w:click(60, 36)
  eq(pressed, 1)
  w:click(380, 290)
  eq(pressed, 1)
  ok(w.open)
  eq(w.error, nil)
  w:close()
  eq(w.open, false)
end)

test("controls return what the user left them at", function()
  local number, text, on, changes = 0, "", false, 0
  local w = window(function(ui)
    local changed
    number, changed = ui.slider("number", number, { min = 0, max = 10, width = 200 })
    if changed then changes = changes + 1 end
    text = ui.input("text", text, { width = 200 })
    on = ui.checkbox("on", on)
  end)
  w:drag(20, 22, 300, 22)
  eq(number, 10)
  ok(changes > 0)
  w:click(60, 56)
  w:type "naïve café"
  eq(text, "naïve café")
  w:click(22, 90)
  eq(on, true)
end)

test("controls without a width take a part of the window", function()
  local number, text, choice = 0, "", "a"
  local w = window(function(ui)
    number = ui.slider("number", number, { min = 0, max = 10 })
    text = ui.input("text", text)
    choice = ui.combo("choice", choice, { "a", "b" })
  end)
  w:drag(20, 22, 268, 22)
  eq(number, 10)
  w:click(200, 56)
  w:type "typed"
  eq(text, "typed")
  w:click(200, 88)
  w:click(40, 140) -- the second
  eq(choice, "b")
end)

test("columns of a table share its width when they would not fit", function()
  local clicked
  local rows = { { 1, ("a long question "):rep(20), "answer" }, { 2, "short", "yes" } }
  local w = window(function(ui) clicked = ui.table(rows, { columns = { "#", "question", "answer" } }) or clicked end)
  local function ink() -- in the last column of the first row
    w:move(390, 290)
    return picture(w):tensor():narrow(1, 38, 20):narrow(2, 330, 50)
  end
  local before = ink()
  rows[1][3] = ""
  ok(not before:equal(ink()), "the last column is out of sight")
  w:click(200, 70)
  eq(clicked, 2)
end)

test("a shortcut and dropped files are seen in one frame", function()
  local saved, files = 0, {}
  local w = window(function(ui)
    if ui.shortcut "ctrl+s" then saved = saved + 1 end
    for _, file in ipairs(ui.dropped()) do files[#files + 1] = file end
  end)
  w:press "s"
  eq(saved, 0)
  w:press "ctrl+s"
  eq(saved, 1)
  w:drop { "a.png", "b.png" }
  eq(files, { "a.png", "b.png" })
end)

test("an error shows in the window with its line, and the window lives on", function()
  local broken = true
  local w = window(function(ui)
    ui.child("region", function()
      ui.tree("branch", function()
        ui.tabs("pages", { { "one", function() if broken then error "it broke" end end } })
      end, { open = true })
    end)
  end)
  ok(w.error:find "window_test.lua:%d+: it broke")
  for _ = 1, 50 do
    w:refresh()
    w:move(10, 10)
  end
  ok(w.open)
  broken = false
  w:move(20, 20)
  eq(w.error, nil)
end)

test("mistakes are named", function()
  local message
  local w = window(function(ui) ui.slider("a", 1, { maximum = 3 }) end)
  ok(w.error:find "unknown option 'maximum'")
  ok(w.error:find "window_test.lua:%d+:")
  w = window(function(ui) ui.buton "a" end)
  ok(w.error:find "'button'")
  w = window(function(ui) ui.tokens("two words", { weights = { 1 } }) end)
  ok(w.error:find "1 weights for 2 words")
  w = window(function(ui) ui.table { 1, 2 } end)
  eq(w.error, nil)
  raises(function() mv.ui.button "outside" end, "call it in the function given to mv.window")
  raises(function() mv.window("title") end, "'draw' must be a function")
  raises(function() mv.screenshot(w, "x.jpg") end, "must end in .png")
  raises(function() window(function() end, { thme = "dark" }) end, "theme")
  message = select(2, pcall(w.press, w, "ctrl+nokey"))
  ok(message:find "there is no key 'nokey'")
end)

test("every widget draws", function()
  local image = mv.image(mv.zeros { 20, 30, 3 })
  local w = window(function(ui)
    ui.text("Grüße, мир, Ελλάδα", { style = "heading" })
    ui.text("fine", { style = "good" })
    ui.combo("choice", "b", { "a", "b" })
    ui.progress(0.5, "half")
    ui.columns(function() ui.text "left" end, function() ui.text "right" end)
    ui.split("test", function() ui.text "left" end, function() ui.text "right" end, { height = 40 })
    ui.table({ { 1, "one" }, { 2, "two" } }, { columns = { "n", "name" } })
    ui.image(image, { heatmap = mv.ones { 20, 30 }, height = 60 })
    ui.plot_line({ 1, 4, 9 }, { height = 80 })
    ui.plot_line({ first = { 1, 2 }, second = { 3, 1 } }, { x = { 1, 10 }, log_x = true, height = 80 })
    ui.plot_bar({ 1, -2 }, { names = { "a", "b" } })
    ui.plot_scatter({ 1, 2, 3 }, { 3, 2, 1 }, { groups = { 1, 2, 1 }, height = 80 })
    ui.plot_matrix({ { 1, 2 }, { 3, -4 } }, { rows = { "x", "y" }, columns = { "p", "q" } })
    ui.tokens("how many red cubes", { weights = { 0, 1, -1, 0.5 }, chosen = { 2 } })
    ui.separator()
    ui.button "after"
    ui.same_line()
    ui.tooltip "nothing"
    ui.clipboard "copied"
  end, { theme = "light" })
  eq(w.error, nil)
  local p = picture(w, 500, 700)
  eq({ p.width, p.height }, { 500, 700 })
end)

test("a heat map draws red where it is strongest", function()
  local heat = mv.zeros { 10, 10 }
  heat[{ 5, 5 }] = 1
  heat[{ 6, 6 }] = -1
  local w = window(function(ui) ui.image(mv.ones { 10, 10, 3 }, { heatmap = heat, opacity = 1, width = 200, height = 200 }) end)
  local pixels = picture(w):tensor()
  local at = pixels[{ 12 + 90, 12 + 90 }]:tolist()
  ok(at[1] > 150 and at[2] < 80 and at[3] < 80, table.concat(at, ","))
end)

test("a click on a picture, a token and a bar says which", function()
  local place, word, bar, box
  local image = mv.image(mv.ones { 50, 100, 3 })
  local w = window(function(ui)
    local clicked, _, dragged = ui.image(image, { width = 200, height = 100 })
    place, box = clicked or place, dragged or box
    word = ui.tokens("one two three") or word
    bar = ui.plot_bar({ 3, 2, 1 }, { names = { "a", "b", "c" } }) or bar
  end)
  w:click(12 + 100, 12 + 50)
  eq({ math.floor(place.x), math.floor(place.y) }, { 50, 25 })
  w:drag(12 + 20, 12 + 20, 12 + 100, 12 + 80)
  eq({ math.floor(box[1] + 0.5), math.floor(box[4] + 0.5) }, { 10, 40 })
  w:click(30, 12 + 100 + 7 + 10)
  eq(word, 1)
  w:click(100, 12 + 100 + 7 + 27 + 7 + 5)
  eq(bar, 1)
end)

local sensors = mv.datasets.define {
  name = "sensors", modalities = { pulse = "time_series", record = "tabular" },
  labels = { "no", "yes" }, size = 3,
  get = function(i) return { pulse = { { 1, 2 }, { 3, i }, { 0, 1 } }, record = { i, 40 }, label = "yes" } end,
}
local sums = mv.models.define {
  modalities = { { name = "pulse", kind = "time_series" }, { name = "record", kind = "tabular" } },
  labels = { "no", "yes" }, features = 2,
  encode = { pulse = function(frames) return frames:sum(2) end },
  fuse = function(pulse, record) return pulse * record, pulse * record end,
}

test("explanations and pages of time series and tables have views", function()
  local hidden = { visible = false, width = 900, height = 700, scale = 1 }
  local x = sensors[2]
  local lime = mv.lime(sums, x, { samples = 50 })
  local other = mv.lime(sums, x, { samples = 60, seed = 2 })
  local page = mv.page(sums, x)
  page:add(lime)
  local compared = { against = other, visible = false, width = 900, height = 700, scale = 1 }
  local blank = window(function() end)
  for _, w in ipairs { lime:view(x, hidden), lime:view(nil, hidden), lime:view(x, compared), page:view(hidden) } do
    eq(w.error, nil)
    for y = 50, 650, 100 do w:move(300, y) end
    eq(w.error, nil)
    ok(not picture(w):tensor():equal(picture(blank):tensor()), "nothing is shown")
    w:close()
  end
end)

test("an image's view shows its pixels, and the value under the mouse", function()
  local pixels = mv.zeros { 20, 40, 3 }
  pixels[{ {}, { 1, 20 }, 1 }] = 1 -- the left half is red
  local w = mv.image(pixels):view { visible = false, width = 424, height = 224, scale = 1 }
  eq(w.error, nil)
  eq(w.title, "Image")
  local shown = picture(w, 424, 224):tensor()
  eq(shown[{ 112, 100 }]:tolist(), { 255, 0, 0 })
  eq(shown[{ 112, 320 }]:tolist(), { 0, 0, 0 })
  w:move(100, 112)
  ok(not picture(w, 424, 224):tensor():equal(shown), "no value under the mouse")
  raises(function() mv.image(pixels):view { widht = 3 } end, "width")
end)

test("a path's view shows its curve", function()
  local rows, easy, hard = {}, {}, {}
  for i = 1, 40 do
    rows[i] = { math.sin(i), i % 3 == 0 and 2 or -1, math.cos(5 * i) }
    easy[i] = i % 3 == 0 and "hot" or "cold"
    hard[i] = math.sin(3 * i) > 0.3 and "hot" or "cold"
  end
  local function curve(labels)
    local path = mv.sparse_linear(mv.tensor(rows), { labels = labels, lambdas = 12, epsilon = 0.01 })
    local w = path:view { visible = false, width = 600, height = 400, scale = 1 }
    for x = 50, 550, 50 do w:move(x, 200) end
    eq(w.error, nil)
    eq(w.title, "Sparse path")
    return picture(w, 600, 400):tensor():narrow(1, 80, 260)
  end
  ok(not curve(easy):equal(curve(hard)), "the curve is not that of the path")
end)

-- A window that starts `work` with its button.
local function worker(work)
  local started
  return window(function(ui)
    if ui.button("start", { width = 200 }) then started = ui.work("working", work) end
  end), function() return started end
end

test("work of a window's function runs after its frame, and may open windows", function()
  local explained
  local w, started = worker(function()
    explained = mv.lime(sums, sensors[2], { samples = 50 })
    window(function() end):close()
  end)
  w:click(60, 26)
  eq(started(), true)
  eq(explained.method, "lime")
  eq(w.error, nil)
end)

test("an error of a window's work is shown in it, and more can be started", function()
  local times = 0
  local w = worker(function()
    times = times + 1
    error "out of paper"
  end)
  local before = picture(w):tensor()
  w:click(60, 26)
  w:move(390, 290)
  ok(not picture(w):tensor():equal(before))
  w:click(60, 56) -- moved down by the message
  eq(times, 2)
  eq(w.error, nil)
end)

test("closing a window cancels its work", function()
  local w, done, batches = nil, false, 0
  local slow = mv.models.define {
    modalities = { { name = "pulse", kind = "time_series" }, { name = "record", kind = "tabular" } },
    labels = { "no", "yes" }, features = 1,
    encode = { pulse = function(frames) return frames:sum(2) end },
    fuse = function(pulse)
      batches = batches + 1
      w:close()
      local start = mv.clock()
      while mv.clock() - start < 0.05 do end -- longer than a slice
      return mv.zeros { #pulse, 2 }, mv.zeros { #pulse, 1 }
    end,
  }
  w = worker(function()
    mv.lime(slow, sensors[2], { samples = 4000, batch = 8 })
    done = true
  end)
  w:click(60, 26)
  eq({ w.open, done }, { false, false })
  ok(batches >= 1 and batches <= 4, batches .. " batches ran")
end)

test("a function that fails in every frame leaves its window open and closable", function()
  local w = window(function(ui)
    ui.columns(function() ui.child("deep", function() error "always" end) end, function() end)
  end)
  for i = 1, 100 do w:move(i, i) end
  ok(w.error:find "window_test.lua:%d+:")
  ok(w.frames >= 100)
  w:close()
  eq(w.open, false)
end)

for _, name in ipairs { "counter", "words", "browser" } do
  test("scripts/windows/" .. name .. ".lua runs", function()
    local w = assert(loadfile("scripts/windows/" .. name .. ".lua")) { visible = false, width = 800, height = 600, scale = 1 }
    eq(w.error, nil)
    w:move(100, 100)
    eq(w.error, nil)
    w:close()
  end)
end

check.done()
