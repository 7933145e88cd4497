-- Fannkuch: for every order of n numbers, how many prefix reversals bring 1 to the front.

local function flips_of(order, flipped, n)
  for i = 1, n do flipped[i] = order[i] end
  local flips = 0
  local first = flipped[1]
  while first ~= 0 do
    local low, high = 1, first + 1
    while low < high do
      flipped[low], flipped[high] = flipped[high], flipped[low]
      low = low + 1
      high = high - 1
    end
    flips = flips + 1
    first = flipped[1]
  end
  return flips
end

local function run(n)
  local order, flipped, count = {}, {}, {}
  for i = 1, n do order[i], flipped[i], count[i] = i - 1, 0, 0 end
  local most, checksum, sign = 0, 0, 1
  local r = n
  while true do
    while r > 1 do
      count[r] = r
      r = r - 1
    end
    local flips = flips_of(order, flipped, n)
    if flips > most then most = flips end
    checksum = checksum + sign * flips
    sign = -sign
    -- The next order: rotate ever longer prefixes, each as often as it is long.
    while true do
      if r == n then return checksum * 100 + most end
      local first = order[1]
      for i = 1, r do order[i] = order[i + 1] end
      order[r + 1] = first
      count[r + 1] = count[r + 1] - 1
      if count[r + 1] > 0 then break end
      r = r + 1
    end
  end
end

print(run(tonumber(arg[1])))
