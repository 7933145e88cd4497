// Loops found in a graph of control flow after Paul Havlak: depth-first search, sets, and union-find.

class Graph {
  constructor() {
    this.sources = [];
    this.targets = [];
  }

  node() {
    this.sources.push([]);
    this.targets.push([]);
    return this.sources.length - 1;
  }

  edge(from, to) {
    this.targets[from].push(to);
    this.sources[to].push(from);
  }

  // Each of these goes on from a node and gives the node where it ends.
  straight(from) {
    const to = this.node();
    this.edge(from, to);
    return to;
  }

  diamond(from) {
    const left = this.straight(from);
    const right = this.straight(from);
    const join = this.straight(left);
    this.edge(right, join);
    return join;
  }

  nest(from, depth) {
    const header = this.straight(from);
    const body = this.diamond(header);
    const inner = depth === 0 ? this.diamond(body) : this.nest(this.nest(body, depth - 1), depth - 1);
    const footer = this.straight(inner);
    this.edge(inner, body);
    this.edge(footer, header);
    return this.straight(footer);
  }
}

const PLAIN = 0, ITSELF = 1, REDUCIBLE = 2, IRREDUCIBLE = 3;

function find(parents, at) {
  let root = at;
  while (parents[root] !== root) root = parents[root];
  let next = at;
  while (next !== root) {
    const above = parents[next];
    parents[next] = root;
    next = above;
  }
  return root;
}

// The nodes in depth-first order, and the last number below each node.
function number(graph) {
  const size = graph.targets.length;
  const numbers = new Array(size).fill(-1);
  const last = new Array(size).fill(0);
  const order = [0], path = [0], edges = [0];
  numbers[0] = 0;
  while (path.length > 0) {
    const node = path[path.length - 1];
    const edge = edges[edges.length - 1];
    const targets = graph.targets[node];
    if (edge < targets.length) {
      edges[edges.length - 1] = edge + 1;
      const to = targets[edge];
      if (numbers[to] < 0) {
        numbers[to] = order.length;
        order.push(to);
        path.push(to);
        edges.push(0);
      }
    } else {
      last[numbers[node]] = order.length - 1;
      path.pop();
      edges.pop();
    }
  }
  return [numbers, order, last];
}

function findLoops(graph) {
  const [numbers, order, last] = number(graph);
  const size = order.length;
  const back = [];
  const other = [];
  for (let w = 0; w < size; w++) {
    const backward = [];
    const forward = [];
    for (const source of graph.sources[order[w]]) {
      const v = numbers[source];
      if (v >= 0) {
        if (w <= v && v <= last[w]) backward.push(v);
        else forward.push(v);
      }
    }
    back.push(backward);
    other.push(forward);
  }
  const kinds = new Array(size).fill(PLAIN);
  const headers = new Array(size).fill(-1);
  const parents = Array.from({ length: size }, (_, i) => i);
  for (let w = size - 1; w >= 0; w--) {
    const inside = new Set();
    const todo = [];
    for (const v of back[w]) {
      if (v === w) {
        kinds[w] = ITSELF;
      } else {
        const root = find(parents, v);
        if (!inside.has(root)) {
          inside.add(root);
          todo.push(root);
        }
      }
    }
    if (todo.length > 0) kinds[w] = REDUCIBLE;
    while (todo.length > 0) {
      const x = todo.pop();
      for (const y of other[x]) {
        const root = find(parents, y);
        if (root < w || root > last[w]) {
          kinds[w] = IRREDUCIBLE;
          other[w].push(root);
        } else if (root !== w && !inside.has(root)) {
          inside.add(root);
          todo.push(root);
        }
      }
    }
    for (const x of inside) {
      headers[x] = w;
      parents[x] = w;
    }
  }
  // How many loops, how deep they are nested, and how many have more than one entry.
  const depths = new Array(size).fill(0);
  let loops = 0, depth = 0, odd = 0;
  for (let w = 0; w < size; w++) {
    const above = headers[w] < 0 ? 0 : depths[headers[w]];
    depths[w] = kinds[w] === PLAIN ? above : above + 1;
    if (kinds[w] !== PLAIN) {
      loops += 1;
      depth += depths[w];
      if (kinds[w] === IRREDUCIBLE) odd += 1;
    }
  }
  return loops * 1000000 + depth * 100 + odd;
}

function run(rounds) {
  const graph = new Graph();
  let end = graph.node();
  for (let i = 0; i < 10; i++) {
    const start = end;
    end = graph.nest(end, 4);
    // A jump into the middle of the next nest, which gives that loop a second entry.
    graph.edge(start, end - 4);
  }
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum += findLoops(graph);
  return sum;
}

console.log(run(Number(process.argv[2])));
