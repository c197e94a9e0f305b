-- Called by scripts/bench. Every row is a ratio (or a time) whose two sides were measured in this run.
local mv = require "multiviz"
mv.progress(false)

local binary, python = os.getenv "MULTIVIZ", os.getenv "MULTIVIZ_PEERS"

local wanted, threads = {}, nil
do
  local i = 1
  while arg[i] do
    if arg[i] == "--threads" then
      i = i + 1
      threads = tonumber(arg[i]) or error "--threads needs a number"
    else
      wanted[arg[i]] = true
    end
    i = i + 1
  end
end
if threads then mv.threads(threads) end

-- ---- Measuring ----

-- The shortest of `times` runs, in seconds: what the work costs when nothing else disturbs it.
local function seconds(times, work)
  local best = math.huge
  for _ = 1, times do
    local start = mv.clock()
    work()
    best = math.min(best, mv.clock() - start)
  end
  return best
end

local function run(command)
  return function() assert(os.execute(command), "this command failed: " .. command) end
end

-- The number that a row of bench_peers.py prints.
local function peer(row, ...)
  if not python then return nil end
  local command = { "OMP_NUM_THREADS=" .. mv.threads(), python, "scripts/bench_peers.py", row, ... }
  local pipe <close> = assert(io.popen(table.concat(command, " ")))
  return tonumber(pipe:read "a") or error("scripts/bench_peers.py " .. row .. " gave no number")
end

-- ---- What is measured on ----

local measured_forwards = 300
local shared = {}
local function setting()
  if shared.model then return shared end
  shared.data = mv.datasets.blocks { split = "val", size = 600 }
  shared.x = shared.data[7]
  local shipped = false
  for _, name in ipairs(mv.models.list()) do shipped = shipped or name == "blocks-cnn-lstm-sa" end
  shared.model = shipped and mv.models.load "blocks-cnn-lstm-sa"
    or mv.models.cnn_lstm_sa { labels = shared.data.labels, vocabulary = mv.vocabulary(shared.data) }
  shared.target = shared.model:predict(shared.x).label
  return shared
end

-- What `count` forwards cost one by one: scaled from those of different datapoints.
local function one_by_one(s, count)
  local some = {}
  for i = 1, measured_forwards do some[i] = s.data[i] end
  s.one = s.one or seconds(2, function()
    for _, x in ipairs(some) do s.model:forward(x) end
  end) / measured_forwards
  local naive = count * s.one
  return naive, string.format("%d forwards, scaled from %d of %.2f ms = %.0f s", count, measured_forwards, s.one * 1000, naive)
end

-- n forwards of the model as it does them fastest, in batches.
local function forwards(model, x, n)
  local batch = {}
  for i = 1, 64 do batch[i] = x end
  for first = 1, n, 64 do
    if n - first + 1 < 64 then batch = table.move(batch, 1, n - first + 1, 1, {}) end
    model:forward(batch)
  end
end

-- ---- Rows ----

