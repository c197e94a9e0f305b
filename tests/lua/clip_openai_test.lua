local mv = require "multiviz"
local check = require "check"
local algorithm2 = require "algorithm2"
local recipe = require "recipe"
local scenes = require "scenes"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises

mv.progress(false)
local root = "tests/fixtures/clip/"
local scratch = check.scratch()
os.execute("mkdir " .. scratch)

-- Random weights in the layout of a recipe, as torch.save writes them.
local function write(name)
  local tensors = recipe(mv, root .. name .. ".recipe.safetensors")
  tensors.pixel_values = nil
  local path = scratch .. "/" .. name .. ".pt"
  mv.save(path, tensors)
  return path
end

for _, name in ipairs { "openai_resnet", "openai_vit" } do
  test("algorithm 2 runs on CLIP in OpenAI's layout, " .. name, function()
    local model = mv.models.load(write(name), { tokenizer = root .. "patch4" })
    algorithm2(mv, model, scenes(mv, model, 12))
  end)
end

test("captions are labels of a CLIP with a ResNet too", function()
  local model = mv.models.load(write "openai_resnet",
    { tokenizer = root .. "patch4", captions = { "a red cube", "a blue sphere" } })
  local x = scenes(mv, { labels = { "a red cube", "a blue sphere" } }, 1)[1]
  eq(model.labels, { "a red cube", "a blue sphere" })
  ok(mv.lime(model, x, { target = "a red cube", samples = 20 }))
  raises(function() mv.models.load(write "openai_vit", { tokenizer = "none" }) end, "'none' has no tokenizer files")
end)

os.execute("rm -r " .. scratch)
check.done()
