//! Binary trees: many small objects made, walked and forgotten, beside one tree that stays.

struct Node {
    children: Option<Box<(Node, Node)>>,
}

fn grow(depth: u32) -> Node {
    Node { children: (depth > 0).then(|| Box::new((grow(depth - 1), grow(depth - 1)))) }
}

fn count(tree: &Node) -> i64 {
    match &tree.children {
        None => 1,
        Some(children) => 1 + count(&children.0) + count(&children.1),
    }
}

fn run(most: u32) -> i64 {
    let lasting = grow(most);
    let mut sum = 0;
    for depth in (4..=most).step_by(4) {
        for _ in 0..1 << (most - depth + 4) {
            sum += count(&grow(depth));
        }
    }
    sum + count(&lasting)
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
