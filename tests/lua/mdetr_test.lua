local mv = require "multiviz"
local check = require "check"
local algorithm2 = require "algorithm2"
local scenes = require "scenes"
local test, eq, near, ok, raises = check.test, check.eq, check.near, check.ok, check.raises

mv.progress(false)
local root = "tests/fixtures/mdetr/"
local scratch = check.scratch()

local function load(name, options)
  options = options or {}
  options.tokenizer = root .. "clevr"
  return mv.models.load(root .. name .. "/checkpoint.pth", options)
end

-- The detector's and GQA's preparation makes pictures large: 64 x 48 pixels here are enough for a test.
local function small(name)
  local folder = scratch .. ".model"
  os.execute("mkdir " .. folder .. " && cp " .. root .. "clevr/*.json " .. root .. "clevr/merges.txt " .. folder)
  os.execute("cp " .. root .. name .. "/*.json " .. root .. name .. "/checkpoint.pth " .. folder)
  local file = io.open(folder .. "/preprocessor_config.json", "w")
  file:write '{"do_resize": true, "size": {"shortest_edge": 48, "longest_edge": 96}, "do_pad": true}'
  file:close()
  local model = mv.models.load(folder)
  os.execute("rm -r " .. folder)
  return model
end

test("algorithm 2 runs on an MDETR for CLEVR, loaded in one call from its checkpoint", function()
  local model = mv.models.load(root .. "clevr/checkpoint.pth")
  eq(model.name, "mdetr-clevr")
  eq(#model.labels, 37)
  algorithm2(mv, model, scenes(mv, model, 8), { samples = 20 })
end)

for name, family in pairs { gqa = "multinomial", detection = "gaussian" } do
  test("algorithm 2 runs on an MDETR for " .. name, function()
    local model = small(name)
    algorithm2(mv, model, scenes(mv, model, 10), { samples = 20, family = family })
  end)
end

test("what is found has a box, a score and its words", function()
  local model = small "detection"
  local x = scenes(mv, model, 2)[1]
  local found = model:detect(x, { threshold = 0, share = 0 })
  eq(#found, 4)
  eq(#found[1].box, 4)
  ok(found[1].score >= found[4].score)
  eq(found[1].words[1].word, 1)
  ok(found[1].words[1].share >= 0)
  ok(x.question:find(found[1].words[1].text, 1, true))
  ok(found[1].name:find(found[1].words[1].text, 1, true))
  ok(found[1].referred >= 0 and found[1].referred <= 1)
  eq(#model:detect({ x, x }, { threshold = 1 }), 2)
  raises(function() model:detect(x, { treshold = 0.5 }) end, "threshold")
  raises(function() mv.models.load("blocks-cnn-lstm-sa"):detect(x) end, "does not detect")
end)

test("forward_raw takes and gives what the authors' forward does", function()
  local model = load "detection"
  local pixels = mv.rand({ 2, 3, 40, 64 }, { seed = 1 })
  local ids = mv.tensor { { 0, 7, 9, 2 }, { 0, 7, 2, 1 } }
  local out = model:forward_raw { samples = pixels, input_ids = ids, attention_mask = ids:ne(1) }
  eq(out.pred_boxes.shape, { 2, 4, 4 })
  eq(out.pred_logits.shape, { 2, 4, 20 })
  eq(#out.aux_outputs, 1)
  eq(out.aux_outputs[1].pred_isfinal.shape, { 2, 4, 1 })
  eq(out.proj_tokens.shape, { 2, 4, 6 })
  eq(#out.cross_attentions, 2)
  -- 2 x 2 cells, 4 tokens, and the token of the contrastive loss.
  eq(out.encoder_attentions[1].shape, { 2, 2, 9, 9 })
  local same = model:forward_raw { pixel_values = pixels, input_ids = ids, attention_mask = ids:ne(1) }
  near(same.pred_boxes, out.pred_boxes, 1e-6)
  raises(function() model:forward_raw { input_ids = ids } end, "either samples or pixel_values")
  raises(function() model:forward_raw { samples = pixels } end, "either input_ids or inputs_embeds")
  raises(function() model:forward_raw { samples = pixels, mask = ids, input_ids = ids } end, "a mask [B, H, W]")
  raises(function() model:forward_raw { sample = pixels } end, "samples")
end)

test("a saved checkpoint loads again; the averaged weights are an option", function()
  local model = load "clevr"
  local data = scenes(mv, model, 2)
  model:save(scratch .. ".pth")
  local again = mv.models.load(scratch .. ".pth", { tokenizer = root .. "clevr" })
  near(again:forward(data[1]), model:forward(data[1]), 1e-6)
  os.remove(scratch .. ".pth")
  ok(load("detection", { weights = "model_ema" }))
  raises(function() load("clevr", { weights = "model_ema" }) end, "no weights under 'model_ema'")
end)

check.done()
