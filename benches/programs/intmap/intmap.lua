-- Maps with int keys, far apart: counted up, looked up, removed from.

local function run(size)
  local counts = {}
  local key = 1
  for i = 0, size - 1 do
    key = (key * 16807) % 2147483647
    local slot = key % 50021 * 31
    counts[slot] = (counts[slot] or 0) + i % 5
  end
  local sum = 0
  for i = 0, size - 1 do
    local found = counts[i % 60000 * 31]
    if found then sum = sum + found * (i % 3 + 1) end
  end
  for i = 0, math.floor(size / 10) - 1 do counts[i * 62] = nil end
  local left = 0
  for _ in pairs(counts) do left = left + 1 end
  return sum + left
end

print(run(tonumber(arg[1])))
