-- Lists: pushed to, read and written by index.

local function fill(size, seed)
  local xs = {}
  for i = 0, size - 1 do xs[#xs + 1] = (i * 7 + seed) % 1009 end
  return xs
end

local function reverse(xs)
  local low, high = 1, #xs
  while low < high do
    xs[low], xs[high] = xs[high], xs[low]
    low = low + 1
    high = high - 1
  end
end

local function run(rounds)
  local sum = 0
  for round = 0, rounds - 1 do
    local xs = fill(1000, round)
    reverse(xs)
    for i = 2, #xs do xs[i] = (xs[i] + xs[i - 1]) % 4093 end
    for _, x in ipairs(xs) do sum = sum + x end
  end
  return sum
end

print(run(tonumber(arg[1])))
