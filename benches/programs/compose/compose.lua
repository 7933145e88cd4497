-- Composition chains: twelve functions composed into one, which is then called.

local function compose(f, g) return function(x) return g(f(x)) end end
local function add(n) return function(x) return x + n end end
local function scale(n) return function(x) return (x * n) % 10007 end end

local function chain(seed)
  local f = add(seed)
  for k = 1, 6 do f = compose(compose(f, scale(k)), add(k)) end
  return f
end

local function run(rounds)
  local sum = 0
  for i = 0, rounds - 1 do
    local f = chain(i)
    for x = 0, 9 do sum = (sum + f(x)) % 1000003 end
  end
  return sum
end

print(run(tonumber(arg[1])))
