-- A JSON parser written in the language: characters, slices, numbers, lists and maps.

local byte, sub = string.byte, string.sub

local SPACE, QUOTE, COMMA, COLON = byte(" "), byte('"'), byte(","), byte(":")
local OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP = byte("["), byte("]"), byte("{"), byte("}")
local MINUS, ZERO, NINE = byte("-"), byte("0"), byte("9")
local LETTER_T, LETTER_F, LETTER_N = byte("t"), byte("f"), byte("n")

local Parser = {}
Parser.__index = Parser

function Parser.new(text) return setmetatable({ text = text, at = 1 }, Parser) end

function Parser:skip()
  while self.at <= #self.text and byte(self.text, self.at) <= SPACE do self.at = self.at + 1 end
end

function Parser:expect(code)
  if byte(self.text, self.at) ~= code then error({ message = "unexpected character", data = self.at }) end
  self.at = self.at + 1
end

function Parser:value()
  self:skip()
  local code = byte(self.text, self.at)
  local value
  if code == OPEN_MAP then value = self:map()
  elseif code == OPEN_LIST then value = self:list()
  elseif code == QUOTE then value = self:string()
  elseif code == LETTER_T then value = self:word("true", true)
  elseif code == LETTER_F then value = self:word("false", false)
  elseif code == LETTER_N then value = self:word("null", nil)
  else value = self:number()
  end
  self:skip()
  return value
end

function Parser:word(letters, value)
  local past = self.at + #letters
  if sub(self.text, self.at, past - 1) ~= letters then error({ message = "unexpected word", data = self.at }) end
  self.at = past
  return value
end

function Parser:number()
  local negative = byte(self.text, self.at) == MINUS
  if negative then self.at = self.at + 1 end
  local start = self.at
  local number = 0
  while self.at <= #self.text do
    local code = byte(self.text, self.at)
    if code < ZERO or code > NINE then break end
    number = number * 10 + code - ZERO
    self.at = self.at + 1
  end
  if self.at == start then error({ message = "a number expected", data = start }) end
  return negative and -number or number
end

function Parser:string()
  self:expect(QUOTE)
  local start = self.at
  while byte(self.text, self.at) ~= QUOTE do self.at = self.at + 1 end
  local string = sub(self.text, start, self.at - 1)
  self.at = self.at + 1
  return string
end

function Parser:list()
  self:expect(OPEN_LIST)
  local items = {}
  self:skip()
  if byte(self.text, self.at) == CLOSE_LIST then
    self.at = self.at + 1
    return items
  end
  while true do
    items[#items + 1] = self:value()
    if byte(self.text, self.at) ~= COMMA then break end
    self.at = self.at + 1
  end
  self:expect(CLOSE_LIST)
  return items
end

function Parser:map()
  self:expect(OPEN_MAP)
  local entries = {}
  self:skip()
  if byte(self.text, self.at) == CLOSE_MAP then
    self.at = self.at + 1
    return entries
  end
  while true do
    self:skip()
    local key = self:string()
    self:skip()
    self:expect(COLON)
    entries[key] = self:value()
    if byte(self.text, self.at) ~= COMMA then break end
    self.at = self.at + 1
  end
  self:expect(CLOSE_MAP)
  return entries
end

local function document(people)
  local entries = {}
  for i = 0, people - 1 do
    local tags = {}
    for t = 0, i % 4 - 1 do tags[t + 1] = '"tag' .. t .. '"' end
    entries[i + 1] = '{"id": ' .. i .. ', "name": "person ' .. i * 37 % people .. '", "tags": ['
      .. table.concat(tags, ", ") .. '], "balance": ' .. i * 7919 % 2003 - 1000
      .. ', "active": ' .. tostring(i % 3 == 0) .. ', "boss": null}'
  end
  return "[\n  " .. table.concat(entries, ",\n  ") .. "\n]\n"
end

local function run(rounds)
  local text = document(100)
  local sum = #text
  for _ = 1, rounds do
    local people = Parser.new(text):value()
    for _, person in ipairs(people) do
      sum = sum + person.id + person.balance + #person.name + #person.tags
      if person.active then sum = sum + 1 end
    end
  end
  return sum
end

print(run(tonumber(arg[1])))
