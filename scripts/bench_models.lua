-- Called by scripts/bench_models: multiviz bench_models.lua MODEL FOLDER THREADS
local mv = require "multiviz"
local kind, folder, threads = arg[1], arg[2], math.tointeger(arg[3])
mv.threads(threads)

local start = mv.clock()
local model = mv.models.load(folder)
print(string.format("%-8s load %.3f s", kind, mv.clock() - start))
local seen, read = model.modalities[1], model.modalities[2]

local function run(image, text) return (model:fuse(model:encode(seen, image), model:encode(read, text))) end

local function shortest(times, work)
  local best = math.huge
  for _ = 1, times do
    local begin = mv.clock()
    work()
    best = math.min(best, mv.clock() - begin)
    collectgarbage()
  end
  return best
end

for line in io.lines(folder .. "/seconds.txt") do
  local batch, forward, both = line:match "(%d+) (%S+) (%S+)"
  local inputs = mv.load(string.format("%s/inputs%s.safetensors", folder, batch))
  local times = tonumber(batch) < 8 and 5 or 2
  local ours = shortest(times, function()
    mv.no_grad(function() run(inputs.image, inputs.text) end)
  end)
  local image, text = inputs.image:clone():requires_grad_(), inputs.text:clone():requires_grad_()
  local ours_both = shortest(times, function() mv.grad(run(image, text):sum(1)[2], { image, text }) end)
  print(string.format("%-8s batch %2d   forward %.3f s / %.3f s = %.2f   forward and backward %.3f s / %.3f s = %.2f",
    kind, batch, ours, forward, ours / forward, ours_both, both, ours_both / both))
end
