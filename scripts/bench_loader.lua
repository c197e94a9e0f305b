-- Called by scripts/bench_loader: pictures a second that data:batches reads and resizes with one worker.
local mv = require "multiviz"
mv.progress(false)

local root, width, height = arg[1], tonumber(arg[2]), tonumber(arg[3])
local data = mv.datasets.folder { root = root, modalities = { image = "image" } }

local function pass()
  local start, seen = mv.clock(), 0
  for batch in data:batches { size = 32, workers = 1, resize = { width, height } } do seen = seen + #batch end
  return seen / (mv.clock() - start)
end

pass() -- the files come into the system's cache
print(math.max(pass(), pass()))
