local check = require "check"
local test, ok = check.test, check.ok
local mv = require "multiviz"

-- Resident memory of this process in MB.
local function resident()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmRSS:%s+(%d+)"
    if kilobytes then return tonumber(kilobytes) / 1024 end
  end
end

test("10,000 tensors of 64 KB in a loop do not stay", function()
  local x = mv.ones(128, 128)
  for _ = 1, 100 do local _ = x + 1 end
  local before = resident()
  for _ = 1, 10000 do local _ = x + 1 end
  ok(resident() - before < 150, "grew by " .. resident() - before .. " MB")
end)

test("10,000 gradients of a small model do not stay", function()
  local weights = mv.randn(64, 64)
  local function run(n)
    for _ = 1, n do
      local x = mv.ones(8, 64, { requires_grad = true })
      mv.grad(x:matmul(weights):relu():sum(), x)
    end
  end
  run(500)
  local before = resident()
  run(10000)
  ok(resident() - before < 50, "grew by " .. resident() - before .. " MB")
end)

check.done()
