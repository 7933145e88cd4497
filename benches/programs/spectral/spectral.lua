-- The spectral norm of an infinite matrix, cut off: float arithmetic over lists and many small calls.

local function entry(i, j) return 1.0 / ((i + j) * (i + j + 1) * 0.5 + i + 1) end

local function times(v, out, n)
  for i = 0, n - 1 do
    local sum = 0.0
    for j = 0, n - 1 do sum = sum + entry(i, j) * v[j + 1] end
    out[i + 1] = sum
  end
end

local function times_transposed(v, out, n)
  for i = 0, n - 1 do
    local sum = 0.0
    for j = 0, n - 1 do sum = sum + entry(j, i) * v[j + 1] end
    out[i + 1] = sum
  end
end

local function run(n)
  local u, v, between = {}, {}, {}
  for i = 1, n do u[i], v[i], between[i] = 1.0, 0.0, 0.0 end
  for _ = 1, 10 do
    times(u, between, n)
    times_transposed(between, v, n)
    times(v, between, n)
    times_transposed(between, u, n)
  end
  local uv, vv = 0.0, 0.0
  for i = 1, n do
    uv = uv + u[i] * v[i]
    vv = vv + v[i] * v[i]
  end
  return math.floor(math.sqrt(uv / vv) * 1e9)
end

print(string.format("%d", run(tonumber(arg[1]))))
