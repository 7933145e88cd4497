-- One task of the comparison: folder, name of the task, how often. Lua has no JSON of its own: this reads and writes it
-- by patterns, as its libraries do.

local folder, task, times = arg[1], arg[2], tonumber(arg[3])

local function contents(name)
  local file = assert(io.open(folder .. "/" .. name, "rb"))
  local all = file:read("a")
  file:close()
  return all
end

local function document() return contents("document.json") end
local function text() return contents("text.txt") end

local null = {}
local find, sub, byte = string.find, string.sub, string.byte
local unescaped = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local parse_value

local function parse_string(s, at)
  local last = find(s, '["\\]', at)
  if byte(s, last) == 34 then return sub(s, at, last - 1), last + 1 end
  local pieces, from = {}, at
  while byte(s, last) == 92 do
    pieces[#pieces + 1] = sub(s, from, last - 1)
    local letter = sub(s, last + 1, last + 1)
    if letter == "u" then
      pieces[#pieces + 1] = utf8.char(tonumber(sub(s, last + 2, last + 5), 16))
      from = last + 6
    else
      pieces[#pieces + 1] = unescaped[letter] or letter
      from = last + 2
    end
    last = find(s, '["\\]', from)
  end
  pieces[#pieces + 1] = sub(s, from, last - 1)
  return table.concat(pieces), last + 1
end

function parse_value(s, at)
  at = find(s, "[^ \n\r\t]", at)
  local c = byte(s, at)
  if c == 34 then return parse_string(s, at + 1) end
  if c == 123 then
    local map, key = {}, nil
    at = find(s, "[^ \n\r\t]", at + 1)
    while byte(s, at) ~= 125 do
      if byte(s, at) == 44 then at = find(s, "[^ \n\r\t]", at + 1) end
      key, at = parse_string(s, at + 1)
      at = find(s, ":", at, true)
      map[key], at = parse_value(s, at + 1)
      at = find(s, "[^ \n\r\t]", at)
    end
    return map, at + 1
  end
  if c == 91 then
    local list, n = {}, 0
    at = find(s, "[^ \n\r\t]", at + 1)
    while byte(s, at) ~= 93 do
      if byte(s, at) == 44 then at = at + 1 end
      n = n + 1
      list[n], at = parse_value(s, at)
      at = find(s, "[^ \n\r\t]", at)
    end
    return list, at + 1
  end
  if c == 116 then return true, at + 4 end
  if c == 102 then return false, at + 5 end
  if c == 110 then return null, at + 4 end
  local _, last = find(s, "^[-+.%deE]+", at)
  return tonumber(sub(s, at, last)), last + 1
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(s)
  return '"' .. s:gsub('[%c"\\]', function(c) return escapes[c] or string.format("\\u%04x", byte(c)) end) .. '"'
end

local function write(v, out, n)
  local kind = type(v)
  if kind == "string" then
    out[n + 1] = quote(v)
    return n + 1
  elseif kind == "number" then
    out[n + 1] = math.type(v) == "integer" and tostring(v) or string.format("%.17g", v)
    return n + 1
  elseif v == null then
    out[n + 1] = "null"
    return n + 1
  elseif kind == "boolean" then
    out[n + 1] = v and "true" or "false"
    return n + 1
  elseif v[1] ~= nil or next(v) == nil then
    out[n + 1] = "["
    n = n + 1
    for i = 1, #v do
      if i > 1 then out[n + 1] = "," n = n + 1 end
      n = write(v[i], out, n)
    end
    out[n + 1] = "]"
    return n + 1
  end
  local first = true
  for key, value in pairs(v) do
    out[n + 1] = first and "{" or ","
    out[n + 2] = quote(key)
    out[n + 3] = ":"
    n = write(value, out, n + 3)
    first = false
  end
  out[n + 1] = "}"
  return n + 1
end

local function stringify(v)
  local out = {}
  write(v, out, 0)
  return table.concat(out)
end

local function numbers()
  local ints, x = {}, 1
  for i = 1, 1000000 do
    x = (x * 1103515245 + 12345) % 2147483648
    ints[i] = x
  end
  return ints
end

local function strings()
  local strs = {}
  for i, int in ipairs(numbers()) do strs[i] = tostring(int) end
  return strs
end

local function sort(list, less) table.sort(table.move(list, 1, #list, 1, {}), less) end
local function is_less(a, b) return a < b end

local function split(s)
  local parts, n, from = {}, 0, 1
  while true do
    local at = find(s, " ", from, true)
    n = n + 1
    if not at then
      parts[n] = sub(s, from)
      return parts
    end
    parts[n] = sub(s, from, at - 1)
    from = at + 1
  end
end

local function count(t)
  local counts = {}
  for word in t:gmatch("%S+") do counts[word] = (counts[word] or 0) + 1 end
  return counts
end

-- What a task works on, and its work.
local tasks = {
  json_parse = { document, function(d) return parse_value(d, 1) end },
  json_stringify = { function() return (parse_value(document(), 1)) end, stringify },
  sort_ints = { numbers, function(xs) sort(xs) end },
  sort_ints_by_function = { numbers, function(xs) sort(xs, is_less) end },
  sort_strs = { strings, function(xs) sort(xs) end },
  sort_strs_by_function = { strings, function(xs) sort(xs, is_less) end },
  split = { text, split },
  join = { function() return split(text()) end, function(parts) return table.concat(parts, " ") end },
  count_words = { text, count },
}
local prepare, work = table.unpack(tasks[task])
local given = prepare()
for _ = 1, times do work(given) end
