-- What opening and reading data sets of published size costs, on files made for it: CLEVR's train questions (700,000 and
-- 70,000 scenes) and VQA 2.0's (443,757 with annotations), every picture 8 x 8 pixels.
--
--   build/release/bin/multiviz scripts/bench_datasets.lua [folder]     3 GB below the folder (default: /tmp), removed after
--
-- Cold: no index yet, the file in the system's cache. Warm: with the index. Each opening is a process of its own, whose
-- largest resident memory is shown.
local mv = require "multiviz"
mv.progress(false)

local opened = {
  clevr = function(root, cache) return mv.datasets.clevr { root = root, split = "train", cache = cache } end,
  vqa = function(root, cache) return mv.datasets.vqa { root = root, split = "train", cache = cache } end,
}

local function peak_memory() -- MB
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmHWM:%s+(%d+)"
    if kb then return tonumber(kb) / 1024 end
  end
end

if arg[1] == "--open" then -- set, root, cache: called below
  local empty = peak_memory()
  local start = mv.clock()
  local data = opened[arg[2]](arg[3], arg[4])
  local seconds = mv.clock() - start
  local opening = peak_memory()
  local state, reads = 1, 2000
  start = mv.clock()
  for _ = 1, reads do -- a fixed walk over the whole set
    state = (state * 48271) % 2147483647
    local _ = data[state % #data + 1]
  end
  local each = (mv.clock() - start) / reads * 1000
  print(#data, seconds, empty, opening, peak_memory(), each)
  os.exit(0, true)
end

local function make_pictures(root, names)
  local picture = mv.image(mv.zeros { 8, 8, 3 })
  for _, name in ipairs(names) do
    os.execute("mkdir -p " .. root .. "/" .. name:match "^(.*)/")
    picture:save(root .. "/picture.png")
    assert(os.rename(root .. "/picture.png", root .. "/" .. name))
  end
end

-- `count` records, made by record(i) from 0, between `head` and `tail`.
local function make_file(path, head, count, record, tail)
  local file <close> = assert(io.open(path, "w"))
  file:setvbuf("full", 1 << 20)
  file:write(head)
  for i = 0, count - 1 do file:write(i > 0 and ", " or "", record(i)) end
  file:write(tail)
end

local function step(name, inputs, value)
  return ('{"inputs": [%s], "function": "%s", "value_inputs": [%s]}'):format(inputs, name, value and '"' .. value .. '"' or "")
end

-- A program of 12 steps, near the published mean.
local program = table.concat({ step("scene", ""), step("filter_size", "0", "large"), step("filter_color", "1", "red"),
  step("filter_shape", "2", "cube"), step("count", "3"), step("scene", ""), step("filter_size", "5", "small"),
  step("filter_material", "6", "metal"), step("filter_shape", "7", "sphere"), step("filter_color", "8", "blue"),
  step("count", "9"), step("greater_than", "4, 10") }, ", ")

local function make_clevr(root)
  os.execute("mkdir -p " .. root .. "/questions " .. root .. "/scenes")
  make_pictures(root, { "images/train/CLEVR_train_000000.png" })
  make_file(root .. "/questions/CLEVR_train_questions.json", '{"info": {"split": "train"}, "questions": [', 700000, function(i)
    return ('{"image_index": %d, "program": [%s], "question_index": %d, "image_filename": "CLEVR_train_000000.png", '
      .. '"question_family_index": %d, "split": "train", "answer": "no", "question": "Are there more large red cubes than '
      .. 'small blue metal spheres?"}'):format(i // 10, program, i, i % 90)
  end, "]}")
  local objects = {}
  for k = 1, 6 do
    objects[k] = ('{"color": "red", "size": "large", "rotation": %.14f, "shape": "sphere", "3d_coords": [%.16f, %.16f, 0.7], '
      .. '"material": "rubber", "pixel_coords": [%d, %d, %.15f]}'):format(k * 51.3, k * 0.81 - 2.6, (k * 7 % 5) - 2.1, 40 * k, 150,
      10 - 0.4 * k)
  end
  make_file(root .. "/scenes/CLEVR_train_scenes.json", '{"info": {"split": "train"}, "scenes": [', 70000, function(i)
    return ('{"image_index": %d, "objects": [%s], "relationships": {"right": [[], [], [], [], [], []], "behind": [[], [], [], '
      .. '[], [], []], "front": [[], [], [], [], [], []], "left": [[], [], [], [], [], []]}, "image_filename": '
      .. '"CLEVR_train_%06d.png", "split": "train", "directions": {"right": [0.65, 0.7599342076785331, 0.0], "behind": '
      .. '[-0.7599342076785331, 0.65, 0.0]}}'):format(i, table.concat(objects, ", "), i)
  end, "]}")
end

local function make_vqa(root)
  make_pictures(root, { "train2014/COCO_train2014_000000000009.jpg" })
  local count = 443757
  make_file(root .. "/v2_OpenEnded_mscoco_train2014_questions.json", '{"info": {}, "questions": [', count, function(i)
    return ('{"image_id": 9, "question": "What is the man in the picture number %d doing?", "question_id": %d}'):format(i, 9000 + i)
  end, "]}")
  make_file(root .. "/v2_mscoco_train2014_annotations.json", '{"info": {}, "annotations": [', count, function(i)
    local answers = {}
    for k = 1, 10 do answers[k] = ('{"answer": "answer %d", "answer_confidence": "yes", "answer_id": %d}'):format(i % 3000 + k // 7, k) end
    return ('{"question_type": "what is the man", "multiple_choice_answer": "answer %d", "answers": [%s], "image_id": 9, '
      .. '"answer_type": "other", "question_id": %d}'):format(i % 3000, table.concat(answers, ", "), 9000 + count - 1 - i)
  end, "]}")
  make_file(root .. "/v2_mscoco_train2014_complementary_pairs.json", "[", 200394, function(i)
    return ("[%d, %d]"):format(9000 + 2 * i, 9001 + 2 * i)
  end, "]")
  make_file(root .. "/trainval_label2ans.json", "[", 3129, function(i) return ('"answer %d"'):format(i) end, "]")
end

local root = (arg[1] or "/tmp") .. "/multiviz-bench-datasets"
os.execute("rm -rf " .. root)
make_clevr(root .. "/clevr")
make_vqa(root .. "/vqa")

local program_path = os.getenv "MULTIVIZ" or "build/release/bin/multiviz"
print(string.format("%-8s %-6s %10s %10s %12s %12s %14s", "", "", "records", "seconds", "memory, MB", "of them ours", "a read, ms"))
for _, set in ipairs { "clevr", "vqa" } do
  for _, state in ipairs { "cold", "warm" } do
    local child <close> = assert(io.popen(("%s scripts/bench_datasets.lua --open %s %s %s"):format(program_path, set,
      root .. "/" .. set, root .. "/cache")))
    local text = child:read "a"
    local n, seconds, empty, _, peak, each = text:match "(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)"
    assert(n, text)
    print(string.format("%-8s %-6s %10d %10.2f %12.0f %12.0f %14.3f", set, state, n, seconds, peak, peak - empty, each))
  end
end
os.execute("rm -rf " .. root)
