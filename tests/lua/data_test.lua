local check = require "check"
local test, eq, ok, raises = check.test, check.eq, check.ok, check.raises
local mv = require "multiviz"

local folder = check.scratch()
assert(os.execute("mkdir " .. folder))

local function write(name, text)
  local path = folder .. "/" .. name
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

local function grey(value) -- 4 x 2 pixels
  local rows = {}
  for y = 1, 2 do
    rows[y] = {}
    for x = 1, 4 do rows[y][x] = { value, value, value } end
  end
  return mv.tensor(rows)
end

test("modalities are named by a table or, in order, by a list", function()
  local function defined(modalities)
    return mv.datasets.define { modalities = modalities, items = { { text = "a", tabular = { 1, 2 } } } }
  end
  local listed, named = defined { "text", "tabular" }, defined { text = "text", tabular = "tabular" }
  eq(listed.modalities, named.modalities)
  eq(listed[1].text, "a")
  eq(defined({ "tabular", { name = "text", kind = "text" } }).modalities[1].name, "tabular")
  raises(function() defined { "text", "text" } end, "there are two modalities 'text': name them apart")
  raises(function() defined { "txt" } end, "unknown kind of modality 'txt'; did you mean 'text'?")
  raises(function() defined { 3 } end, "a modality must be a kind")
  local function model(modalities) return mv.models.define { modalities = modalities, labels = { "a", "b" }, fuse = print } end
  eq(model({ image = "image", question = "text" }).modalities, { "image", "question" })
  raises(function() model {} end, "a model needs at least one modality")
  raises(function() model { "image", "image" } end, "there are two modalities 'image'")
end)

test("an image from a tensor, saved and loaded", function()
  local image = mv.image(grey(0.2))
  eq({ image.width, image.height }, { 4, 2 })
  eq(tostring(image), "image 4 x 2")
  eq(image:tensor():tolist()[1][1], { 51, 51, 51 })
  image:save(folder .. "/a.png")
  ok(mv.image(folder .. "/a.png") == image)
  local small = image:resize(2, 1)
  eq({ small.width, small.height }, { 2, 1 })
  eq(small:tensor():tolist(), { { { 51, 51, 51 }, { 51, 51, 51 } } })
  local part = image:crop(1, 0, 4, 1)
  eq({ part.width, part.height }, { 3, 1 })
end)

test("what is no image is said", function()
  raises(function() mv.image(folder .. "/none.png") end, "no such file or directory: check the path")
  raises(function() mv.image(grey(2)) end, "outside 0 to 1")
  raises(function() mv.image(mv.tensor { 1, 2 }) end, "must be a tensor [H, W, 3] or [H, W], not [2]")
  raises(function() mv.image(true) end, "[")
  raises(function() mv.image(grey(1)):crop(0, 0, 5, 1) end, "image:crop: 'x1' must be an integer from 1 to 4, got 5")
  raises(function() mv.image(grey(1)):resize(0, 1) end, "'width'")
  raises(function() mv.image(grey(1)):save(folder .. "/a.jpg") end, "must end in .png")
  raises(function() mv.image(grey(1)):save(folder .. "/no/a.png") end, "no such file or directory")
end)

