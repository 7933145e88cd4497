-- N-body: the sun and four planets pull at one another; float arithmetic on fields of objects.

local sqrt = math.sqrt
local solar_mass = 4.0 * math.pi * math.pi
local days = 365.24

local Body = {}
Body.__index = Body

local function new_body(x, y, z, vx, vy, vz, mass)
  return setmetatable({ x = x, y = y, z = z, vx = vx, vy = vy, vz = vz, mass = mass }, Body)
end

function Body:kinetic()
  return 0.5 * self.mass * (self.vx * self.vx + self.vy * self.vy + self.vz * self.vz)
end

function Body:distance(other)
  local dx = self.x - other.x
  local dy = self.y - other.y
  local dz = self.z - other.z
  return sqrt(dx * dx + dy * dy + dz * dz)
end

function Body:pull(other, dt)
  local dx = self.x - other.x
  local dy = self.y - other.y
  local dz = self.z - other.z
  local squared = dx * dx + dy * dy + dz * dz
  local strength = dt / (squared * sqrt(squared))
  local own = self.mass * strength
  local its = other.mass * strength
  self.vx = self.vx - dx * its
  self.vy = self.vy - dy * its
  self.vz = self.vz - dz * its
  other.vx = other.vx + dx * own
  other.vy = other.vy + dy * own
  other.vz = other.vz + dz * own
end

function Body:drift(dt)
  self.x = self.x + self.vx * dt
  self.y = self.y + self.vy * dt
  self.z = self.z + self.vz * dt
end

local function planet(x, y, z, vx, vy, vz, mass)
  return new_body(x, y, z, vx * days, vy * days, vz * days, mass * solar_mass)
end

local function solar_system()
  local bodies = {
    new_body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, solar_mass),
    planet(4.8414314424647209, -1.16032004402742839, -0.103622044471123109,
      0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609),
    planet(8.34336671824457987, 4.12479856412430479, -0.403523417114321381,
      -0.00276742510726411899, 0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812),
    planet(12.894369562139131, -15.1111514016986312, -0.223307578892655734,
      0.00296460137564761618, 0.0023784717395948095, -0.0000296589568540237556, 0.0000436624404335156298),
    planet(15.3796971148509165, -25.9193146099879641, 0.179258772950371181,
      0.00268067772490389322, 0.00162824170038242295, -0.000095159225451971587, 0.0000515138902046611451),
  }
  -- The sun moves so that the whole stays where it is.
  local sun = bodies[1]
  for _, body in ipairs(bodies) do
    sun.vx = sun.vx - body.vx * body.mass / solar_mass
    sun.vy = sun.vy - body.vy * body.mass / solar_mass
    sun.vz = sun.vz - body.vz * body.mass / solar_mass
  end
  return bodies
end

local function energy(bodies)
  local sum = 0.0
  for i = 1, #bodies do
    sum = sum + bodies[i]:kinetic()
    for j = i + 1, #bodies do
      sum = sum - bodies[i].mass * bodies[j].mass / bodies[i]:distance(bodies[j])
    end
  end
  return sum
end

local function advance(bodies, dt)
  local n = #bodies
  for i = 1, n do
    local body = bodies[i]
    for j = i + 1, n do body:pull(bodies[j], dt) end
  end
  for i = 1, n do bodies[i]:drift(dt) end
end

local bodies = solar_system()
for _ = 1, tonumber(arg[1]) do advance(bodies, 0.01) end
print(string.format("%d", math.floor(energy(bodies) * 1e9)))
