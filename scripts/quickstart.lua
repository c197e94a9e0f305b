-- Algorithm 2 of the paper: all four stages on one datapoint, and their report.
local mv = require "multiviz"

local folder = arg[1] or "out/quickstart"
local data   = mv.datasets.blocks { split = "val" }:slice(1, 1000)
local model  = mv.models.load "blocks-cnn-lstm-sa"
local x      = data[7]
local y      = model:predict(x).label
print(("%s\n%s\n%s says %s, the answer is %s\n"):format(x.id, x.question, model.name, y, x.label))

local page = mv.page(model, x, { target = y })
page:add(mv.lime(model, x, { target = y }))                                    -- U
page:add(mv.dime(model, x, { target = y, context = data:sample(64) }))         -- C
page:add(mv.second_order_gradient(model, x, { words = { "purple", "brown", "sphere" }, target = y }))    -- C

local z    = mv.features(model, data)                                          -- [N, D], cached on disk
local path = mv.sparse_linear(z, { family = "multinomial", lambdas = 50, epsilon = 0.03 }) -- P, the sparse end
local selection = path:at { nonzeros_per_class = 20 }
page:add(selection)
print(path)
print(selection)
print()
for _, f in ipairs(selection:top(y, z[x.id], 5)) do                            -- the features behind this prediction
  page:add(mv.local_feature(model, x, f))                                      -- R, local
  page:add(mv.global_feature(model, data, z, f, { examples = 3 }))             -- R, global
end

page:report(folder)                                                            -- a self-contained HTML page
print(page)
print(("\nThe report is in %s/index.html"):format(folder))
