-- Plain checkpoints of one modality, TorchScript archives and what is put together from them, through the four stages.
-- Run from the top of the checkout.
local mv = require "multiviz"
local check = require "check"
local algorithm2 = require "algorithm2"
local scenes = require "scenes"
local test, eq, near, ok, raises = check.test, check.eq, check.near, check.ok, check.raises

mv.progress(false)
local root = "tests/fixtures/"

-- The encoders read images and texts under these names.
local function image_and_text(model, size) return scenes(mv, model, size, { text = "text" }) end

for _, name in ipairs { "bert_classifier", "bert", "vit_classifier", "resnet_classifier" } do
  test("algorithm 2 runs on " .. name, function()
    local model = mv.models.load(root .. "encoders/" .. name)
    eq(#model.modalities, 1)
    algorithm2(mv, model, image_and_text(model, 10), { text = "text" })
  end)
end

test("an encoder saves as it came", function()
  local model = mv.models.load(root .. "encoders/bert_classifier")
  local folder = check.scratch()
  model:save(folder)
  local before = mv.load(root .. "encoders/bert_classifier/model.safetensors")
  local after = mv.load(folder .. "/model.safetensors")
  for name, tensor in pairs(before) do near(after[name], tensor, 0) end
  for name in pairs(after) do ok(before[name], name) end
  local x = image_and_text(model, 3)[1]
  near(mv.models.load(folder):forward(x), model:forward(x), 0)
  os.execute("rm -r " .. folder)
end)

local asker = {
  modalities = {
    { name = "image", kind = "image", processor = { do_resize = true, size = { height = 12, width = 16 } } },
    { name = "text", kind = "text", tokenizer = root .. "torch_script", embedding = "text.embedding", mask = true },
  },
  labels = { "no", "yes", "both" },
  features = "head.fc2",
}

test("algorithm 2 runs on a TorchScript archive", function()
  local model = mv.models.load(root .. "torch_script/asker.pt", asker)
  eq(model.modalities, { "image", "text" })
  eq(model.signature.features, 5)
  local data = image_and_text(model, 12)
  algorithm2(mv, model, data, { text = "text" })
  mv.train(model, data, { steps = 4, batch = 6 })
  local folder = check.scratch()
  model:save(folder)
  near(mv.models.load(folder):forward(data[1]), model:forward(data[1]), 1e-6)
  os.execute("rm -r " .. folder)
end)

test("an archive whose arguments nobody named says what to give", function()
  raises(function() mv.models.load(root .. "torch_script/asker.pt") end, "give the options modalities")
  raises(function() mv.models.load(root .. "torch_script/asker.pt", { modalities = {}, lables = {} }) end, "'lables'")
end)

for _, kind in ipairs { "concat", "low_rank", "mult" } do
  test("encoders and a fusion (" .. kind .. ") train and go through algorithm 2", function()
    local data = image_and_text({ labels = { "a", "b" } }, 12)
    local options = { data = data, fusion = kind, encoders = {
      image = mv.models.load(root .. "encoders/resnet"),
      text = mv.models.load(root .. "encoders/bert", { pool = "mean" }),
    } }
    if kind == "mult" then
      options.frames, options.width, options.heads, options.layers = 6, 4, 2, 1
    else
      options.features = 6
    end
    local model = mv.models.fusion(options)
    eq(model.modalities, { "image", "text" })
    mv.train(model, data, { steps = 4, batch = 6 })
    algorithm2(mv, model, data, { text = "text" })
    local folder = check.scratch()
    model:save(folder)
    near(mv.models.load(folder):forward(data[1]), model:forward(data[1]), 1e-5)
    os.execute("rm -r " .. folder)
  end)
end

test("features of pretrained models go through MultiBench's encoders", function()
  local data = image_and_text({ labels = { "a", "b", "c" } }, 6)
  local model = mv.models.fusion {
    data = data, head = "linear", task = "multilabel", frozen = true,
    encoders = {
      text = { model = mv.models.load(root .. "encoders/bert", { pool = "mean" }), kind = "maxout", hidden = 6, outputs = 4 },
      image = { model = mv.models.load(root .. "encoders/vit"), kind = "maxout", hidden = 6, outputs = 5 },
    },
  }
  eq(model.signature.features, 9)
  mv.train(model, data, { steps = 2, batch = 6 })
  ok(mv.gradient(model, data[1], { target = "b" }))
end)

test("what a fusion cannot take is said", function()
  local data = image_and_text({ labels = { "a", "b" } }, 4)
  local resnet = mv.models.load(root .. "encoders/resnet")
  raises(function() mv.models.fusion { data = data } end, "'image' is image: give encoders a model for it")
  raises(function() mv.models.fusion { data = data, encoders = { picture = resnet } } end, "no modality 'picture'")
  raises(function() mv.models.fusion { data = data, encoders = { image = 3 } } end, "settings or models by modality")
  raises(function() mv.models.fusion { data = data, fusion = "sum", encoders = {} } end, "fusion")
end)

check.done()
