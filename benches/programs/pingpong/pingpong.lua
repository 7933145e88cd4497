-- Coroutines: two that hand a number to and fro, and short-lived ones that count.

local resume, yield = coroutine.resume, coroutine.yield

local function player(step)
  return coroutine.create(function(ball)
    local at = ball
    while true do at = yield((at + step) % 1000003) end
  end)
end

local function count_to(n)
  return coroutine.wrap(function()
    for i = 0, n - 1 do yield(i) end
  end)
end

local function run(rounds)
  local ping, pong = player(3), player(5)
  local ball = 1
  for _ = 1, rounds do
    local _, between = resume(ping, ball)
    _, ball = resume(pong, between)
  end
  local sum = ball
  for _ = 1, math.floor(rounds / 20) do
    for i in count_to(10) do sum = sum + i end
  end
  return sum
end

print(run(tonumber(arg[1])))
