-- Map, filter and fold with lambdas that take a variable along.

local function map(xs, f)
  local out = {}
  for i = 1, #xs do out[i] = f(xs[i]) end
  return out
end

local function filter(xs, f)
  local out, n = {}, 0
  for i = 1, #xs do
    local x = xs[i]
    if f(x) then
      n = n + 1
      out[n] = x
    end
  end
  return out
end

local function fold(xs, init, f)
  local total = init
  for i = 1, #xs do total = f(total, xs[i]) end
  return total
end

local function run(rounds)
  local numbers = {}
  for i = 1, 1000 do numbers[i] = i - 1 end
  local sum = 0
  for k = 0, rounds - 1 do
    local step = k % 5 + 1
    local scaled = map(numbers, function(x) return x * step + k end)
    local kept = filter(scaled, function(x) return x % 3 ~= 0 end)
    sum = sum + fold(kept, 0, function(total, x) return (total + x) % 1000003 end)
  end
  return sum
end

print(run(tonumber(arg[1])))
