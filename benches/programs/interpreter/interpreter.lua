-- An interpreter of a small language with parentheses: tokens, a tree of tables, and a function that walks it.

local NUM, VAR, OP, IF, SET, WHILE, DO, CALL = 1, 2, 3, 4, 5, 6, 7, 8

local source = [[
(def fib (n)
  (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(def collatz (limit best n steps)
  (do
    (while (< 0 limit)
      (do
        (set n limit)
        (set steps 0)
        (while (< 1 n)
          (do
            (if (= (% n 2) 0) (set n (// n 2)) (set n (+ (* 3 n) 1)))
            (set steps (+ steps 1))))
        (if (< best steps) (set best steps) 0)
        (set limit (- limit 1))))
    best))
(def main (size)
  (+ (* 1000 (fib (+ 10 (% size 3)))) (collatz (* size 10) 0 0 0)))
]]

local function tokenize(text)
  local tokens = {}
  for token in text:gsub("%(", " ( "):gsub("%)", " ) "):gmatch("%S+") do tokens[#tokens + 1] = token end
  return tokens
end

local operators = { ["+"] = true, ["-"] = true, ["*"] = true, ["//"] = true, ["%"] = true, ["<"] = true, ["="] = true }

local Parser = {}
Parser.__index = Parser

function Parser.new(tokens, functions)
  return setmetatable({ tokens = tokens, functions = functions, at = 1, slots = {} }, Parser)
end

function Parser:next()
  self.at = self.at + 1
  return self.tokens[self.at - 1]
end

function Parser:slot(name)
  for i, known in ipairs(self.slots) do
    if known == name then return i end
  end
end

function Parser:program()
  while self.at <= #self.tokens do
    assert(self:next() == "(" and self:next() == "def")
    local func = { slots = 0, body = nil }
    self.functions[self:next()] = func
    self:next()
    local slots = {}
    local token = self:next()
    while token ~= ")" do
      slots[#slots + 1] = token
      token = self:next()
    end
    self.slots = slots
    func.slots = #slots
    func.body = self:expression()
    self:next()
  end
end

function Parser:expression()
  local token = self:next()
  if token ~= "(" then
    if token:find("^%d") then return { kind = NUM, value = tonumber(token) } end
    return { kind = VAR, slot = self:slot(token) }
  end
  local head = self:next()
  local slot = head == "set" and self:slot(self:next()) or nil
  local parts = {}
  while self.tokens[self.at] ~= ")" do parts[#parts + 1] = self:expression() end
  self:next()
  if head == "if" then return { kind = IF, condition = parts[1], yes = parts[2], no = parts[3] } end
  if head == "set" then return { kind = SET, slot = slot, value = parts[1] } end
  if head == "while" then return { kind = WHILE, condition = parts[1], body = parts[2] } end
  if head == "do" then return { kind = DO, steps = parts } end
  if operators[head] then return { kind = OP, name = head, left = parts[1], right = parts[2] } end
  return { kind = CALL, func = self.functions[head], args = parts }
end

local floor = math.floor

local function operate(name, a, b)
  if name == "+" then return a + b end
  if name == "-" then return a - b end
  if name == "*" then return a * b end
  if name == "//" then return floor(a / b) end
  if name == "%" then return a % b end
  if name == "<" then return a < b and 1 or 0 end
  if name == "=" then return a == b and 1 or 0 end
  error("no such operator")
end

local function evaluate(node, frame)
  local kind = node.kind
  if kind == NUM then return node.value end
  if kind == VAR then return frame[node.slot] end
  if kind == OP then return operate(node.name, evaluate(node.left, frame), evaluate(node.right, frame)) end
  if kind == IF then
    if evaluate(node.condition, frame) ~= 0 then return evaluate(node.yes, frame) end
    return evaluate(node.no, frame)
  end
  if kind == SET then
    local result = evaluate(node.value, frame)
    frame[node.slot] = result
    return result
  end
  if kind == WHILE then
    while evaluate(node.condition, frame) ~= 0 do evaluate(node.body, frame) end
    return 0
  end
  if kind == DO then
    local result = 0
    for _, step in ipairs(node.steps) do result = evaluate(step, frame) end
    return result
  end
  if kind == CALL then
    local inner = {}
    for i, arg in ipairs(node.args) do inner[i] = evaluate(arg, frame) end
    return evaluate(node.func.body, inner)
  end
  error("no such node")
end

local functions = {}
Parser.new(tokenize(source), functions):program()
print(evaluate(functions.main.body, { tonumber(arg[1]) }))
