-- Trains blocks-cnn-lstm-sa as it ships and tells how good it is:
--   multiviz scripts/train_blocks.lua [folder]                      all of it, about an hour and a half on two cores
--   multiviz scripts/train_blocks.lua --report weights.safetensors  the accuracies alone
-- A run that was stopped goes on where it was. The same thread count gives the same weights.
local mv = require "multiviz"

local blocks = mv.datasets.blocks
local questions = 10 -- a scene: an image is encoded once for all of its questions

-- Three cosine schedules; every scene is seen once. Beside the answers, the attention maps learn to cover the objects that
-- a question's program refers to, and the image features to tell the words of the objects' names.
local stages = {
  { steps = 4500, learning_rate = 1e-3, guide = 1.0, describe = 2.0, seed = 0 },
  { steps = 900, learning_rate = 5e-4, guide = 0.5, describe = 0.5, seed = 1 },
  { steps = 4500, learning_rate = 8e-4, guide = 0.5, describe = 0.5, seed = 2 },
}
local batch = 160

local function words_of(seed)
  return blocks { split = "train", size = 4000, questions = 40, width = 16, height = 16, seed = seed }
end

local function train(folder)
  assert(os.execute(("mkdir -p '%s'"):format(folder:gsub("'", "'\\''"))))
  local validation = blocks { split = "val", size = 1000, questions = questions }
  local model = mv.models.cnn_lstm_sa { name = "blocks-cnn-lstm-sa", labels = validation.labels,
    vocabulary = mv.vocabulary(words_of(0)), seed = 0 }
  for number, stage in ipairs(stages) do
    local data = blocks { split = "train", size = stage.steps * batch, questions = questions, seed = stage.seed }
    mv.train(model, data, {
      steps = stage.steps, batch = batch, shuffle = false, seed = stage.seed, learning_rate = stage.learning_rate,
      warmup = 0.03, validation = validation, validate_every = number == 2 and 300 or 500, report_every = 25,
      guide = { taps = { "fusion.attention1", "fusion.attention2", "fusion.attention3", "fusion.attention4" },
        weight = stage.guide },
      describe = { tap = "image.features", weight = stage.describe },
      checkpoint = ("%s/stage%d.safetensors"):format(folder, number), checkpoint_every = 250,
      report = function(status)
        if status.validation_accuracy then
          print(("stage %d, step %d: loss %.3f, validation accuracy %.1f %%"):format(number, status.step, status.loss,
            100 * status.validation_accuracy))
        end
      end,
    })
  end
  local path = folder .. "/blocks-cnn-lstm-sa.safetensors"
  model:save(path, { half = true })
  return mv.models.load(path) -- as it will be used: 16-bit weights
end

-- What the question alone gives away: the most frequent answer among the training questions that start with the same
-- words, as many of them as at least `enough` training questions share.
local function question_baseline()
  local enough, root = 5, { counts = {}, total = 0, next = {} }
  local function path(text)
    local nodes = {}
    for word in text:lower():gmatch "%w+" do nodes[#nodes + 1] = word end
    return nodes
  end
  local function best(counts)
    local answer
    for label, count in pairs(counts) do
      if not answer or count > counts[answer] or (count == counts[answer] and label < answer) then answer = label end
    end
    return answer
  end
  local function add(node, label)
    node.counts[label] = (node.counts[label] or 0) + 1
    node.total = node.total + 1
  end
  local train = blocks { split = "train", size = 40000, questions = 40, width = 16, height = 16 }
  for i = 1, #train do
    local x, node = train[i], root
    add(node, x.label)
    for _, word in ipairs(path(x.question)) do
      node.next[word] = node.next[word] or { counts = {}, total = 0, next = {} }
      node = node.next[word]
      add(node, x.label)
    end
  end
  local function answer(text)
    local node = root
    for _, word in ipairs(path(text)) do
      local deeper = node.next[word]
      if not deeper or deeper.total < enough then break end
      node = deeper
    end
    return best(node.counts)
  end
  return answer, best(root.counts)
end

local function report(model)
  local test = blocks { split = "test", size = 15000, questions = questions }
  local from_question, majority = question_baseline()
  local rows, order = {}, {}
  local function count(family, right, question, frequent)
    if not rows[family] then
      rows[family] = { n = 0, model = 0, question = 0, majority = 0 }
      order[#order + 1] = family
    end
    local row = rows[family]
    row.n = row.n + 1
    row.model = row.model + (right and 1 or 0)
    row.question = row.question + (question and 1 or 0)
    row.majority = row.majority + (frequent and 1 or 0)
  end
  for first = 1, #test, 200 do
    local batch = {}
    for i = first, math.min(#test, first + 199) do batch[#batch + 1] = test[i] end
    for k, y in ipairs(model:predict(batch, { top = 1 })) do
      local x = batch[k]
      local right, guess = y.label == x.label, from_question(x.question) == x.label
      for _, family in ipairs { x.annotations.family, ("%d hops"):format(x.annotations.hops), "all" } do
        count(family, right, guess, majority == x.label)
      end
    end
  end
  table.sort(order, function(a, b)
    if (a == "all") ~= (b == "all") then return b == "all" end
    return a < b
  end)
  print(("%-18s %6s %8s %14s %9s"):format("test split, in %", "n", "model", "question only", "majority"))
  for _, family in ipairs(order) do
    local row = rows[family]
    local function percent(value) return 100 * value / row.n end
    print(("%-18s %6d %8.1f %14.1f %9.1f"):format(family, row.n, percent(row.model), percent(row.question),
      percent(row.majority)))
  end
end

if arg[1] == "--report" then
  report(mv.models.load(arg[2] or "blocks-cnn-lstm-sa"))
else
  report(train(arg[1] or "out/train_blocks"))
end
