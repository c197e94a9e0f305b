-- What the files of tests/lua share. A file calls test(name, function) any number of times and ends with check.done(),
-- which exits with 1 when one failed.
--
--   local check = require "check"
--   local test, eq, near, raises = check.test, check.eq, check.near, check.raises
--   test("addition", function() eq(1 + 1, 2) end)
--   check.done()

local check = { failed = 0, passed = 0 }

local function show(value)
  if type(value) ~= "table" then
    return type(value) == "string" and string.format("%q", value) or tostring(value)
  end
  local parts = {}
  for _, item in ipairs(value) do parts[#parts + 1] = show(item) end
  for key, item in pairs(value) do
    if math.type(key) ~= "integer" then parts[#parts + 1] = tostring(key) .. " = " .. show(item) end
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function plain(value)
  local is_tensor = type(value) == "userdata" and tostring(value):find("^tensor") ~= nil
  return is_tensor and value:tolist() or value
end

local function same(a, b, tolerance)
  if type(a) == "table" and type(b) == "table" then
    for key, item in pairs(a) do
      if not same(item, b[key], tolerance) then return false end
    end
    for key in pairs(b) do
      if a[key] == nil then return false end
    end
    return true
  end
  if tolerance and type(a) == "number" and type(b) == "number" then
    return math.abs(a - b) <= tolerance or (a ~= a and b ~= b)
  end
  return a == b
end

-- Runs one test; an error in it is a failure that says where.
function check.test(name, body)
  local ok, message = xpcall(body, function(e) return debug.traceback(tostring(e), 2) end)
  if ok then
    check.passed = check.passed + 1
  else
    check.failed = check.failed + 1
    io.stderr:write("FAILED: ", name, "\n  ", (message:gsub("\n", "\n  ")), "\n")
  end
end

-- Tables are compared by content; a tensor by its entries.
function check.eq(got, expected)
  got, expected = plain(got), plain(expected)
  if not same(got, expected) then error("expected " .. show(expected) .. ", got " .. show(got), 2) end
end

function check.near(got, expected, tolerance)
  got, expected = plain(got), plain(expected)
  if not same(got, expected, tolerance or 1e-5) then error("expected about " .. show(expected) .. ", got " .. show(got), 2) end
end

function check.ok(condition, message)
  if not condition then error(message or "expected a true value", 2) end
end

-- The function must fail with an error that contains the text (plain, no pattern) and says file and line.
function check.raises(body, text)
  local ok, message = pcall(body)
  if ok then error("expected an error with '" .. text .. "'", 2) end
  message = tostring(message)
  if not message:find(text, 1, true) then error("expected an error with '" .. text .. "', got '" .. message .. "'", 2) end
  if not message:find("^[^\n]+:%d+: ") then error("the error does not say where: '" .. message .. "'", 2) end
end

-- A path for a file or folder of this test, where nothing is yet.
function check.scratch(ending)
  local path = os.tmpname()
  os.remove(path)
  return path .. (ending or "")
end

function check.done()
  print(string.format("%d passed, %d failed", check.passed, check.failed))
  os.exit(check.failed == 0 and 0 or 1, true)
end

return check
