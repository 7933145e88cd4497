-- Floating point arithmetic: how many points of a grid stay within the Mandelbrot set for fifty steps.

local function run(size)
  local inside = 0
  for row = 0, size - 1 do
    local ci = 2.0 * row / size - 1.0
    for column = 0, size - 1 do
      local cr = 2.0 * column / size - 1.5
      local zr, zi = 0.0, 0.0
      local steps = 0
      while steps < 50 and zr * zr + zi * zi <= 4.0 do
        zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
        steps = steps + 1
      end
      if steps == 50 then inside = inside + 1 end
    end
  end
  return inside
end

print(run(tonumber(arg[1])))
