-- Strings taken apart at commas and put together again in another order.

local function split(text)
  local parts, n = {}, 0
  for part in text:gmatch("[^,]+") do
    n = n + 1
    parts[n] = part
  end
  return parts
end

local function run(rounds)
  local fields = {}
  for i = 0, 99 do fields[i + 1] = "field" .. i * 37 % 1000 end
  local line = table.concat(fields, ",")
  local sum = 0
  for round = 0, rounds - 1 do
    local parts = split(line)
    local turned = {}
    for i = 2, #parts do turned[i - 1] = parts[i] end
    turned[#parts] = parts[1]
    line = table.concat(turned, ",")
    sum = sum + #parts[round % 100 + 1] + #line
  end
  return sum
end

print(run(tonumber(arg[1])))
