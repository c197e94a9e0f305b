-- Data sets of time series and tables, all the way: every method of stages U and C, R and P, with the names of frames,
-- channels, groups and columns. The files are those of tests/fixtures/data. Run from the top of the checkout.
local check = require "check"
local test, eq, ok, near, raises = check.test, check.eq, check.ok, check.near, check.raises
local mv = require "multiviz"
mv.progress(false)

local fixtures = "tests/fixtures/data/"

local function has(list, name)
  for _, item in ipairs(list) do
    if item == name then return true end
  end
  error(("%q is not in %s"):format(name, table.concat(list, ", ")), 2)
end

local function names(explanation, modality)
  local found = {}
  for _, item in ipairs(explanation:top(1000)) do
    if item.modality == modality then found[#found + 1] = item.name end
  end
  return found
end

-- Algorithm 2 on x, with a model that is trained for a few steps; leaves a report that names these things.
local function algorithm2(model, data, options)
  mv.train(model, data, { steps = options.steps or 30, batch = 16, learning_rate = 0.01, seed = 1 })
  local x = data[1]
  local target = options.target and options.target(model, x)
  local page = mv.page(model, x, { target = target })
  local context = data:sample(math.min(8, #data))
  for _, run in ipairs(options.runs) do
    local function with(more)
      local all = { target = target, parts = run.parts, modality = run.modality }
      for key, value in pairs(more or {}) do all[key] = value end
      return all
    end
    local function of_pair(more)
      local all = with(more)
      all.modality, all.modalities = nil, run.modality or options.pair
      return all
    end
    page:add(mv.gradient(model, x, with()))
    page:add(mv.gradient_x_input(model, x, with()))
    page:add(mv.integrated_gradients(model, x, with { steps = 8 }))
    page:add(mv.smooth_grad(model, x, with { samples = 4 }))
    page:add(mv.lime(model, x, with { samples = 60 }))
    page:add(mv.kernel_shap(model, x, with { samples = 100 }))
    page:add(mv.occlusion(model, x, with()))
    page:add(mv.joint_lime(model, x, with { samples = 60 }))
    page:add(mv.joint_shap(model, x, with { samples = 100 }))
    page:add(mv.shapley_interactions(model, x, of_pair { rounds = 2 }))
    page:add(mv.dime(model, x, of_pair { samples = 20, context = context }))
  end
  page:add(mv.emap(model, x, { target = target, context = context, modalities = options.pair }))
  page:add(mv.second_order_gradient(model, x, { target = target, from = options.from, words = options.words, parts = options.from_parts }))
  local z = mv.features(model, data)
  local path = mv.sparse_linear(z, { family = options.family, lambdas = 20, holdout = #data < 10 and 0 or nil })
  local selection = path:at { drop = 0.1 }
  page:add(selection)
  page:add(mv.local_feature(model, x, 1, { method = mv.gradient }))
  page:add(mv.global_feature(model, data, z, 1, { examples = 2, method = mv.gradient }))
  local folder = check.scratch()
  page:report(folder)
  page:save(folder .. "/saved")
  eq(#mv.load_page(folder .. "/saved").explanations, #page.explanations)
  local file <close> = assert(io.open(folder .. "/index.html"))
  local html = file:read "a"
  for _, name in ipairs(options.shown) do ok(html:find(name, 1, true), "the report does not show " .. name) end
  os.execute(("rm -r '%s'"):format(folder))
  return page
end

test("MIMIC: a table and a time series, through Algorithm 2", function()
  local data = mv.datasets.mimic { root = fixtures .. "mimic", task = "icd9" }
  eq(data.labels, { "absent", "present" })
  ok(tostring(data):find("static (tabular), timeseries (time_series)", 1, true), tostring(data))
  local model = mv.models.late_fusion { data = data, encoders = { timeseries = { hidden = 6, frames = 24 } }, features = 12 }
  eq(model.modalities, { "static", "timeseries" })
  algorithm2(model, data, {
    runs = { { parts = "frames" }, { parts = "channels" }, { parts = "groups" } }, from = "timeseries", from_parts = "channels", words = { "heart rate" },
    family = "multinomial", shown = { "heart rate", "hour 24", "vital signs", "admission type" },
  })
  local x = data[1]
  ok(tostring(x):find("5 columns: age, acquired immunodeficiency syndrome,", 1, true), tostring(x))
  ok(tostring(x):find("24 frames of 12: hour 1, hour 2, hour 3, hour 4, hour 5, hour 6, hour 7, hour 8, ...", 1, true), tostring(x))
  local shap = mv.kernel_shap(model, x, { parts = "groups", samples = 60 })
  ok(tostring(shap):find("timeseries: laboratory", 1, true) or tostring(shap):find("vital signs", 1, true), tostring(shap))
  has(names(shap, "timeseries"), "laboratory")
  has(names(shap, "static"), "metastatic cancer")
end)

test("MIMIC: mortality, six classes", function()
  local data = mv.datasets.mimic { root = fixtures .. "mimic" }
  eq({ #data.labels, data.labels[2] }, { 6, "died within 1 day" })
  local model = mv.models.late_fusion { data = data, encoders = { timeseries = { hidden = 4, frames = 24 } }, features = 8 }
  algorithm2(model, data, {
    runs = { { parts = "groups" } }, from = "timeseries", from_parts = "groups", words = { "laboratory" }, family = "multinomial",
    shown = { "laboratory", "metastatic cancer", "survived 1 year" },
  })
end)

test("MOSEI: three time series with words, regression", function()
  local data = mv.datasets.mosei { root = fixtures .. "sentiment", words = fixtures .. "sentiment/words.csd" }
  local model = mv.models.late_fusion {
    data = data, fusion = "low_rank", rank = 2, fused = 6, features = 8,
    encoders = { text = { hidden = 4, outputs = 3 }, audio = { hidden = 4, outputs = 3 }, vision = { hidden = 4, outputs = 3 } },
  }
  eq(model.signature.task, "regression")
  algorithm2(model, data, {
    runs = { { parts = "frames" }, { parts = "groups", modality = { "audio", "vision" } } }, pair = { "text", "vision" }, from = "text", words = { "film" }, family = "gaussian",
    target = function() return mv.target.regression() end, shown = { "film", "works", "face emotion", "glottal" },
  })
  local x = data[1]
  eq(x.annotations.words, { "this", "film", "works" })
  ok(tostring(x):find("3 frames of 74: this, film, works", 1, true), tostring(x))
  local gradient = mv.gradient(model, x, { target = mv.target.regression() })
  has(names(gradient, "vision"), "film")
  has(names(mv.gradient(model, x, { target = mv.target.regression(), parts = "channels" }), "vision"), "AU12")
end)

test("MOSI: classes of sentiment, streams that are not aligned", function()
  local data = mv.datasets.mosi { root = fixtures .. "sentiment", aligned = false, bins = { 0 } }
  eq(data.labels, { "below 0", "0 and above" })
  local model = mv.models.mult { data = data, frames = 12, width = 8, heads = 2, layers = 1 }
  eq(model.signature.features, 72)
  algorithm2(model, data, {
    steps = 2, runs = { { parts = "frames", modality = { "text", "vision" } } }, pair = { "text", "vision" }, from = "text", words = 1,
    family = "multinomial", shown = { "0.12 s", "0 and above" },
  })
  local because = mv.second_order_gradient(model, data[1], { from = "text", words = 1, to = "vision" })
  has(names(because, "vision"), "0.12 s")
  raises(function() mv.datasets.mosi { root = fixtures .. "sentiment", tsk = "seven" } end, "unknown option 'tsk'")
  raises(function() mv.datasets.mosei { root = fixtures .. "mimic" } end, "https://github.com/pliang279/MultiBench")
end)

test("MOSI: streams that are aligned, seven classes", function()
  local data = mv.datasets.mosi { root = fixtures .. "sentiment/mosi_raw.pkl", task = "seven", words = fixtures .. "sentiment/mosi.hdf5" }
  eq(#data.labels, 7)
  eq(data[1].annotations.words, { "this", "film", "works" })
  local model = mv.models.mult { data = data, frames = 12, width = 8, heads = 2, layers = 1 }
  algorithm2(model, data, {
    steps = 2, runs = { { parts = "frames", modality = { "text", "audio" } } }, pair = { "text", "audio" }, from = "text", words = { "film" },
    family = "multinomial", shown = { "film", "works" },
  })
  eq(#mv.datasets.mosi { root = fixtures .. "sentiment/mosi_raw.pkl", task = "nonzero" }, 2)
end)

-- Stages U, C, R and P for a model that says several genres of a film.
local function algorithm2_of_genres(model, data, genre, word)
  mv.train(model, data, { steps = 30, batch = math.min(20, #data), learning_rate = 0.01 })
  local x = data[2]
  local function with(more)
    more.target = genre
    return more
  end
  local page = mv.page(model, x, { target = genre })
  page:add(mv.gradient(model, x, with {}))
  page:add(mv.dime(model, x, with { context = data:sample(math.min(8, #data)), samples = 10, modalities = { "poster", "plot" } }))
  if word then
    page:add(mv.lime(model, x, with { samples = 40 }))
    page:add(mv.second_order_gradient(model, x, with { words = { word } }))
  end
  local z = mv.features(model, data)
  local path = mv.sparse_linear(z, { family = "gaussian", lambdas = 10, holdout = #data < 10 and 0 or nil })
  page:add(path:at { drop = 0.2 })
  page:add(mv.local_feature(model, x, 1, { method = mv.gradient }))
  page:add(mv.global_feature(model, data, z, 1, { examples = 2, method = mv.gradient }))
  local folder = check.scratch()
  page:report(folder)
  local file <close> = assert(io.open(folder .. "/index.html"))
  local html = file:read "a"
  ok(html:find(genre, 1, true) and html:find(x.id, 1, true), "the report does not show the film")
  os.execute(("rm -r '%s'"):format(folder))
end

-- Posters as the colours of their cells of so many pixels, plots as the mean of their words' embeddings; the features are
-- both, joined.
local function film_model(data, cell)
  local places, count, width = {}, 1, 6
  for _, word in ipairs(mv.vocabulary(data)) do
    places[word] = count
    count = count + 1
  end
  local poster = data[1].poster
  local cells = 3 * (poster.width // cell) * (poster.height // cell)
  local weights = {
    words = mv.randn(count, width, { seed = 1 }), poster = mv.randn(8, cells, { seed = 2 }) * 0.1,
    genres = mv.randn(#data.labels, 8 + width, { seed = 3 }) * 0.1,
  }
  local function words_of(text)
    local found = {}
    for word in text:lower():gmatch "[%a\128-\255]+" do found[#found + 1] = places[word] or count end
    return found
  end
  return mv.models.define {
    name = "films", task = "multilabel", labels = data.labels, features = 8 + width, parameters = weights,
    modalities = { { name = "poster", kind = "image" }, { name = "plot", kind = "text" } },
    prepare = {
      plot = function(texts)
        local rows, atoms, longest = {}, {}, 1
        for i, text in ipairs(texts) do
          rows[i], atoms[i] = words_of(text), {}
          longest = math.max(longest, #rows[i])
        end
        for i, row in ipairs(rows) do
          for t = 1, longest do
            atoms[i][t] = row[t] and t or 0
            row[t] = row[t] or count
          end
        end
        return { tensor = mv.nn.embedding(weights.words, mv.tensor(rows)), atoms = mv.tensor(atoms) }
      end,
    },
    encode = {
      poster = function(leaf)
        return mv.nn.linear(mv.nn.avg_pool2d(leaf, cell):reshape(leaf.shape[1], cells), weights.poster)
      end,
      plot = function(leaf) return leaf:mean(2) end,
    },
    fuse = function(seen, read)
      local features = mv.cat({ seen, read }, 2):tanh()
      return mv.nn.linear(features, weights.genres), features
    end,
  }
end

test("MM-IMDb: posters and plots of films, several genres each", function()
  local pictures = mv.datasets.mmimdb { root = fixtures .. "mmimdb", split = "dev" }
  eq(pictures[2].plot, "a detective finds a murder .")
  eq({ pictures[2].poster.width, pictures[2].poster.height }, { 160, 256 })
  eq(pictures[2].labels, { "Drama", "Crime" })
  local data = mv.datasets.mmimdb { root = fixtures .. "mmimdb", poster = "vgg", plot = "word2vec" }
  local model = mv.models.late_fusion { data = data, task = "multilabel", features = 16 }
  algorithm2_of_genres(model, data, "Crime")
  has({ "Crime", "Drama" }, model:predict(data[2]).label) -- both are true
  raises(function() mv.datasets.mmimdb { root = "nowhere" } end, "https://github.com/johnarevalo/gmu-mmimdb")
  local films = mv.datasets.mmimdb { root = fixtures .. "mmimdb" }:slice(1, 12)
  algorithm2_of_genres(film_model(films, 32), films, "Crime", "detective")
  local folder = mv.datasets.mmimdb { root = fixtures .. "mmimdb_folder" }
  algorithm2_of_genres(film_model(folder, 8), folder, "Crime", "detective")
end)

test("damaged records can be skipped, and are counted", function()
  local folder = check.scratch()
  os.execute(("cp -r %smmimdb_folder '%s' && echo broken > '%s/dataset/0000201.jpeg'"):format(fixtures, folder, folder))
  raises(function() return mv.datasets.mmimdb { root = folder }[2] end, "0000201.jpeg")
  local data = mv.datasets.mmimdb { root = folder, on_error = "skip" }
  eq(#data, 2)
  eq(data.skipped.count, 1)
  ok(data.skipped.messages[1]:find("0000201.jpeg", 1, true), data.skipped.messages[1])
  os.execute(("rm -r '%s'"):format(folder))
  ok(tostring(data):find("1 damaged records were left out", 1, true), tostring(data))
  -- What holds no damage is the same with it.
  for _, open in ipairs {
    function(o) return mv.datasets.mimic { root = fixtures .. "mimic", on_error = o } end,
    function(o) return mv.datasets.mosei { root = fixtures .. "sentiment", on_error = o } end,
    function(o) return mv.datasets.mosi { root = fixtures .. "sentiment", on_error = o } end,
    function(o) return mv.datasets.mmimdb { root = fixtures .. "mmimdb", on_error = o } end,
    function(o) return mv.datasets.vl_interpret { root = fixtures .. "vl_interpret", on_error = o } end,
  } do
    local kept = open "skip"
    eq({ #kept, kept.skipped.count, kept[#kept].id }, { #open "fail", 0, open()[#kept].id })
    raises(function() open "ignore" end, "'on_error' must be \"fail\" or \"skip\", got 'ignore'")
  end
end)

test("recordings of VL-InterpreT are read, and written", function()
  local recordings = mv.recordings(fixtures .. "vl_interpret")
  eq(#recordings, 2)
  local r = recordings[2]
  eq(r.attention.shape, { 2, 3, 7, 7 })
  eq(r.cells, { { 0, 0 }, { 1, 0 } })
  eq(r.correct, false)
  local folder = check.scratch()
  mv.save_recordings(folder, { { image = r.image, tokens = r.tokens, text_length = 5, attention = r.attention,
    hidden_states = r.hidden_states, correct = true, cells = r.cells, metrics = { entropy = mv.ones { 2, 3 } } } })
  local back = mv.recordings(folder)[1]
  near(back.hidden_states, r.hidden_states, 0)
  eq(back.correct, true)
  eq(back.metrics.entropy.shape, { 2, 3 })
  eq(mv.datasets.vl_interpret { root = folder }[1].text, "text input 1")
  raises(function() mv.save_recordings(folder, {}) end, "there are no recordings")
  os.execute(("rm -r '%s'"):format(folder))
end)

test("the pictures and texts of VL-InterpreT, through Algorithm 2", function()
  local recorded, more, root = mv.recordings(fixtures .. "vl_interpret"), {}, check.scratch()
  for i = 1, 6 do
    local r = recorded[i % 2 + 1]
    more[i] = { image = r.image, tokens = r.tokens, text_length = r.text_length, attention = r.attention,
      hidden_states = r.hidden_states, correct = r.correct }
  end
  mv.save_recordings(root, more)
  local data = mv.datasets.vl_interpret { root = root }
  eq({ #data, data.labels }, { 6, { "wrong", "right" } })
  local x = data[2]
  eq({ x.label, x.text }, { "right", "text input 0" })
  local model = mv.models.cnn_lstm_sa { labels = data.labels, vocabulary = mv.vocabulary(data), width = 6, height = 4, channels = { 4 },
    strides = { 1 }, keys = 4, embedding = 4, hidden = 8, hops = 1, glimpses = 1, features = 8, question = "text" }
  mv.train(model, data, { steps = 20, batch = 2, learning_rate = 0.01 })
  local y = model:predict(x).label
  local page = mv.page(model, x, { target = y })
  page:add(mv.lime(model, x, { target = y, samples = 40 }))
  page:add(mv.dime(model, x, { target = y, context = data, samples = 20 }))
  page:add(mv.second_order_gradient(model, x, { target = y, words = { "input" } }))
  local z = mv.features(model, data)
  local path = mv.sparse_linear(z, { family = "gaussian", lambdas = 5, holdout = 0 })
  page:add(path:at { lambda = path:curve()[5].lambda })
  page:add(mv.local_feature(model, x, 1))
  page:add(mv.global_feature(model, data, z, 1, { examples = 1 }))
  local folder = check.scratch()
  page:report(folder)
  local file <close> = assert(io.open(folder .. "/index.html"))
  ok(file:read "a":find("text input 0", 1, true), "the report does not show the text")
  os.execute(("rm -r '%s' '%s'"):format(folder, root))
end)

test("a state dict of MultiBench gives a model its weights", function()
  local data = mv.datasets.mimic { root = fixtures .. "mimic", task = "icd9" }
  local options = { data = data, encoders = { timeseries = { kind = "lstm", hidden = 6, outputs = 4 } }, features = 12 }
  local model = mv.models.late_fusion(options)
  local path = check.scratch(".pt")
  for _, tensor in pairs(model:parameters()) do tensor:mul_(0.5) end
  model:save(path)
  options.weights, options.seed = path, 5
  near(mv.models.late_fusion(options):forward(data[1]), model:forward(data[1]), 1e-6)
  options.encoders.timeseries.hidden = 7
  raises(function() mv.models.late_fusion(options) end, "encoders.1.lstm.weight_ih_l0")
  raises(function() mv.models.mult { data = data } end, "takes time series, and 'static'")
  os.remove(path)
end)

check.done()
