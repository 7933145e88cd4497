//! `vm image diff`: what differs between two graphs, in terms of the source.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::process::ExitCode;

use quipu::report::Shown;
use quipu::vm::Image;
use quipu::vm::image::{FiberView, Frozen, Node, Part};

use super::super::args::Options;
use super::super::exit::Exit;
use super::super::session::Prints;
use super::super::terminal::{Terminal, show};
use super::names::Seen;
use super::{Stop, open_or_run};

/// How many differences are shown.
const MOST: usize = 50;

pub(super) fn diff(a: &OsString, b: &OsString, options: &Options, terminal: &Terminal) -> Result<ExitCode, Stop> {
    let image = |path| open_or_run(path, Prints::Nowhere, options, terminal);
    let (x, y) = (image(a)?, image(b)?);
    show(&Shown::join(differences(&x, &y).iter().map(|line| Shown::of("{}\n", &[line])), ""));
    Ok(if x.hash() == y.hash() { Exit::Ok } else { Exit::Uncaught }.into())
}

/// What differs between the values of two images, one line each.
pub fn differences(a: &Image, b: &Image) -> Vec<String> {
    if a.hash() == b.hash() {
        return vec!["no difference: both have the same hash".to_owned()];
    }
    let mut walk = Walk {
        a: Seen::new(a),
        b: Seen::new(b),
        found: Vec::new(),
        left: HashMap::new(),
        right: HashMap::new(),
        met: HashSet::new(),
        todo: VecDeque::new(),
    };
    walk.todo.push_back(("value".to_owned(), walk.a.view.root, walk.b.view.root));
    while let Some((path, x, y)) = walk.todo.pop_front() {
        if walk.found.len() >= MOST {
            walk.found.push("... and more".to_owned());
            break;
        }
        walk.pair(path, x, y);
    }
    walk.found
}

struct Walk<'a, 'b> {
    a: Seen<'a>,
    b: Seen<'b>,
    found: Vec<String>,
    /// Which node of the other graph stands where a node stands, and where that was seen.
    left: HashMap<usize, (usize, String)>,
    right: HashMap<usize, (usize, String)>,
    met: HashSet<(usize, usize)>,
    /// Pairs to be compared, nearest first.
    todo: VecDeque<(String, Part, Part)>,
}

impl Walk<'_, '_> {
    fn pair(&mut self, path: String, x: Part, y: Part) {
        match (x, y) {
            (Part::Node(p), Part::Node(q)) => {
                if !self.same_sharing(&path, p, q) {
                    return;
                }
            }
            (Part::Frozen(p), Part::Frozen(q)) => {
                if !self.met.insert((p, q)) {
                    return;
                }
            }
            _ => {
                if x != y && !both_nan(x, y) {
                    self.differ(&path, x, y);
                }
                return;
            }
        }
        if !self.same_shape(&path, x, y) {
            return;
        }
        let (mut parts, mut others) = (self.a.parts(x), self.b.parts(y));
        // A type's name does not show in its parts, nor do keys.
        let (count, other_count) = (parts.len(), others.len());
        if count != other_count {
            self.found.push(format!("{path}: {} in the first, {} in the second", self.a.short(x), self.b.short(y)));
        }
        if let (Some(Node::Map(entries)), Some(Node::Map(other))) = (self.a.node(x), self.b.node(y)) {
            let key = |seen: &Seen<'_>, key| seen.short(key);
            parts = entries.iter().map(|&(k, v)| (format!("[{}]", key(&self.a, k)), v)).collect();
            others = other.iter().map(|&(k, v)| (format!("[{}]", key(&self.b, k)), v)).collect();
        }
        for ((name, part), (other_name, other)) in parts.into_iter().zip(others) {
            if name.starts_with('[') && name != other_name && self.a.node(x).is_some_and(is_map) {
                self.found.push(format!("{path}: the key {name} in the first, {other_name} in the second"));
                continue;
            }
            self.todo.push_back((format!("{path}{name}"), part, other));
        }
    }

