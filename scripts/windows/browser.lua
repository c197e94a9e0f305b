-- A table of a model's answers; click a row to see its picture and the likeliest labels.
local mv = require "multiviz"

local data = mv.datasets.blocks { split = "val", size = 60 }
local model = mv.models.load "blocks-cnn-lstm-sa"
local rows, selected, only_wrong = {}, 1, false

for i = 1, #data do
  local x = data[i]
  rows[i] = { i, x.question, x.label, model:predict(x).label }
end

return mv.window("Answers", function(ui)
  only_wrong = ui.checkbox("only wrong answers", only_wrong)
  local shown = {}
  for _, row in ipairs(rows) do
    if not only_wrong or row[3] ~= row[4] then shown[#shown + 1] = row end
  end
  ui.split("answers", function()
    local clicked = ui.table(shown, { columns = { "#", "question", "answer", "model" }, height = 500 })
    if clicked then selected = shown[clicked][1] end
  end, function()
    local x = data[selected]
    ui.image(x.image)
    ui.text(x.question)
    local names, values = {}, {}
    for _, label in ipairs(model:predict(x).top) do
      names[#names + 1], values[#values + 1] = label.label, label.probability
    end
    ui.plot_bar(values, { names = names })
  end)
end, ...)
