local check = require "check"
local test, eq, raises = check.test, check.eq, check.raises
local mv = require "multiviz"

local base = check.scratch()
local files = {}
local function file(ending)
  files[#files + 1] = base .. ending
  return base .. ending
end

test("safetensors keep tensors, dtypes and metadata", function()
  local path = file(".safetensors")
  mv.save(path, { a = mv.tensor { { 1, 2 } }, b = mv.arange(3) }, { metadata = { note = "hello" } })
  local tensors, metadata = mv.load(path)
  eq(tensors.a, { { 1, 2 } })
  eq(tensors.b.dtype, "int64")
  eq(metadata.note, "hello")
  tensors.a[1] = 7
  eq(tensors.a, { { 7, 7 } })
end)

test("npy keeps a tensor", function()
  local path = file(".npy")
  mv.save(path, mv.tensor { { 1, 2, 3 } })
  eq(mv.load(path), { { 1, 2, 3 } })
end)

test("files of PyTorch and pickles", function()
  local path = file(".pt")
  mv.save(path, { weight = mv.tensor { { 1, 2 } }, bias = mv.tensor { 3 } })
  local back = mv.load(path)
  eq(back.weight, { { 1, 2 } })
  eq(back.bias, { 3 })
  local nested = mv.load "tests/fixtures/io/torch_nested.pt"
  eq(nested.epoch, 3)
  eq(nested.optimizer.state[0].step:item(), 1)
  local dumped = mv.load "tests/fixtures/io/torch_dump.pkl"
  eq(dumped.x, { 1.5, 2.5 })
  eq(dumped.y, { { 0, 2 }, { 1, 3 } })
end)

test("what cannot be saved or loaded", function()
  raises(function() mv.load "x.txt" end, "mv.load: 'x.txt' must end in .safetensors, .npy, .pt, .pth, .bin or .pkl")
  raises(function() mv.load "/nowhere/x.npy" end, "/nowhere/x.npy")
  raises(function() mv.load "/nowhere/x.safetensors" end, "/nowhere/x.safetensors")
  raises(function() mv.save("/nowhere/x.npy", mv.zeros(1)) end, "/nowhere")
  raises(function() mv.save("x.safetensors", mv.zeros(1)) end, "'value' must be a table of tensors by name, got a tensor")
  raises(function() mv.save("x.safetensors", { mv.zeros(1) }) end, "every tensor needs a name")
  raises(function() mv.save("x.safetensors", { a = 1 }) end, "'a' must be a tensor, got a number")
  raises(function() mv.save("x.safetensors", {}, { metadat = {} }) end, "did you mean 'metadata'?")
  raises(function() mv.save("x.safetensors", {}, { metadata = { a = 1 } }) end, "option 'metadata' must be strings by name")
  local path = file("cut.npy")
  local out = io.open(path, "wb")
  out:write("\x93NUMPY\1\0")
  out:close()
  raises(function() mv.load(path) end, path)
end)

for _, path in ipairs(files) do os.remove(path) end
check.done()
