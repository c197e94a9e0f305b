-- What events_test.cpp opens at the prompt before it moves mouse and keyboard.
local mv = require "multiviz"

mv.progress(false)

-- A window of a user's; what it returns is filled in by what is done to it.
function open_controls()
  local seen = { pressed = 0, saved = 0, text = "" }
  local image = mv.image(mv.ones { 50, 100, 3 })
  local bare = { width = 400, height = 300, scale = 1 }
  seen.window = mv.window("controls", function(ui)
    if ui.button("press", { width = 200 }) then seen.pressed = seen.pressed + 1 end
    seen.text = ui.input("text", seen.text, { width = 200 })
    local word, shift = ui.tokens "one two three"
    if word then seen.word, seen.shift = word, shift end
    local clicked, _, dragged = ui.image(image, { width = 200, height = 100 })
    seen.clicked, seen.dragged = clicked or seen.clicked, dragged or seen.dragged
    if ui.shortcut "ctrl+s" then seen.saved = seen.saved + 1 end
  end, bare)
  return seen
end

function open_explorer(folder)
  local data = mv.datasets.blocks { split = "val", size = 30 }
  local model = mv.models.cnn_lstm_sa {
    labels = data.labels, vocabulary = mv.vocabulary(data), hidden = 16, embedding = 8, channels = { 4, 4 },
    strides = { 4, 4 }, keys = 8, features = 12,
  }
  return mv.explore(model, data, { datapoint = 2, title = "explorer", folder = folder, scale = 1 })
end

-- What a part of the window shows.
function part(window, x0, y0, x1, y1)
  local path = os.tmpname()
  mv.screenshot(window, path .. ".png")
  local pixels = mv.image(path .. ".png"):tensor():narrow(1, y0, y1 - y0):narrow(2, x0, x1 - x0)
  os.remove(path)
  os.remove(path .. ".png")
  return pixels
end
