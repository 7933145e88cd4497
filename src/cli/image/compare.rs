//! `vm image diff`: what differs between two graphs, in terms of the source.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::mem::discriminant;
use std::process::ExitCode;

use quipu::code::{Code, CodeHash};
use quipu::report::Shown;
use quipu::vm::Image;
use quipu::vm::image::{Outline, Part, Place, Thing};

use super::super::ending::{Exit, Halt};
use super::super::options::Rules;
use super::super::session::Prints;
use super::super::terminal::{Terminal, show};
use super::names::Seen;
use super::value::open_or_run;

/// How many differences are shown.
const MOST: usize = 50;

pub(super) fn diff(a: &OsString, b: &OsString, rules: &Rules, terminal: &Terminal) -> Result<ExitCode, Halt> {
    let image = |path| open_or_run(path, Prints::Nowhere, rules, terminal);
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
    walk.todo.push_back(("value".to_owned(), walk.a.outline.root(), walk.b.outline.root()));
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
                if !is_same(x, y) {
                    self.differ(&path, x, y);
                }
                return;
            }
        }
        if !self.same_shape(&path, x, y) {
            return;
        }
        // A type's name does not show in its parts.
        if self.a.outline.parts(x).count() != self.b.outline.parts(y).count() {
            self.differ(&path, x, y);
        }
        let is_map = matches!(self.a.outline.thing(x), Some(Thing::Map(_)));
        for ((name, part), (other_name, other)) in self.a.parts(x).zip(self.b.parts(y)) {
            if is_map && name != other_name {
                self.found.push(format!("{path}: the key {name} in the first, {other_name} in the second"));
            } else if !is_same(part, other) {
                self.todo.push_back((format!("{path}{name}"), part, other));
            }
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
        let (Some(thing), Some(other)) = (self.a.outline.thing(x), self.b.outline.thing(y)) else {
            self.differ(path, x, y);
            return false;
        };
        let same = match (thing, other) {
            (Thing::Function(p), Thing::Function(q)) if p.hash() != q.hash() => {
                let place = |code: &Code| {
                    code.debug().map_or(String::new(), |debug| format!(" ({}:{})", debug.file, debug.line))
                };
                self.found.push(format!(
                    "{path}: the code differs: {}{} in the first, {}{} in the second",
                    self.a.short(x),
                    place(p),
                    self.b.short(y),
                    place(q)
                ));
                return true;
            }
            (Thing::Type(p), Thing::Type(q)) => {
                if p == q
                    && !(self.a.outline.fields(x).eq(self.b.outline.fields(y))
                        && members(&self.a.outline, x) == members(&self.b.outline, y))
                {
                    self.found.push(format!("{path}: the fields or methods of type {p} differ"));
                    return true;
                }
                p == q
            }
            (Thing::Instance(p), Thing::Instance(q)) => {
                self.todo.push_back((format!("{path}.type"), p, q));
                true
            }
            (Thing::Fiber(p), Thing::Fiber(q)) => {
                if p == q && waiting(&self.a.outline, x) != waiting(&self.b.outline, y) {
                    self.found.push(format!("{path}: the fiber waits elsewhere in the second"));
                    return true;
                }
                p == q
            }
            (Thing::Str(p), Thing::Str(q)) | (Thing::Native(p), Thing::Native(q)) => p == q,
            (Thing::Bytes(p), Thing::Bytes(q)) => p == q,
            (Thing::Cell { is_var: p }, Thing::Cell { is_var: q }) => p == q,
            (Thing::Range { .. }, Thing::Range { .. }) => self.a.short(x) == self.b.short(y),
            (thing, other) => discriminant(&thing) == discriminant(&other),
        };
        if !same {
            self.differ(path, x, y);
        }
        same
    }
}

/// Where a fiber waits.
fn waiting(outline: &Outline<'_>, fiber: Part) -> Vec<u32> {
    let at = |place| if let Place::Frame { at, .. } = place { Some(at) } else { None };
    outline.parts(fiber).filter_map(|(place, _)| at(place)).collect()
}

/// The names and codes of a type's constructor and methods.
fn members<'i>(outline: &Outline<'i>, ty: Part) -> Vec<(&'i str, CodeHash)> {
    outline.members(ty).map(|(name, code)| (name, code.hash())).collect()
}

/// Whether two parts are the same plain value.
fn is_same(x: Part, y: Part) -> bool {
    match (x, y) {
        (Part::Frozen(_) | Part::Node(_), _) => false,
        (Part::Float(x), Part::Float(y)) => x == y || x.is_nan() && y.is_nan(),
        _ => x == y,
    }
}
