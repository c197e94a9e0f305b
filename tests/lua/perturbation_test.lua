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
  local path = check.scratch()
  e:save(path)
  eq(mv.load_explanation(path):weights("image"), e:weights("image"))
  os.remove(path)
end)

test("wrong options are errors", function()
  raises(function() mv.lime(model, x, { sample = 8 }) end, "did you mean 'samples'")
  raises(function() mv.occlusion(model, x, { modality = "imag" }) end, "did you mean 'image'")
  raises(function() mv.kernel_shap(model, x, { segmentation = "slick" }) end, "did you mean 'slic'")
  raises(function() mv.lime(model, x, { kernel_width = 0 }) end, "mv.lime: option 'kernel_width' must be a positive number, got 0")
  raises(function() mv.lime(model, x, { kernel_width = 0 / 0 }) end, "'kernel_width' must be a number, got nan")
  raises(function() mv.occlusion(model, x, { stride = 4 }) end, "give 'window' as well")
end)

test("options of one modality are in a table under its name", function()
  local e = mv.joint_lime(model, x, { samples = 8, segments = 4, image = { segmentation = "grid", rows = 1, columns = 3 },
    question = { words = "replace", mask_word = "thing" } })
  eq(e:weights("image").shape, { 3 })
  eq({ e.options.image.segmentation, e.options.question.words, e.options.question.mask_word }, { "grid", "replace", "thing" })
  local shifted = mv.occlusion(model, x, { modality = "image", segmentation = "quickshift", kernel_size = 3, max_dist = 6, ratio = 1 })
  eq({ shifted.options.image.kernel_size, shifted.options.image.max_dist, shifted.options.image.ratio }, { 3, 6, 1 })
  raises(function() mv.lime(model, x, { image = { segmants = 3 } }) end, "unknown option 'segmants'; did you mean 'segments'?")
  raises(function() mv.lime(model, x, { question = { segments = 3 } }) end, "unknown option 'segments'")
  raises(function() mv.lime(model, x, { image = "grid" }) end, "option 'image' must be a table of options for this modality")
  raises(function() mv.lime(model, x, { segmentation = "quickshift", kernel_size = 0 }) end, "kernel_size must be at least 1")
  raises(function() mv.lime(model, x, { compactness = -1 }) end, "compactness must be positive")
end)

check.done()