    fn differ(&mut self, path: &str, x: Part, y: Part) {
        self.found.push(format!("{path}: {} in the first, {} in the second", self.a.short(x), self.b.short(y)));
    }

    /// Whether two nodes stand for one another wherever they are met; true only the first time.
    fn same_sharing(&mut self, path: &str, p: usize, q: usize) -> bool {
        match (self.left.get(&p), self.right.get(&q)) {
            (None, None) => {
                self.left.insert(p, (q, path.to_owned()));
                self.right.insert(q, (p, path.to_owned()));
                true
            }
            (Some(&(other, _)), _) if other == q => false,
            (Some((_, place)), _) => {
                self.found.push(format!("{path}: the same as {place} in the first, another one in the second"));
                false
            }
            (None, Some((_, place))) => {
                self.found.push(format!("{path}: the same as {place} in the second, another one in the first"));
                false
            }
        }
    }

    /// Compares two values without their parts.
    fn same_shape(&mut self, path: &str, x: Part, y: Part) -> bool {
        let same = match (self.a.frozen(x), self.b.frozen(y)) {
            (Some(Frozen::Function { code: p, .. }), Some(Frozen::Function { code: q, .. })) if p != q => {
                let place = |seen: &Seen<'_>, part| {
                    let debug = seen.frozen(part).and_then(|function| seen.code(function)?.debug());
                    debug.map_or(String::new(), |debug| format!(" ({}:{})", debug.file, debug.line))
                };
                self.found.push(format!(
                    "{path}: the code differs: {}{} in the first, {}{} in the second",
                    self.a.short(x),
                    place(&self.a, x),
                    self.b.short(y),
                    place(&self.b, y)
                ));
                return true;
            }
            (Some(Frozen::Tuple(_)), Some(Frozen::Tuple(_)))
            | (Some(Frozen::Function { .. }), Some(Frozen::Function { .. }))
            | (Some(Frozen::Error { .. }), Some(Frozen::Error { .. })) => true,
            (
                Some(Frozen::Type { name, fields, constructor, methods }),
                Some(Frozen::Type { name: n, fields: f, constructor: c, methods: m }),
            ) => {
                let codes = |methods: &[(String, quipu::vm::image::Member)]| -> Vec<_> {
                    methods.iter().map(|(name, method)| (name.clone(), method.code)).collect()
                };
                if name == n && (fields != f || constructor.code != c.code || codes(methods) != codes(m)) {
                    self.found.push(format!("{path}: the fields or methods of type {name} differ"));
                    return true;
                }
                name == n
            }
            (Some(p), Some(q)) => p == q,
            (None, None) => match (self.a.node(x), self.b.node(y)) {
                (Some(Node::Cell { is_var: p, .. }), Some(Node::Cell { is_var: q, .. })) => p == q,
                (Some(Node::Instance { ty: p, .. }), Some(Node::Instance { ty: q, .. })) => {
                    self.todo.push_back((format!("{path}.type"), *p, *q));
                    true
                }
                (Some(Node::Fiber(p)), Some(Node::Fiber(q))) => {
                    if std::mem::discriminant(p) == std::mem::discriminant(q) && waiting(p) != waiting(q) {
                        self.found.push(format!("{path}: the fiber waits elsewhere in the second"));
                        return true;
                    }
                    std::mem::discriminant(p) == std::mem::discriminant(q)
                }
                (Some(p), Some(q)) => std::mem::discriminant(p) == std::mem::discriminant(q),
                _ => false,
            },
            _ => false,
        };
        if !same {
            self.differ(path, x, y);
        }
        same
    }
}

/// Where a fiber waits.
fn waiting(fiber: &FiberView) -> Vec<u32> {
    fiber.frames().iter().map(|frame| frame.at).collect()
}

fn is_map(node: &Node) -> bool {
    matches!(node, Node::Map(_))
}

fn both_nan(x: Part, y: Part) -> bool {
    matches!((x, y), (Part::Float(x), Part::Float(y)) if x.is_nan() && y.is_nan())
}
