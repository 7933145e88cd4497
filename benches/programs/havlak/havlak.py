"""Loops found in a graph of control flow after Paul Havlak: depth-first search, sets, and union-find."""

import sys


class Graph:
    __slots__ = ("sources", "targets")

    def __init__(self):
        self.sources = []
        self.targets = []

    def node(self):
        self.sources.append([])
        self.targets.append([])
        return len(self.sources) - 1

    def edge(self, start, to):
        self.targets[start].append(to)
        self.sources[to].append(start)

    # Each of these goes on from a node and gives the node where it ends.

    def straight(self, start):
        to = self.node()
        self.edge(start, to)
        return to

    def diamond(self, start):
        left = self.straight(start)
        right = self.straight(start)
        join = self.straight(left)
        self.edge(right, join)
        return join

    def nest(self, start, depth):
        header = self.straight(start)
        body = self.diamond(header)
        if depth == 0:
            inner = self.diamond(body)
        else:
            inner = self.nest(self.nest(body, depth - 1), depth - 1)
        footer = self.straight(inner)
        self.edge(inner, body)
        self.edge(footer, header)
        return self.straight(footer)


PLAIN, ITSELF, REDUCIBLE, IRREDUCIBLE = range(4)


def find(parents, at):
    root = at
    while parents[root] != root:
        root = parents[root]
    next = at
    while next != root:
        above = parents[next]
        parents[next] = root
        next = above
    return root


def number(graph):
    """The nodes in depth-first order, and the last number below each node."""
    size = len(graph.targets)
    numbers = [-1] * size
    last = [0] * size
    order, path, edges = [0], [0], [0]
    numbers[0] = 0
    while path:
        node, edge = path[-1], edges[-1]
        targets = graph.targets[node]
        if edge < len(targets):
            edges[-1] = edge + 1
            to = targets[edge]
            if numbers[to] < 0:
                numbers[to] = len(order)
                order.append(to)
                path.append(to)
                edges.append(0)
        else:
            last[numbers[node]] = len(order) - 1
            path.pop()
            edges.pop()
    return numbers, order, last


def find_loops(graph):
    numbers, order, last = number(graph)
    size = len(order)
    back = []
    other = []
    for w in range(size):
        backward = []
        forward = []
        for source in graph.sources[order[w]]:
            v = numbers[source]
            if v >= 0:
                if w <= v and v <= last[w]:
                    backward.append(v)
                else:
                    forward.append(v)
        back.append(backward)
        other.append(forward)
    kinds = [PLAIN] * size
    headers = [-1] * size
    parents = list(range(size))
    for w in range(size - 1, -1, -1):
        inside = set()
        todo = []
        for v in back[w]:
            if v == w:
                kinds[w] = ITSELF
            else:
                root = find(parents, v)
                if root not in inside:
                    inside.add(root)
                    todo.append(root)
        if todo:
            kinds[w] = REDUCIBLE
        while todo:
            x = todo.pop()
            for y in other[x]:
                root = find(parents, y)
                if root < w or root > last[w]:
                    kinds[w] = IRREDUCIBLE
                    other[w].append(root)
                elif root != w and root not in inside:
                    inside.add(root)
                    todo.append(root)
        for x in inside:
            headers[x] = w
            parents[x] = w
    # How many loops, how deep they are nested, and how many have more than one entry.
    depths = [0] * size
    loops = depth = odd = 0
    for w in range(size):
        above = 0 if headers[w] < 0 else depths[headers[w]]
        depths[w] = above if kinds[w] == PLAIN else above + 1
        if kinds[w] != PLAIN:
            loops += 1
            depth += depths[w]
            if kinds[w] == IRREDUCIBLE:
                odd += 1
    return loops * 1000000 + depth * 100 + odd


def run(rounds):
    graph = Graph()
    end = graph.node()
    for _ in range(10):
        start = end
        end = graph.nest(end, 4)
        # A jump into the middle of the next nest, which gives that loop a second entry.
        graph.edge(start, end - 4)
    total = 0
    for _ in range(rounds):
        total += find_loops(graph)
    return total


print(run(int(sys.argv[1])))
