-- Loops found in a graph of control flow after Paul Havlak: depth-first search, sets, and union-find.

local Graph = {}
Graph.__index = Graph

function Graph.new() return setmetatable({ sources = {}, targets = {} }, Graph) end

function Graph:node()
  local node = #self.sources + 1
  self.sources[node] = {}
  self.targets[node] = {}
  return node
end

function Graph:edge(from, to)
  local targets, sources = self.targets[from], self.sources[to]
  targets[#targets + 1] = to
  sources[#sources + 1] = from
end

-- Each of these goes on from a node and gives the node where it ends.
function Graph:straight(from)
  local to = self:node()
  self:edge(from, to)
  return to
end

function Graph:diamond(from)
  local left = self:straight(from)
  local right = self:straight(from)
  local join = self:straight(left)
  self:edge(right, join)
  return join
end

function Graph:nest(from, depth)
  local header = self:straight(from)
  local body = self:diamond(header)
  local inner
  if depth == 0 then
    inner = self:diamond(body)
  else
    inner = self:nest(self:nest(body, depth - 1), depth - 1)
  end
  local footer = self:straight(inner)
  self:edge(inner, body)
  self:edge(footer, header)
  return self:straight(footer)
end

local PLAIN, ITSELF, REDUCIBLE, IRREDUCIBLE = 0, 1, 2, 3

local function find(parents, at)
  local root = at
  while parents[root] ~= root do root = parents[root] end
  local next = at
  while next ~= root do
    local above = parents[next]
    parents[next] = root
    next = above
  end
  return root
end

-- The nodes in depth-first order, and the last number below each node.
local function number(graph)
  local numbers, last = {}, {}
  for node = 1, #graph.targets do numbers[node] = -1 end
  local order, path, edges = { 1 }, { 1 }, { 1 }
  numbers[1] = 1
  while #path > 0 do
    local node, edge = path[#path], edges[#edges]
    local targets = graph.targets[node]
    if edge <= #targets then
      edges[#edges] = edge + 1
      local to = targets[edge]
      if numbers[to] < 0 then
        order[#order + 1] = to
        numbers[to] = #order
        path[#path + 1] = to
        edges[#edges + 1] = 1
      end
    else
      last[numbers[node]] = #order
      path[#path] = nil
      edges[#edges] = nil
    end
  end
  return numbers, order, last
end

local function find_loops(graph)
  local numbers, order, last = number(graph)
  local size = #order
  local back, other = {}, {}
  for w = 1, size do
    local backward, forward = {}, {}
    for _, source in ipairs(graph.sources[order[w]]) do
      local v = numbers[source]
      if v >= 0 then
        if w <= v and v <= last[w] then
          backward[#backward + 1] = v
        else
          forward[#forward + 1] = v
        end
      end
    end
    back[w] = backward
    other[w] = forward
  end
  local kinds, headers, parents = {}, {}, {}
  for w = 1, size do kinds[w], headers[w], parents[w] = PLAIN, -1, w end
  for w = size, 1, -1 do
    local inside, todo = {}, {}
    for _, v in ipairs(back[w]) do
      if v == w then
        kinds[w] = ITSELF
      else
        local root = find(parents, v)
        if not inside[root] then
          inside[root] = true
          todo[#todo + 1] = root
        end
      end
    end
    if #todo > 0 then kinds[w] = REDUCIBLE end
    while #todo > 0 do
      local x = todo[#todo]
      todo[#todo] = nil
      for _, y in ipairs(other[x]) do
        local root = find(parents, y)
        if root < w or root > last[w] then
          kinds[w] = IRREDUCIBLE
          table.insert(other[w], root)
        elseif root ~= w and not inside[root] then
          inside[root] = true
          todo[#todo + 1] = root
        end
      end
    end
    for x in pairs(inside) do
      headers[x] = w
      parents[x] = w
    end
  end
  -- How many loops, how deep they are nested, and how many have more than one entry.
  local depths = {}
  local loops, depth, odd = 0, 0, 0
  for w = 1, size do
    local above = headers[w] < 0 and 0 or depths[headers[w]]
    depths[w] = kinds[w] == PLAIN and above or above + 1
    if kinds[w] ~= PLAIN then
      loops = loops + 1
      depth = depth + depths[w]
      if kinds[w] == IRREDUCIBLE then odd = odd + 1 end
    end
  end
  return loops * 1000000 + depth * 100 + odd
end

local function run(rounds)
  local graph = Graph.new()
  local last = graph:node()
  for _ = 1, 10 do
    local start = last
    last = graph:nest(last, 4)
    -- A jump into the middle of the next nest, which gives that loop a second entry.
    graph:edge(start, last - 4)
  end
  local sum = 0
  for _ = 1, rounds do sum = sum + find_loops(graph) end
  return sum
end

print(run(tonumber(arg[1])))
