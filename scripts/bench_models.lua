-- Called by scripts/bench_models.py: multiviz bench_models.lua FOLDER THREADS
-- Answers each line "BATCH forward|both" of the input with the seconds that it took.
local mv = require "multiviz"
local folder, threads = arg[1], math.tointeger(arg[2])
mv.threads(threads)
local model = mv.models.load(folder)

local function run(leaves)
  local encodings = {}
  for i, modality in ipairs(model.modalities) do encodings[i] = model:encode(modality, leaves[i]) end
  return (model:fuse(table.unpack(encodings)))
end

local work = {}
function work.forward(leaves) mv.no_grad(function() run(leaves) end) end

function work.both(leaves)
  local live = {}
  for i, leaf in ipairs(leaves) do live[i] = leaf:clone():requires_grad_() end
  local total = run(live):sum(1)
  mv.grad(total[math.min(2, total.shape[1])], live)
end

local batch, leaves
for line in io.lines() do
  local wanted, kind = line:match "(%d+) (%S+)"
  if wanted ~= batch then
    batch, leaves = wanted, {}
    local inputs = mv.load(string.format("%s/inputs%s.safetensors", folder, batch))
    for i = 1, #model.modalities do leaves[i] = inputs["input" .. i] end
  end
  local begin = mv.clock()
  work[kind](leaves)
  print(mv.clock() - begin)
  io.stdout:flush()
  collectgarbage()
end
