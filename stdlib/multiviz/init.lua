-- `require "multiviz"`: what C++ gives, and the Lua modules that are built on it.
local mv = require "multiviz.core"

mv.analyze = require "multiviz.analyze"

return mv
