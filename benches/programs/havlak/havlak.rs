//! Loops found in a graph of control flow after Paul Havlak: depth-first search, sets, and union-find.

use std::collections::HashSet;

#[derive(Default)]
struct Graph {
    sources: Vec<Vec<usize>>,
    targets: Vec<Vec<usize>>,
}

impl Graph {
    fn node(&mut self) -> usize {
        self.sources.push(Vec::new());
        self.targets.push(Vec::new());
        self.sources.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize) {
        self.targets[from].push(to);
        self.sources[to].push(from);
    }

    // Each of these goes on from a node and gives the node where it ends.

    fn straight(&mut self, from: usize) -> usize {
        let to = self.node();
        self.edge(from, to);
        to
    }

    fn diamond(&mut self, from: usize) -> usize {
        let left = self.straight(from);
        let right = self.straight(from);
        let join = self.straight(left);
        self.edge(right, join);
        join
    }

    fn nest(&mut self, from: usize, depth: usize) -> usize {
        let header = self.straight(from);
        let body = self.diamond(header);
        let inner = if depth == 0 {
            self.diamond(body)
        } else {
            let first = self.nest(body, depth - 1);
            self.nest(first, depth - 1)
        };
        let footer = self.straight(inner);
        self.edge(inner, body);
        self.edge(footer, header);
        self.straight(footer)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Itself,
    Reducible,
    Irreducible,
}

fn find(parents: &mut [usize], at: usize) -> usize {
    let mut root = at;
    while parents[root] != root {
        root = parents[root];
    }
    let mut next = at;
    while next != root {
        let above = parents[next];
        parents[next] = root;
        next = above;
    }
    root
}

/// The nodes in depth-first order, and the last number below each node.
fn number(graph: &Graph) -> (Vec<Option<usize>>, Vec<usize>, Vec<usize>) {
    let size = graph.targets.len();
    let mut numbers = vec![None; size];
    let mut last = vec![0; size];
    let mut order = vec![0];
    let mut path = vec![(0, 0)];
    numbers[0] = Some(0);
    while let Some((node, edge)) = path.last_mut() {
        match graph.targets[*node].get(*edge) {
            Some(&to) => {
                *edge += 1;
                if numbers[to].is_none() {
                    numbers[to] = Some(order.len());
                    order.push(to);
                    path.push((to, 0));
                }
            }
            None => {
                if let Some(number) = numbers[*node] {
                    last[number] = order.len() - 1;
                }
                path.pop();
            }
        }
    }
    (numbers, order, last)
}

fn find_loops(graph: &Graph) -> i64 {
    let (numbers, order, last) = number(graph);
    let size = order.len();
    let mut back = Vec::with_capacity(size);
    let mut other = Vec::with_capacity(size);
    for w in 0..size {
        let known = graph.sources[order[w]].iter().filter_map(|&source| numbers[source]);
        let (backward, forward): (Vec<usize>, Vec<usize>) = known.partition(|&v| w <= v && v <= last[w]);
        back.push(backward);
        other.push(forward);
    }
    let mut kinds = vec![Kind::Plain; size];
    let mut headers = vec![None; size];
    let mut parents: Vec<usize> = (0..size).collect();
    for w in (0..size).rev() {
        let mut inside = HashSet::new();
        let mut todo = Vec::new();
        for &v in &back[w] {
            if v == w {
                kinds[w] = Kind::Itself;
            } else {
                let root = find(&mut parents, v);
                if inside.insert(root) {
                    todo.push(root);
                }
            }
        }
        if !todo.is_empty() {
            kinds[w] = Kind::Reducible;
        }
        while let Some(x) = todo.pop() {
            for i in 0..other[x].len() {
                let root = find(&mut parents, other[x][i]);
                if root < w || root > last[w] {
                    kinds[w] = Kind::Irreducible;
                    other[w].push(root);
                } else if root != w && inside.insert(root) {
                    todo.push(root);
                }
            }
        }
        for x in inside {
            headers[x] = Some(w);
            parents[x] = w;
        }
    }
    // How many loops, how deep they are nested, and how many have more than one entry.
    let mut depths = vec![0; size];
    let (mut loops, mut depth, mut odd) = (0, 0, 0);
    for w in 0..size {
        let above = headers[w].map_or(0, |header: usize| depths[header]);
        depths[w] = above + i64::from(kinds[w] != Kind::Plain);
        if kinds[w] != Kind::Plain {
            loops += 1;
            depth += depths[w];
            odd += i64::from(kinds[w] == Kind::Irreducible);
        }
    }
    loops * 1_000_000 + depth * 100 + odd
}

fn run(rounds: i64) -> i64 {
    let mut graph = Graph::default();
    let mut end = graph.node();
    for _ in 0..10 {
        let start = end;
        end = graph.nest(end, 4);
        // A jump into the middle of the next nest, which gives that loop a second entry.
        graph.edge(start, end - 4);
    }
    (0..rounds).map(|_| find_loops(&graph)).sum()
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
