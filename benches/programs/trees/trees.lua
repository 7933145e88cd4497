-- Binary trees: many small objects made, walked and forgotten, beside one tree that stays.

-- A node is an array of two, which takes less time and memory here than fields with names.
local function grow(depth)
  if depth == 0 then return {} end
  return { grow(depth - 1), grow(depth - 1) }
end

local function count(tree)
  if not tree[1] then return 1 end
  return 1 + count(tree[1]) + count(tree[2])
end

local function run(most)
  local lasting = grow(most)
  local sum = 0
  for depth = 4, most, 4 do
    for _ = 1, 2 ^ (most - depth + 4) do sum = sum + count(grow(depth)) end
  end
  return sum + count(lasting)
end

print(run(tonumber(arg[1])))
