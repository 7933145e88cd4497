-- Integer arithmetic in nested loops, nothing else.

local function run(rounds)
  local sum = 0
  local a = 1
  for i = 0, rounds - 1 do
    local j = 0
    while j < 10 do
      a = (a * 31 + j) % 65521
      if a % 2 == 0 then sum = sum + a else sum = sum - i % 7 end
      j = j + 1
    end
  end
  return sum
end

print(run(tonumber(arg[1])))
