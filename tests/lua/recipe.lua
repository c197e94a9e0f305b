-- Random tensors in the shapes and ranges of a recipe (tests/fixtures/recipe.py), by name.
return function(mv, path)
  local tensors = {}
  for name, spec in pairs(mv.load(path)) do
    local shape = {}
    for i = 4, spec.shape[1] do shape[#shape + 1] = math.tointeger(spec[i]:item()) end
    tensors[name] = (mv.rand(shape, { seed = 1 }) - 0.5) * spec[3]:item() + spec[2]:item()
  end
  return tensors
end
