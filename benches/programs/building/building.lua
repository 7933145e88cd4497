-- Strings built: pieces put together in place, gathered in a table and joined.

local function run(rounds)
  local length, stars = 0, 0
  for round = 0, rounds - 1 do
    local lines = {}
    for i = 0, 49 do
      local bar = ""
      for _ = 1, i % 8 do bar = bar .. "*" end
      lines[#lines + 1] = "line " .. i .. " of round " .. round .. ": " .. bar
    end
    local text = table.concat(lines, "\n")
    length = length + #text
    if text:sub(-1) == "*" then stars = stars + 1 end
  end
  return length * 10 + stars % 10
end

print(run(tonumber(arg[1])))
