local check = require "check"

-- All four stages on a datapoint, as scripts/quickstart.lua has them, with few samples; stage C where the model has more
-- than one modality.
-- options: modalities, the pair for stage C, where the model has more than two; samples = 40, fewer for slow models;
-- family = "multinomial"; text = "question", the data's name for what has words.
return function(mv, model, data, options)
  options = options or {}
  local samples = options.samples or 40
  local folder = check.scratch()
  local x = data[2]
  local y = model:predict(x).label
  local page = mv.page(model, x, { target = y })
  page:add(mv.lime(model, x, { target = y, samples = samples, segments = 8 }))
  page:add(mv.gradient(model, x, { target = y }))
  if #model.modalities > 1 then
    page:add(mv.dime(model, x, { target = y, context = data:sample(4), samples = samples // 2, modalities = options.modalities }))
    local word = x[options.text or "question"]:match "%a+"
    page:add(mv.second_order_gradient(model, x, { words = { word }, target = y }))
  end
  local z = mv.features(model, data)
  local path = mv.sparse_linear(z, { family = options.family or "multinomial", lambdas = 8, epsilon = 0.1, holdout = 0 })
  local selection = path:at { nonzeros_per_class = 4 }
  page:add(selection)
  local f = selection:top(y, z[x.id], 1)[1] or 1
  page:add(mv.local_feature(model, x, f, { samples = samples, segments = 8 }))
  page:add(mv.global_feature(model, data, z, f, { examples = 2, samples = samples, segments = 8 }))
  page:report(folder)
  assert(io.open(folder .. "/index.html"), "there is no report"):close()
  os.execute("rm -r " .. folder)
  return page
end
