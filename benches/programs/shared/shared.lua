-- One counter shared by two closures: what one of them changes the other sees.

local function account(opening)
  local balance = opening
  local function deposit(amount) balance = balance + amount end
  local function read() return balance end
  return deposit, read
end

local function run(rounds)
  local sum = 0
  for i = 0, rounds - 1 do
    local deposit, read = account(i)
    deposit(read() % 7)
    deposit(3)
    sum = (sum + read()) % 1000003
  end
  return sum
end

print(run(tonumber(arg[1])))
