-- A constraint solver after DeltaBlue: variables, constraints of different strengths, and plans that are kept up to
-- date as constraints come and go.

-- Strengths, the strongest first.
local REQUIRED, PREFERRED, STRONG, NORMAL, WEAKEST = 0, 1, 2, 3, 6
local UNSOLVED, FORWARD, BACKWARD = 0, 1, 2

local Variable = {}
Variable.__index = Variable

function Variable.new(value)
  local variable = { value = value, constraints = {}, determined_by = nil, mark = 0, walk = WEAKEST, stay = true }
  return setmetatable(variable, Variable)
end

function Variable:forget(constraint)
  for i, known in ipairs(self.constraints) do
    if known == constraint then
      table.remove(self.constraints, i)
      break
    end
  end
  if self.determined_by == constraint then self.determined_by = nil end
end

-- Holds a variable where it is, or, as an input, where the program puts it.
local Unary = {}
Unary.__index = Unary

function Unary.new(target, strength, is_input)
  return setmetatable({ target = target, strength = strength, is_input = is_input, satisfied = false }, Unary)
end

function Unary:attach() table.insert(self.target.constraints, self) end
function Unary:detach() self.target:forget(self) end
function Unary:is_satisfied() return self.satisfied end
function Unary:give_up() self.satisfied = false end
function Unary:choose(mark)
  self.satisfied = self.target.mark ~= mark and self.strength < self.target.walk
end
function Unary:output() return self.target end
function Unary:mark_inputs(_) end
function Unary:inputs_known(_) return true end
function Unary:recalculate()
  self.target.walk = self.strength
  self.target.stay = not self.is_input
end
function Unary:execute() end

-- Keeps two variables in a relation, by computing one of them from the other.
local Binary = {}
Binary.__index = Binary

function Binary.new(left, right, strength, to_right, to_left)
  local constraint = {
    left = left, right = right, strength = strength, to_right = to_right, to_left = to_left, direction = UNSOLVED,
  }
  return setmetatable(constraint, Binary)
end

function Binary:attach()
  table.insert(self.left.constraints, self)
  table.insert(self.right.constraints, self)
end
function Binary:detach()
  self.left:forget(self)
  self.right:forget(self)
end
function Binary:is_satisfied() return self.direction ~= UNSOLVED end
function Binary:give_up() self.direction = UNSOLVED end
function Binary:choose(mark)
  local left, right = self.left, self.right
  local to_left
  if left.mark == mark then to_left = false
  elseif right.mark == mark then to_left = true
  else to_left = left.walk > right.walk
  end
  if to_left then
    self.direction = self.strength < left.walk and BACKWARD or UNSOLVED
  else
    self.direction = right.mark ~= mark and self.strength < right.walk and FORWARD or UNSOLVED
  end
end
function Binary:input()
  if self.direction == FORWARD then return self.left end
  return self.right
end
function Binary:output()
  if self.direction == FORWARD then return self.right end
  return self.left
end
function Binary:mark_inputs(mark) self:input().mark = mark end
function Binary:inputs_known(mark)
  local input = self:input()
  return input.mark == mark or input.stay or input.determined_by == nil
end
function Binary:recalculate()
  local input, output = self:input(), self:output()
  output.walk = self.strength > input.walk and self.strength or input.walk
  output.stay = input.stay
  if output.stay then self:execute() end
end
function Binary:execute()
  if self.direction == FORWARD then
    self.right.value = self.to_right(self.left.value)
  else
    self.left.value = self.to_left(self.right.value)
  end
end

local function equal(a, b, strength)
  return Binary.new(a, b, strength, function(x) return x end, function(x) return x end)
end

local function scaled(a, factor, offset, b, strength)
  return Binary.new(a, b, strength,
    function(x) return x * factor + offset end,
    function(x) return math.floor((x - offset) / factor) end)
end

