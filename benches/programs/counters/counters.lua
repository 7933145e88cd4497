-- Closures made and called: a counter with a variable of its own, made, called three times and forgotten.

local function counter(start)
  local n = start
  return function()
    n = n + 1
    return n
  end
end

local function run(rounds)
  local sum = 0
  for i = 0, rounds - 1 do
    local next = counter(i)
    sum = (sum + next() + next() * 2 + next() * 3) % 1000003
  end
  return sum
end

print(run(tonumber(arg[1])))
