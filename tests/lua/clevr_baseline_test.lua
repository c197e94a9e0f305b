local mv = require "multiviz"
local check = require "check"
local algorithm2 = require "algorithm2"
local recipe = require "recipe"
local scenes = require "scenes"
local test, eq, near, ok, raises = check.test, check.eq, check.near, check.ok, check.raises

mv.progress(false)
local root = "tests/fixtures/clevr_baselines/"
local scratch = check.scratch()
local cnn = scratch .. ".pth"
mv.save(cnn, recipe(mv, root .. "trunk.recipe.safetensors"))

for _, name in ipairs { "cnn_lstm_sa", "cnn_lstm" } do
  test("algorithm 2 runs on the original baseline of CLEVR, " .. name, function()
    local model = mv.models.load(root .. name .. ".pt", { cnn = cnn })
    eq(model.modalities, { "image", "question" })
    algorithm2(mv, model, scenes(mv, model, 12))
  end)
end

test("maps of a ResNet can be given instead of images", function()
  local model = mv.models.load(root .. "cnn_lstm_sa.pt")
  local saved = mv.load(root .. "cnn_lstm_sa.check.safetensors")
  local out = model:forward_raw { questions = saved.questions, feats = saved.feats }
  near(out.scores, saved.scores, 1e-4)
  eq(#out.attention, 2)
  raises(function() model:predict(scenes(mv, model, 1)[1]) end, "load it with the option cnn")
  raises(function() model:forward_raw { questions = saved.questions, feats = saved.feats[1] } end, "feats are")
  raises(function() model:forward_raw { questions = saved.questions + 100, feats = saved.feats } end,
    "outside the vocabulary of 17 words")
end)

os.remove(cnn)
check.done()
