-- Maps with string keys: words counted, some of them made on the way.

local function run(size)
  local words = {}
  for i = 0, 1999 do words[i + 1] = "word" .. i * 7 % 2000 end
  local counts = {}
  local at = 1
  for i = 0, size - 1 do
    at = (at * 16807) % 2147483647
    local word = i % 8 == 0 and "word" .. at % 3000 or words[at % 2000 + 1]
    counts[word] = (counts[word] or 0) + 1
  end
  local sum, different = 0, 0
  for word, count in pairs(counts) do
    sum = sum + count * #word
    different = different + 1
  end
  return sum * 10000 + different
end

print(run(tonumber(arg[1])))
