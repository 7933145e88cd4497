-- Exceptions thrown two calls deep and caught, every third time.

local function check(i)
  if i % 3 == 0 then error({ message = "a multiple of three", data = i }) end
  return i
end

local function guarded(i) return check(i) + 1 end

local function run(rounds)
  local fine, caught = 0, 0
  for i = 0, rounds - 1 do
    local ok, result = pcall(guarded, i)
    if ok then
      fine = fine + result % 7
    else
      caught = caught + result.data % 5
    end
  end
  return fine * 1000 + caught % 1000
end

print(run(tonumber(arg[1])))
