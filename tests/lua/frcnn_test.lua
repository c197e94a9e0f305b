local mv = require "multiviz"
local check = require "check"
local algorithm2 = require "algorithm2"
local recipe = require "recipe"
local scenes = require "scenes"
local test, eq, ok, near, raises = check.test, check.eq, check.ok, check.near, check.raises

mv.progress(false)
local root = "tests/fixtures/"
local scratch = check.scratch()
os.execute("mkdir -p " .. scratch .. "/detector " .. scratch .. "/lxmert")

local function copy(from, to, change)
  local text = assert(io.open(from, "rb")):read "a"
  assert(io.open(to, "wb")):write(change and change(text) or text):close()
end

-- The tiny detector, and a tiny LXMERT that reads its 128 features, with random weights.
mv.save(scratch .. "/detector/pytorch_model.bin", recipe(mv, root .. "frcnn/recipe.safetensors"))
copy(root .. "frcnn/config.yaml", scratch .. "/detector/config.yaml")
local weights = mv.load(root .. "lxmert/small/model.safetensors")
local projection = "lxmert.encoder.visn_fc.visn_fc.weight"
weights[projection] = mv.rand({ weights[projection].shape[1], 128 }, { seed = 3 }) - 0.5
mv.save(scratch .. "/lxmert/model.safetensors", weights)
for _, name in ipairs { "vocab.txt", "tokenizer_config.json" } do
  copy(root .. "lxmert/small/" .. name, scratch .. "/lxmert/" .. name)
end
copy(root .. "lxmert/small/config.json", scratch .. "/lxmert/config.json", function(text)
  return (text:gsub('"visual_feat_dim": %d+', '"visual_feat_dim": 128'))
end)

test("algorithm 2 runs on LXMERT behind its detector, down to the pixels", function()
  local model = mv.models.load(scratch .. "/lxmert", { detector = scratch .. "/detector" })
  eq(model.modalities, { "image", "question" })
  local data = scenes(mv, model, 6)
  algorithm2(mv, model, data, { samples = 12 })
  local x = data[1]
  eq(mv.gradient(model, x, { modality = "image" }):heatmap().shape, { 96, 128 })
  ok(mv.integrated_gradients(model, x, { modality = "image", steps = 2 }):heatmap())
end)

test("the regions that were found go with the pixels, and other regions are looked at when they are given", function()
  local model = mv.models.load(scratch .. "/lxmert", { detector = scratch .. "/detector" })
  local x = scenes(mv, model, 6)[1]
  local image, question = model:prepare("image", x), model:encode("question", x)
  local regions = image.regions
  eq({ regions.shape[1], regions.shape[3] }, { 1, 8 })
  local function answer(leaf) return model:fuse(model:encode("image", leaf), question) end
  local logits = answer(image)
  near((answer({ tensor = image.tensor, mask = image.mask }) - logits):abs():max():item(), 0, 1e-5)
  image.regions = regions[{ {}, { 1, 1 } }]
  ok((answer(image) - logits):abs():max():item() > 1e-4)
end)

test("a detector that does not fit", function()
  raises(function() mv.models.load(root .. "lxmert/small", { detector = scratch .. "/detector" }) end,
    "gives regions of 128 features")
  raises(function() mv.models.load(scratch .. "/lxmert", { detector = scratch }) end, "it has no config.yaml")
  raises(function() mv.models.load(root .. "clip/patch4", { detector = scratch }) end, "no option 'detector'")
end)

os.execute("rm -r " .. scratch)
check.done()