local rows = {}
local function row(name, title, aim, measure) rows[#rows + 1] = { name = name, title = title, aim = aim, measure = measure } end

row("lime", "LIME, image, 1,000 samples / 1,000 forwards in batches", { at_most = 1.1 }, function()
  local s = setting()
  local options = { target = s.target, modality = "image", samples = 1000 }
  local ours = seconds(3, function() mv.lime(s.model, s.x, options) end)
  local model = seconds(3, function() forwards(s.model, s.x, 1000) end)
  local theirs = peer("lime", string.format("%.9f", model / 1000))
  return ours / model, string.format("%.2f s / %.2f s", ours, model), theirs and string.format("the lime package: %.2f x", theirs)
end)

row("dime", "DIME, 100 context points, 100 perturbations a modality, against one-by-one forwards", { at_least = 50 }, function()
  local s = setting()
  local context = s.data:sample(100, { seed = 0 }):in_memory() -- neither side makes scenes
  local explanation
  local ours = seconds(2, function()
    explanation = mv.dime(s.model, s.x, { target = s.target, context = context, samples = 100 })
  end)
  local naive, text = one_by_one(s, explanation.cost.fuses)
  return naive / ours, string.format("%s / %.2f s", text, ours)
end)

row("emap", "EMAP of 500 datapoints, 250,000 pairs, against one-by-one forwards", { at_least = 30 }, function()
  local s = setting()
  local data = s.data:slice(1, 500)
  local ours = seconds(1, function() mv.emap(s.model, data) end)
  local naive, text = one_by_one(s, 250000)
  return naive / ours, string.format("%s / %.2f s", text, ours)
end)

row("sog", "Second-order gradient of two words / one forward", { at_most = 6 }, function()
  local s = setting()
  local words = {}
  for word in s.x.question:lower():gmatch "%a+" do words[#words + 1] = word end
  local options = { target = s.target, words = { words[#words - 1], words[#words] } }
  local ours = seconds(50, function() mv.second_order_gradient(s.model, s.x, options) end)
  local forward = seconds(50, function() s.model:forward(s.x) end)
  return ours / forward, string.format("%.1f ms / %.1f ms", ours * 1000, forward * 1000)
end)

-- Features with a sparse truth behind the classes.
local function problem()
  local n, d, classes = 10000, 512, 32
  local z = mv.randn({ n, d }, { seed = 1 })
  local weights = mv.randn({ d, classes }, { seed = 2 }) * mv.rand({ d, classes }, { seed = 3 }):lt(0.05):to "float32"
  local labels = (mv.matmul(z, weights) + mv.randn({ n, classes }, { seed = 4 })):argmax(2)
  return z, labels
end

row("gaussian", "Gaussian path, N = 10,000, D = 512, 32 classes, 100 lambdas, against scikit-learn", { at_least = 3 }, function()
  local z, labels = problem()
  -- The tolerance of scikit-learn's default, a share of the null deviance for both.
  local options = { family = "gaussian", labels = labels:tolist(), lambdas = 100, holdout = 0, tolerance = 1e-4 }
  local ours = seconds(2, function() mv.sparse_linear(z, options) end)
  if not python then return nil, string.format("%.2f s", ours), "scikit-learn: with --peers" end
  local folder = os.tmpname()
  os.remove(folder)
  run("mkdir " .. folder)()
  mv.save(folder .. "/z.npy", z)
  mv.save(folder .. "/labels.npy", labels)
  local theirs = peer("gaussian", folder)
  run("rm -r " .. folder)()
  return theirs / ours, string.format("%.2f s, descent on 1 thread / %.2f s on %d", theirs, ours, mv.threads())
end)

row("multinomial", "Multinomial path of the same size, seconds", { at_most = 30 }, function()
  local z, labels = problem()
  local path
  local ours = seconds(1, function()
    path = mv.sparse_linear(z, { family = "multinomial", labels = labels:tolist(), lambdas = 100, holdout = 0 })
  end)
  local gap = 0
  for _, model in ipairs(path:curve()) do gap = math.max(gap, model.gap) end
  return ours, string.format("largest duality gap %.1e of the null deviance", gap)
end)

row("window", "A frame of the explorer at 1280 x 800, drawn off screen, ms", { at_most = 16 }, function()
  local s = setting()
  local w = mv.explore(s.model, s.data, { datapoint = 7, visible = false, scale = 1 })
  local times = {}
  for i = 1, 200 do
    local before, start = w.frames, mv.clock()
    w:move(300 + 4 * i, 200 + 2 * i)
    times[i] = 1000 * (mv.clock() - start) / (w.frames - before)
  end
  w:close()
  table.sort(times)
  return times[#times // 2], string.format("median of %d moves of the mouse; 95 %% within %.1f", #times, times[#times * 95 // 100])
end)

row("prompt", "From the command to the prompt, seconds", { at_most = 0.6 }, function()
  return seconds(5, run("echo ':quit' | " .. binary .. " -i >/dev/null")), "shortest of 5"
end)

row("quickstart", "scripts/quickstart.lua, seconds", { at_most = 60 }, function()
  return seconds(1, run(binary .. " scripts/quickstart.lua >/dev/null")), ""
end)

-- ---- The table ----

local function verdict(aim, value)
  if not value then return "" end
  local text = aim.at_most and "at most " .. aim.at_most or "at least " .. aim.at_least
  local met = aim.at_most and value <= aim.at_most or aim.at_least and value >= aim.at_least
  return text .. (met and "  met" or "  MISSED")
end

for name in pairs(wanted) do
  local known = false
  for _, entry in ipairs(rows) do known = known or entry.name == name end
  if not known then error("there is no row '" .. name .. "': see scripts/bench --help", 0) end
end

local failed = false
print(string.format("%-88s %10s  %-20s %s", "", "value", "aim", "measured"))
for _, entry in ipairs(rows) do
  if not next(wanted) or wanted[entry.name] then
    local ok, value, measured, peers = pcall(entry.measure)
    if ok then
      local number = value and string.format(value < 100 and "%.2f" or "%.0f", value) or "-"
      if peers then measured = measured .. "; " .. peers end
      print(string.format("%-88s %10s  %-20s %s", entry.title, number, verdict(entry.aim, value), measured))
    else
      if tostring(value):find "cancelled" then error(value, 0) end
      failed = true
      print(string.format("%-88s %10s  %s", entry.title, "failed", value))
    end
    io.stdout:flush()
    collectgarbage()
  end
end
os.exit(failed and 1 or 0, true)
