-- Click words of a question and see, live, which pixels matter because of them.
local mv = require "multiviz"

local data = mv.datasets.blocks { split = "val" }
local model = mv.models.load "blocks-cnn-lstm-sa"
local index, chosen, heatmap, x = 7, {}, nil, nil

local function load(i)
  index, x, chosen, heatmap = i, data[i], {}, nil
end

local function explain()
  local words = {}
  for position in pairs(chosen) do words[#words + 1] = position end
  heatmap = #words > 0 and mv.second_order_gradient(model, x, { words = words }):heatmap("image") or nil
end

load(index)
return mv.window("Words and pixels", function(ui)
  local i, changed = ui.slider("datapoint", index, { min = 1, max = 500, integer = true })
  if changed then load(i) end
  ui.text(("answer: %s   model: %s"):format(x.label, model:predict(x).label), { style = "faint" })
  local marked = {}
  for position in pairs(chosen) do marked[#marked + 1] = position end
  local clicked, shift = ui.tokens(x.question, { chosen = marked })
  if clicked then
    chosen = shift and chosen or {}
    chosen[clicked] = not chosen[clicked] or nil
    explain()
  end
  ui.image(x.image, { heatmap = heatmap })
end, ...)
