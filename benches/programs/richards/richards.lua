-- A small operating system after Martin Richards: a scheduler, six tasks, and packets that they pass around.

local IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = 0, 1, 2, 3, 4, 5
local OF_DEVICE, OF_WORK = 0, 1

local function new_packet(link, to, kind)
  return { link = link, to = to, kind = kind, letter = 0, letters = { 0, 0, 0, 0 } }
end

-- Adds a packet to the end of a chain of packets.
local function append(packet, chain)
  packet.link = nil
  if not chain then return packet end
  local last = chain
  while last.link do last = last.link end
  last.link = packet
  return chain
end

local Task = {}
Task.__index = Task

function Task.new(link, id, priority, queue, work, waiting)
  local task = { link = link, id = id, priority = priority, queue = queue, work = work, waiting = waiting, holding = false }
  return setmetatable(task, Task)
end

function Task:runnable() return not self.holding and (not self.waiting or self.queue ~= nil) end

-- Takes a packet, and puts the packet's task where a more important one goes first.
function Task:accept(packet, current)
  self.queue = append(packet, self.queue)
  if self.priority > current.priority then return self end
  return current
end

function Task:run()
  local packet = self.queue
  if self.waiting then
    self.queue = packet.link
    self.waiting = false
    return self.work:step(packet)
  end
  return self.work:step(nil)
end

local Scheduler = {}
Scheduler.__index = Scheduler

function Scheduler.new()
  return setmetatable({ tasks = nil, table = {}, current = nil, queued = 0, held = 0 }, Scheduler)
end

function Scheduler:add(id, priority, queue, work, waiting)
  self.tasks = Task.new(self.tasks, id, priority, queue, work, waiting)
  self.table[id + 1] = self.tasks
end

function Scheduler:run()
  self.current = self.tasks
  while self.current do
    local task = self.current
    if task:runnable() then self.current = task:run() else self.current = task.link end
  end
end

function Scheduler:wait()
  self.current.waiting = true
  return self.current
end

function Scheduler:hold()
  self.held = self.held + 1
  self.current.holding = true
  return self.current.link
end

function Scheduler:release(id)
  local task = self.table[id + 1]
  task.holding = false
  if task.priority > self.current.priority then return task end
  return self.current
end

function Scheduler:send(packet)
  local task = self.table[packet.to + 1]
  self.queued = self.queued + 1
  packet.link = nil
  packet.to = self.current.id
  return task:accept(packet, self.current)
end

-- Wakes one device or the other, as a pseudo-random bit says.
local Idle = {}
Idle.__index = Idle
function Idle.new(os, seed, left) return setmetatable({ os = os, seed = seed, left = left }, Idle) end

function Idle:step(_)
  self.left = self.left - 1
  if self.left == 0 then return self.os:hold() end
  if self.seed % 2 == 0 then
    self.seed = math.floor(self.seed / 2)
    return self.os:release(DEVICE_A)
  end
  self.seed = (self.seed * 16807) % 65521
  return self.os:release(DEVICE_B)
end

-- Fills packets with letters and sends them to the handlers in turn.
local Worker = {}
Worker.__index = Worker
function Worker.new(os, next, count) return setmetatable({ os = os, next = next, count = count }, Worker) end

function Worker:step(packet)
  if not packet then return self.os:wait() end
  self.next = self.next == HANDLER_A and HANDLER_B or HANDLER_A
  packet.to = self.next
  packet.letter = 0
  for i = 1, 4 do
    self.count = self.count % 26 + 1
    packet.letters[i] = self.count
  end
  return self.os:send(packet)
end

-- Takes the letters out of work packets one by one, and gives each to a device.
local Handler = {}
Handler.__index = Handler
function Handler.new(os) return setmetatable({ os = os, work = nil, devices = nil }, Handler) end

function Handler:step(packet)
  if packet then
    if packet.kind == OF_WORK then
      self.work = append(packet, self.work)
    else
      self.devices = append(packet, self.devices)
    end
  end
  local work = self.work
  if not work then return self.os:wait() end
  if work.letter >= 4 then
    self.work = work.link
    return self.os:send(work)
  end
  local device = self.devices
  if not device then return self.os:wait() end
  self.devices = device.link
  device.letter = work.letters[work.letter + 1]
  work.letter = work.letter + 1
  return self.os:send(device)
end

-- Holds each packet until it is released.
local Device = {}
Device.__index = Device
function Device.new(os) return setmetatable({ os = os, packet = nil }, Device) end

function Device:step(packet)
  if packet then
    self.packet = packet
    return self.os:hold()
  end
  local done = self.packet
  if not done then return self.os:wait() end
  self.packet = nil
  return self.os:send(done)
end

local function packets(count, to, kind)
  local chain = nil
  for _ = 1, count do chain = new_packet(chain, to, kind) end
  return chain
end

local function simulate()
  local os = Scheduler.new()
  os:add(IDLE, 0, nil, Idle.new(os, 1, 5000), false)
  os:add(WORKER, 1000, packets(2, WORKER, OF_WORK), Worker.new(os, HANDLER_A, 0), true)
  os:add(HANDLER_A, 2000, packets(3, DEVICE_A, OF_DEVICE), Handler.new(os), true)
  os:add(HANDLER_B, 3000, packets(3, DEVICE_B, OF_DEVICE), Handler.new(os), true)
  os:add(DEVICE_A, 4000, nil, Device.new(os), true)
  os:add(DEVICE_B, 5000, nil, Device.new(os), true)
  os:run()
  return os.queued * 100000 + os.held
end

local function run(rounds)
  local sum = 0
  for _ = 1, rounds do sum = sum + simulate() end
  return sum
end

print(run(tonumber(arg[1])))
