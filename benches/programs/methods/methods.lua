-- Methods called on objects: of one class, and of three classes in turn.

local Account = {}
Account.__index = Account
function Account.new(balance) return setmetatable({ balance = balance }, Account) end
function Account:deposit(amount)
  self.balance = self.balance + amount
  return self
end
function Account:worth() return self.balance end

local Square = {}
Square.__index = Square
function Square.new(side) return setmetatable({ side = side }, Square) end
function Square:area() return self.side * self.side end
function Square:grow(by) self.side = (self.side + by) % 17 end

local Rect = {}
Rect.__index = Rect
function Rect.new(width, height) return setmetatable({ width = width, height = height }, Rect) end
function Rect:area() return self.width * self.height end
function Rect:grow(by) self.width = (self.width + by) % 13 end

local Triangle = {}
Triangle.__index = Triangle
function Triangle.new(base, height) return setmetatable({ base = base, height = height }, Triangle) end
function Triangle:area() return self.base * self.height end
function Triangle:grow(by) self.height = (self.height + by) % 11 end

local function run(rounds)
  local account = Account.new(0)
  local shapes = { Square.new(1), Rect.new(2, 3), Triangle.new(4, 5), Rect.new(6, 7) }
  local sum = 0
  for i = 0, rounds - 1 do
    account:deposit(i % 10):deposit(1)
    for _, shape in ipairs(shapes) do
      shape:grow(i % 3)
      sum = sum + shape:area()
    end
  end
  return sum + account:worth()
end

print(run(tonumber(arg[1])))
