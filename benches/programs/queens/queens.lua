-- N queens: in how many ways they can stand on the board, by backtracking.

local function place(row, n, columns, rising, falling)
  if row > n then return 1 end
  local ways = 0
  for column = 1, n do
    local up = row + column - 1
    local down = row - column + n
    if columns[column] and rising[up] and falling[down] then
      columns[column] = false
      rising[up] = false
      falling[down] = false
      ways = ways + place(row + 1, n, columns, rising, falling)
      columns[column] = true
      rising[up] = true
      falling[down] = true
    end
  end
  return ways
end

local function free(n)
  local all = {}
  for i = 1, n do all[i] = true end
  return all
end

local n = tonumber(arg[1])
print(place(1, n, free(n), free(2 * n - 1), free(2 * n - 1)))
