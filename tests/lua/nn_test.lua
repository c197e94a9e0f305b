local check = require "check"
local test, eq, near, raises = check.test, check.eq, check.near, check.raises
local mv = require "multiviz"
local nn = mv.nn

test("linear", function()
  eq(nn.linear(mv.tensor { { 1, 2 } }, mv.tensor { { 1, 1 }, { 0, 2 } }, mv.tensor { 10, 20 }), { { 13, 24 } })
  raises(function() nn.linear(mv.zeros(1, 3), mv.zeros(2, 2)) end, "'x' of shape [1, 3] does not fit 'weight' of shape [2, 2]")
end)

test("convolution and pooling", function()
  local x = mv.arange(16):float():reshape(1, 1, 4, 4)
  eq(nn.conv2d(x, mv.ones(1, 1, 3, 3)):flatten(), { 54, 63, 90, 99 })
  eq(nn.conv2d(x, mv.ones(1, 1, 3, 3), nil, { padding = 1, stride = 2 }).shape, { 1, 1, 2, 2 })
  eq(nn.max_pool2d(x, 2):flatten(), { 6, 8, 14, 16 })
  eq(nn.avg_pool2d(x, 2):flatten(), { 3.5, 5.5, 11.5, 13.5 })
  raises(function() nn.conv2d(x, mv.ones(1, 2, 3, 3)) end, "'x' has 1 channels, 'weight' takes 2")
  raises(function() nn.conv2d(x[1], mv.ones(1, 1, 3, 3)) end, "'x' must have shape [B, C, H, W], got [1, 4, 4]")
  raises(function() nn.conv2d(x, mv.ones(1, 1, 3, 3), nil, { strid = 2 }) end, "did you mean 'stride'?")
end)

test("embedding counts from 1", function()
  eq(nn.embedding(mv.tensor { { 1, 2 }, { 3, 4 } }, { 2, 1 }), { { 3, 4 }, { 1, 2 } })
  raises(function() nn.embedding(mv.zeros(2, 2), { 3 }) end, "position 3, which is out of range: they are numbered 1 to 2")
end)

test("layer norm, cross entropy, attention", function()
  near(nn.layer_norm(mv.tensor { { 1, 3 } }), { { -1, 1 } }, 1e-4)
  near(nn.cross_entropy(mv.zeros(2, 4), { 1, 4 }):item(), math.log(4))
  local keys = mv.tensor { { 0, 0 }, { 0, 0 } }
  local result, weights = nn.attention(mv.zeros(1, 2), keys, mv.tensor { { 2 }, { 4 } })
  near(result, { { 3 } })
  near(weights, { { 0.5, 0.5 } })
  near((nn.attention(mv.zeros(1, 2), keys, mv.tensor { { 2 }, { 4 } }, mv.tensor { { true, false } })), { { 2 } })
  raises(function() nn.cross_entropy(mv.zeros(2, 4), { 5, 1 }) end, "position 5, which is out of range")
  raises(function() nn.attention(mv.zeros(1, 2), mv.zeros(1, 3), keys) end, "do not fit")
end)

check.done()
