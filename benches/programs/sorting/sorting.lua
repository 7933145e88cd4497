-- A sort by a comparator written in the language.

local function run(size)
  local xs = {}
  local x = 1
  for i = 1, size do
    x = (x * 16807) % 2147483647
    xs[i] = x
  end
  table.sort(xs, function(a, b) return a > b end)
  local sum = 0
  for i = 1, size do sum = (sum * 3 + xs[i]) % 1000003 end
  return sum
end

print(run(tonumber(arg[1])))