-- Adds to `found` what computes other variables from this one.
local function add_consumers(variable, found)
  for _, constraint in ipairs(variable.constraints) do
    if constraint ~= variable.determined_by and constraint:is_satisfied() then found[#found + 1] = constraint end
  end
end

local Planner = {}
Planner.__index = Planner

function Planner.new() return setmetatable({ last_mark = 0 }, Planner) end

function Planner:new_mark()
  self.last_mark = self.last_mark + 1
  return self.last_mark
end

function Planner:add(constraint)
  constraint:attach()
  self:solve(constraint)
  return constraint
end

-- Satisfies a constraint, then what it has overridden, and so on.
function Planner:solve(constraint)
  local mark = self:new_mark()
  local next = constraint
  while next do next = self:satisfy(next, mark) end
end

function Planner:satisfy(constraint, mark)
  constraint:choose(mark)
  if not constraint:is_satisfied() then
    if constraint.strength == REQUIRED then error("a required constraint cannot be satisfied") end
    return nil
  end
  constraint:mark_inputs(mark)
  local output = constraint:output()
  local overridden = output.determined_by
  if overridden then overridden:give_up() end
  output.determined_by = constraint
  self:propagate(constraint, mark)
  output.mark = mark
  return overridden
end

function Planner:propagate(constraint, mark)
  local todo = { constraint }
  while #todo > 0 do
    local next = table.remove(todo)
    if next:output().mark == mark then error("a cycle of constraints") end
    next:recalculate()
    add_consumers(next:output(), todo)
  end
end

function Planner:remove(constraint)
  if not constraint:is_satisfied() then
    constraint:detach()
    return
  end
  local output = constraint:output()
  constraint:give_up()
  constraint:detach()
  local unsatisfied = self:release(output)
  for strength = REQUIRED, WEAKEST - 1 do
    for _, other in ipairs(unsatisfied) do
      if other.strength == strength then self:solve(other) end
    end
  end
end

-- Frees a variable and all that follows from it; gives what could now be satisfied.
function Planner:release(output)
  output.determined_by = nil
  output.walk = WEAKEST
  output.stay = true
  local unsatisfied = {}
  local todo = { output }
  while #todo > 0 do
    local variable = table.remove(todo)
    for _, constraint in ipairs(variable.constraints) do
      if not constraint:is_satisfied() then
        unsatisfied[#unsatisfied + 1] = constraint
      elseif constraint ~= variable.determined_by then
        constraint:recalculate()
        todo[#todo + 1] = constraint:output()
      end
    end
  end
  return unsatisfied
end

-- What to execute, in order, when the input changes.
function Planner:plan_from(input)
  local mark = self:new_mark()
  local plan = {}
  local todo = { input }
  while #todo > 0 do
    local next = table.remove(todo)
    local output = next:output()
    if output.mark ~= mark and next:inputs_known(mark) then
      plan[#plan + 1] = next
      output.mark = mark
      add_consumers(output, todo)
    end
  end
  return plan
end

function Planner:change(variable, value)
  local edit = self:add(Unary.new(variable, PREFERRED, true))
  local plan = self:plan_from(edit)
  for _ = 1, 10 do
    variable.value = value
    for _, constraint in ipairs(plan) do constraint:execute() end
  end
  self:remove(edit)
end

-- A long chain of equalities: a change at one end reaches the other.
local function chain(length)
  local planner = Planner.new()
  local variables = {}
  for i = 0, length do variables[i + 1] = Variable.new(0) end
  for i = 1, length do planner:add(equal(variables[i], variables[i + 1], REQUIRED)) end
  planner:add(Unary.new(variables[length + 1], STRONG, false))
  local edit = planner:add(Unary.new(variables[1], PREFERRED, true))
  local plan = planner:plan_from(edit)
  local sum = 0
  for i = 0, 99 do
    variables[1].value = i
    for _, constraint in ipairs(plan) do constraint:execute() end
    sum = sum + variables[length + 1].value
  end
  planner:remove(edit)
  return sum
end

-- Many pairs of variables, one a multiple of the other, changed from both sides.
local function projection(pairs)
  local planner = Planner.new()
  local sources, targets = {}, {}
  for i = 0, pairs - 1 do
    local source, target = Variable.new(i), Variable.new(i)
    sources[i + 1], targets[i + 1] = source, target
    planner:add(Unary.new(source, NORMAL, false))
    planner:add(scaled(source, 10, 1000, target, REQUIRED))
  end
  local sum = 0
  for i = 1, pairs do
    planner:change(sources[i], 17)
    sum = sum + targets[i].value
    planner:change(targets[i], 1050)
    sum = sum + sources[i].value
  end
  return sum
end

local function run(rounds)
  local sum = 0
  for i = 0, rounds - 1 do sum = sum + chain(200 + i % 10) + projection(200 + i % 10) end
  return sum
end

print(run(tonumber(arg[1])))
