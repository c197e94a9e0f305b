-- Called by scripts/bench_load.py: multiviz bench_load.lua FOLDER BYTES
local mv = require "multiviz"

-- Kilobytes of this process, now ("VmRSS") or at most ("VmHWM").
local function memory(name)
  for line in io.lines "/proc/self/status" do
    local number = line:match("^" .. name .. ":%s*(%d+)")
    if number then return tonumber(number) end
  end
end

local folder, bytes = arg[1], tonumber(arg[2])
mv.threads(1)
local before = memory "VmRSS"
local begin = mv.clock()
local model = mv.models.load(folder)
local load = mv.clock() - begin
local words = mv.randn(1, 16, 1024)
mv.no_grad(function() model:fuse(model:encode(model.modalities[1], words)) end)
print(load, (memory "VmHWM" - before) * 1024 / bytes)
