-- The first scenes of the blocks data with their questions, under the labels of a model in turn.
-- options: text = "question", the name of the questions; images = 1, or 2 for image1 and image2; annotations, a function
-- of the number of a scene.
return function(mv, model, size, options)
  options = options or {}
  local text, two = options.text or "question", options.images == 2
  local blocks = mv.datasets.blocks { split = "val", size = size }
  local modalities = {}
  for i, name in ipairs(two and { "image1", "image2" } or { "image" }) do modalities[i] = { name = name, kind = "image" } end
  modalities[#modalities + 1] = { name = text, kind = "text" }
  return mv.datasets.define {
    modalities = modalities,
    labels = model.labels,
    size = size,
    get = function(i)
      return {
        id = "scene " .. i,
        [modalities[1].name] = blocks[i].image,
        image2 = two and blocks[size + 1 - i].image or nil,
        [text] = blocks[i].question,
        label = model.labels[(i - 1) % #model.labels + 1],
        annotations = options.annotations and options.annotations(i),
      }
    end,
  }
end
