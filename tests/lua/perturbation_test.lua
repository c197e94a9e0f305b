local mv = require "multiviz"
local check = require "check"
local test, eq, raises = check.test, check.eq, check.raises

mv.progress(false)
local data = mv.datasets.blocks { split = "val", size = 2 }
local model, x = mv.models.load "blocks-cnn-lstm-sa", data[1]
local few = { segmentation = "grid", rows = 2, columns = 2, samples = 8, seed = 3 }

test("lime weighs the parts of each modality, and is saved", function()
  local e = mv.lime(model, x, few)
  eq(e.method, "lime")
  eq(e:weights("image").shape, { 4 })
  eq(e:heatmap("image").shape, { 96, 128 })
  eq(#e:top(3), 3)
  local path = os.tmpname()
  e:save(path)
  eq(mv.load_explanation(path):weights("image"), e:weights("image"))
  os.remove(path)
end)

test("wrong options are errors", function()
  raises(function() mv.lime(model, x, { sample = 8 }) end, "did you mean 'samples'")
  raises(function() mv.occlusion(model, x, { modality = "imag" }) end, "did you mean 'image'")
  raises(function() mv.kernel_shap(model, x, { segmentation = "slick" }) end, "did you mean 'slic'")
end)

check.done()
