local mv = require "multiviz"
local check = require "check"
local algorithm2 = require "algorithm2"
local scenes = require "scenes"
local test, eq, near, ok, raises = check.test, check.eq, check.near, check.ok, check.raises

mv.progress(false)
local root = "tests/fixtures/"

for _, name in ipairs { "vilt/question_answering", "vilt/retrieval", "clip/patch4", "clip/patch8" } do
  test("algorithm 2 runs on " .. name, function()
    local model = mv.models.load(root .. name)
    algorithm2(mv, model, scenes(mv, model, 12))
  end)
end

test("algorithm 2 runs on the two images of NLVR2", function()
  local model = mv.models.load(root .. "vilt/nlvr2")
  eq(model.modalities, { "image1", "image2", "text" })
  algorithm2(mv, model, scenes(mv, model, 12, { images = 2 }), { modalities = { "image1", "text" } })
end)

test("algorithm 2 runs on LXMERT, over regions and words", function()
  local model = mv.models.load(root .. "lxmert/small")
  local blocks = mv.datasets.blocks { split = "val", size = 12 }
  local data = mv.datasets.define {
    modalities = { { name = "objects", kind = "time_series" }, { name = "question", kind = "text" } },
    labels = model.labels,
    size = 12,
    get = function(i)
      return {
        id = "scene " .. i,
        objects = mv.rand({ 3 + i % 3, 24 }, { seed = i }),
        question = blocks[i].question,
        label = model.labels[(i - 1) % #model.labels + 1],
      }
    end,
  }
  algorithm2(mv, model, data)
end)

test("forward_raw takes and gives what the reference implementation does", function()
  local model = mv.models.load(root .. "vilt/question_answering")
  local saved = mv.load(root .. "vilt/question_answering/check.safetensors")
  local inputs = {}
  for _, name in ipairs { "input_ids", "attention_mask", "token_type_ids", "pixel_values", "pixel_mask" } do
    inputs[name] = saved[name]
  end
  local out = model:forward_raw(inputs)
  near(out.logits, saved.logits, 1e-4)
  near(out.features, saved.features, 1e-4)
  eq(#out.hidden_states, 3)
  eq(out.attentions[2].shape, saved["attentions.1"].shape)
  raises(function() model:forward_raw { pixel_values = 3 } end, "the input 'pixel_values' must be a tensor")
  raises(function() model:forward_raw(3) end, "a table of tensors by name")
  local clip = mv.models.load(root .. "clip/patch4")
  saved = mv.load(root .. "clip/patch4/check.safetensors")
  out = clip:forward_raw { input_ids = saved.input_ids, pixel_values = saved.pixel_values }
  near(out.logits_per_image, saved.logits_per_image, 1e-4)
  eq(#out.text_model_output.hidden_states, 3)
  raises(function()
    mv.models.cnn_lstm_sa({ labels = { "a" }, vocabulary = { "b" } }):forward_raw {}
  end, "no reference implementation")
end)

test("captions are the labels of CLIP", function()
  local captions = { "a red cube", "a blue sphere", "nothing" }
  local model = mv.models.load(root .. "clip/patch4", { captions = captions })
  eq(model.labels, captions)
  eq(model.modalities, { "image" })
  local x = mv.datasets.blocks({ split = "val", size = 2 })[1]
  local found = model:predict(x)
  ok(found.probability >= 1 / 3)
  eq(#found.top, 3)
  ok(mv.lime(model, x, { target = found.label, samples = 30 }))
  local folder = os.tmpname()
  os.remove(folder)
  mv.save(mv.models.fusion { data = mv.datasets.blocks { split = "val", size = 2 },
    encoders = { image = model, question = mv.models.load(root .. "encoders/bert") } }, folder)
  mv.models.load(folder)
  eq(mv.models.load(folder .. "/encoders/image").labels, captions)
  os.execute("rm -r " .. folder)
  raises(function() mv.models.load(root .. "vilt/retrieval", { captions = captions }) end, "no option 'captions'")
  raises(function() mv.models.load(root .. "clip/patch4", { dtype = "int8" }) end, "cannot be loaded as 'int8'")
end)

test("half precision", function()
  local x = mv.datasets.blocks({ split = "val", size = 2 })[1]
  local full = mv.models.load(root .. "vilt/question_answering"):forward(x)
  local half = mv.models.load(root .. "vilt/question_answering", { dtype = "bfloat16" }):forward(x)
  eq(half.dtype, "float32")
  near(half, full, 0.1)
end)

check.done()