test("blocks: positions, fields and printing", function()
  local data = mv.datasets.blocks { split = "val", size = 20 }
  eq(#data, 20)
  eq(#data.labels, 28)
  eq(data.modalities, { { name = "image", kind = "image" }, { name = "question", kind = "text" } })
  local x = data[1]
  eq(x.image.width, 128)
  eq(type(x.question), "string")
  eq(x.labels, { x.label })
  ok(#x.regions >= 3 and x.regions[1].box[3] > x.regions[1].box[1])
  ok(x.annotations.family)
  eq(data[-1].id, data[20].id)
  ok(tostring(x):find("image     128 x 96 pixels", 1, true), tostring(x))
  ok(tostring(data):find("20 datapoints", 1, true), tostring(data))
  raises(function() return data[21] end, "datapoint 21 of")
  raises(function() return data[0] end, "numbered 1 to 20")
  raises(function() return data[1.5] end, "must be an integer")
  raises(function() return data.label end, "a dataset has no field 'label'; did you mean 'labels'?")
  raises(function() return x.questoin end, "has no field 'questoin'; did you mean 'question'?")
  raises(function() mv.datasets.blocks { split = "vla" } end, "must be \"train\", \"val\" or \"test\", got 'vla'")
  raises(function() mv.datasets.blocks { sise = 3 } end, "unknown option 'sise'; did you mean 'size'?")
  raises(function() mv.datasets.blocks { size = 0 } end, "option 'size'")
end)

test("choosing datapoints", function()
  local data = mv.datasets.blocks { split = "val", size = 30 }
  local few = data:sample(5, { seed = 1 })
  eq(#few, 5)
  eq(few[1].id, data:sample(5, { seed = 1 })[1].id)
  eq(data:slice(3, 4)[1].id, data[3].id)
  eq(#data:slice(28), 3)
  eq(data:subset { 7, 2, -1 }[3].id, data[30].id)
  eq(#data:shuffle { seed = 3 }, 30)
  local yes = data:filter(function(x) return x.label == "yes" end)
  for _, x in pairs(yes) do eq(x.label, "yes") end
  local count = 0
  for i, x in pairs(few) do
    count = count + 1
    eq(x.id, few[i].id)
  end
  eq(count, 5)
  raises(function() data:sample(31) end, "data")
  raises(function() data:subset { 31 } end, "datapoint 31 of")
  raises(function() data:slice(4, 3) end, "'last' must be")
  raises(function() data:filter(function(x) return x.nothing end) end, "has no field 'nothing'")
  raises(function() data:filter(3) end, "function")
end)

test("an edited copy", function()
  local x = mv.datasets.blocks { split = "val", size = 3 }[1]
  local y = x:with { question = "Is there a cube?", label = "yes" }
  eq(y.question, "Is there a cube?")
  eq(y.label, "yes")
  ok(y.id ~= x.id and y:with { question = "Any sphere?" }.id == y.id)
  eq(#y.regions, #x.regions)
  eq(#x:with { image = mv.image(grey(0)) }.regions, 0)
  ok(x:with { image = x.image }.image == x.image)
  raises(function() x:with { question = "" } end, "datapoint:with: 'question' is empty")
  raises(function() x:with { qestion = "a" } end, "unknown option 'qestion'; did you mean 'question'?")
  raises(function() x:with { label = "yess" } end, "'yess' is not a label of")
  raises(function() x:with { image = "none.png" } end, "'image': cannot read 'none.png'")
end)

test("jsonl", function()
  mv.image(grey(1)):save(folder .. "/b.png")
  local path = write("val.jsonl", '{"image": "b.png", "q": "Is it white?", "answer": "yes", "who": "me"}\n')
  local data = mv.datasets.jsonl {
    path = path, label = "answer", modalities = { question = { kind = "text", field = "q" }, image = "image" },
  }
  eq(#data, 1)
  eq({ data[1].question, data[1].label, data[1].image.width, data[1].annotations.who }, { "Is it white?", "yes", 4, "me" })
  eq(data.modalities[1].name, "image")
  local function open(options)
    options.path = options.path or path
    return function() return mv.datasets.jsonl(options) end
  end
  raises(open {}, "option 'modalities' is missing")
  raises(open { modalities = { q = "txt" } }, "unknown kind of modality 'txt'; did you mean 'text'?")
  raises(open { modalities = { q = { kind = "text", feild = "q" } } }, "did you mean 'field'?")
  raises(open { modalities = { question = "text" } }, "val.jsonl:1: 'question' is missing")
  raises(open { modalities = { q = "text" }, label = "answer", labels = { "no" } }, "is not among the labels")
  raises(open { path = folder .. "/none.jsonl", modalities = { q = "text" } }, "no such file")
  local broken = write("broken.jsonl", '{"image": "gone.png"}\n')
  raises(function() return mv.datasets.jsonl { path = broken, modalities = { image = "image" } }[1] end,
    "broken.jsonl:1: 'image': there is no file")
end)

test("csv and folder", function()
  local path = write("val.csv", "q,age,weight,answer\nWho?,61,70.5,yes\nWhat?,x,1,no\nWhen?,5,20,no\n")
  local options = { path = path, label = "answer",
    modalities = { q = "text", vitals = { kind = "tabular", columns = { "age", "weight" } } } }
  raises(function() mv.datasets.csv(options) end, "val.csv:3: 'age' must be a number, not 'x'")
  options.on_error = "skip"
  local data = mv.datasets.csv(options)
  eq({ #data, data.skipped.count, data[2].q, data[2].label }, { 2, 1, "When?", "no" })
  eq(data[1].vitals, { 61, 70.5 })
  ok(data.skipped.messages[1]:find("val.csv:3", 1, true))
  ok(tostring(data):find "1 damaged records were left out")
  options.on_error = "ignore"
  raises(function() mv.datasets.csv(options) end, "'on_error' must be \"fail\" or \"skip\", got 'ignore'")
  options.on_error, options.delimiter = nil, ";;"
  raises(function() mv.datasets.csv(options) end, "option 'delimiter' must be one character")
  assert(os.execute("mkdir -p " .. folder .. "/tree/cat " .. folder .. "/tree/dog"))
  write("tree/cat/1.txt", "meow")
  write("tree/dog/1.txt", "woof")
  local animals = mv.datasets.folder { root = folder .. "/tree", modalities = { sound = "text" }, label = "folder" }
  eq({ #animals, animals[2].sound, animals[2].label, animals[2].id }, { 2, "woof", "dog", "dog/1" })
  raises(function() mv.datasets.folder { modalities = { sound = "text" } } end, "option 'root' is missing")
end)

test("concat, split, batches, readable", function()
  local data = mv.datasets.blocks { split = "val", size = 10, width = 32, height = 24 }
  local a, b = data:split({ 0.7, 0.3 }, { seed = 3 })
  eq({ #a, #b }, { 7, 3 })
  local seen = {}
  for _, part in ipairs { a, b } do
    for _, x in pairs(part) do seen[x.id] = (seen[x.id] or 0) + 1 end
  end
  for _, x in pairs(data) do eq(seen[x.id], 1) end
  local again = mv.datasets.split(data, { 0.7, 0.3 }, { seed = 3 })
  eq(again[1].id, a[1].id)
  raises(function() data:split { 0.7, 0.4 } end, "add up to 1 at most")
  local both = mv.datasets.concat { b, a }
  eq({ #both, both[4].id, both[4].label }, { 10, a[1].id, a[1].label })
  raises(function() mv.datasets.concat { 3 } end, "must be a dataset")
  eq(#mv.datasets.filter(data, function(x) return x.id == data[2].id end), 1)
  eq(#mv.datasets.shuffle(data), 10)
  local sizes, ids = {}, {}
  for batch in data:batches { size = 4, workers = 3 } do
    sizes[#sizes + 1] = #batch
    for _, x in ipairs(batch) do ids[#ids + 1] = x.id end
  end
  eq(sizes, { 4, 4, 2 })
  for i, id in ipairs(ids) do eq(id, data[i].id) end
  local shuffled = {}
  for batch in data:batches { size = 10, shuffle = true, seed = 1 } do shuffled = batch end
  eq(shuffled[1].id, data:shuffle({ seed = 1 })[1].id)
  raises(function() data:batches { sise = 3 } end, "did you mean 'size'?")
  for batch in data:slice(1, 2):batches { resize = { 16, 48 } } do
    for i, x in ipairs(batch) do
      eq({ x.image.width, x.image.height, x.question }, { 16, 48, data[i].question })
      local was, is = data[i].regions[1].box, x.regions[1].box
      eq(is, { was[1] / 2, was[2] * 2, was[3] / 2, was[4] * 2 })
    end
  end
  local texts, length = 0, nil
  for batch in data:batches { size = 5, workers = 2, tokenizer = "tests/fixtures/vilt/question_answering", max_length = 12 } do
    local tokens = batch.tokens.question
    eq({ tokens.input_ids.shape[1], tokens.token_type_ids.shape, tokens.attention_mask.shape },
      { 5, tokens.input_ids.shape, tokens.input_ids.shape })
    ok(tokens.input_ids.shape[2] <= 12)
    texts, length = texts + #batch, length or tokens.attention_mask[1]:sum():item()
  end
  eq(texts, 10)
  ok(length > 4)
  raises(function() data:batches { tokenizer = folder } end, "tokenizer")
  raises(function() data:batches { resize = { 16 } } end, "option 'resize' must be { width, height }")
  raises(function() data:batches { resize = { 16, 0.5 } } end, "option 'resize' must be { width, height }")
  eq({ #data:readable(), data:readable().skipped.count }, { 10, 0 })
  eq({ #data:in_memory(), data:in_memory()[3].id }, { 10, data[3].id })
end)

test("data from a function", function()
  local data = mv.datasets.define {
    name = "mine", modalities = { image = "image", question = "text", pulse = "time_series", age = "tabular" },
    labels = { "no", "yes" }, size = 3,
    get = function(i)
      return {
        image = grey(i / 10), question = "number " .. i, pulse = { { 1, 2 }, { 3, i } }, age = { i, 40 }, label = "yes",
        id = i == 2 and "two" or nil, annotations = { i = i }, regions = { { name = "left", box = { 0, 0, 2, 2 } } },
      }
    end,
  }
  eq(#data, 3)
  local x = data[3]
  eq({ x.id, x.question, x.label, x.annotations.i, x.regions[1].name }, { "mine:3", "number 3", "yes", 3, "left" })
  eq(x.pulse, { { 1, 2 }, { 3, 3 } })
  eq(x.age:tolist(), { 3, 40 })
  eq(data[2].id, "two")
  eq(#data:filter(function(x) return x.question ~= "number 1" end), 2)
  ok(tostring(x):find("2 frames of 2", 1, true), tostring(x))
  raises(function() x:with { age = { 1, 2, 3 } } end, "there must be 2 columns, not 3")
end)

test("data from a table", function()
  local data = mv.datasets.define {
    modalities = { question = "text" },
    items = { { question = "a", label = 10 }, { question = "b", label = 9 }, { question = "c" } },
  }
  eq(data.labels, { "9", "10" })
  eq(data[1].label, "10")
  eq(data[3].label, nil)
  local scores = mv.datasets.define { modalities = { q = "text" }, regression = true, items = { { q = "a", label = 1.5 } } }
  eq(scores[1].value, 1.5)
  eq(scores[1].label, nil)
end)

test("definitions that cannot work are said", function()
  local function one(item, labels)
    return function()
      return mv.datasets.define { name = "d", modalities = { question = "text" }, labels = labels or { "yes" }, items = { item } }[1]
    end
  end
  raises(one { question = "" }, "d[1]: 'question' is empty: give the text")
  raises(one { qestion = "a" }, "d[1]: unknown field 'qestion'; did you mean 'question'?")
  raises(one { label = "yes" }, "d[1]: 'question' is missing")
  raises(one { question = "a", label = "maybe" }, "d[1]: 'label' is 'maybe', which is not among the labels; known: yes")
  raises(one { question = "a", regions = { { box = { 3, 3, 1, 1 } } } }, "its box must be { x0, y0, x1, y1 } in pixels")
  raises(function() mv.datasets.define { modalities = { q = "text" }, size = 2, get = function() return 3 end }[1].id() end,
    "get must return a table of fields, not a number")
  raises(function() return mv.datasets.define { modalities = { q = "text" }, size = 2, get = function() error "mine" end }[1] end,
    "mine")
  raises(function() mv.datasets.define { modalities = { q = "text" } } end, "give items")
  raises(function() mv.datasets.define { modalities = { label = "text" }, items = { {} } } end, "cannot be called 'label'")
  raises(function() mv.datasets.define { modalities = {}, items = { {} } } end, "at least one modality")
  raises(function() mv.datasets.define { modalities = { q = "text" }, items = {} } end, "items is empty")
end)

test("channels and columns of defined data have the names that were given", function()
  local function defined(rate, columns)
    return mv.datasets.define {
      modalities = { { name = "pulse", kind = "time_series", names = rate }, { name = "record", kind = "tabular", names = columns } },
      labels = { "well", "ill" },
      items = { { pulse = { { 1, 2 }, { 3, 4 }, { 5, 6 } }, record = { 1, 0 }, label = "well" } },
    }
  end
  local data = defined({ "rate", "pressure" }, { "age", "sex" })
  ok(tostring(data[1]):find("age, sex", 1, true))
  local model = mv.models.define {
    modalities = { pulse = "time_series", record = "tabular" }, labels = data.labels,
    encode = { pulse = function(x) return x:sum(2) end, record = function(x) return x end },
    fuse = function(pulse, record) return pulse + record end,
  }
  ok(tostring(mv.lime(model, data[1], { modality = "record", samples = 20 })):find("age", 1, true))
  ok(tostring(mv.lime(model, data[1], { modality = "pulse", samples = 20, parts = "channels" })):find("pressure", 1, true))
  raises(function() return defined({ "rate" })[1] end, "has 2 columns and 1 names were given")
  raises(function() mv.datasets.define { modalities = { { name = "q", kind = "text", names = { "a" } } }, items = { { q = "a" } } } end,
    "modality 'q' has no channels or columns to name")
  raises(function() mv.datasets.define { modalities = { { name = "r", kind = "tabular", columns = { "a" } } }, items = { { r = { 1 } } } } end,
    "are those of a csv file")
end)

os.execute("rm -r " .. folder)
check.done()
