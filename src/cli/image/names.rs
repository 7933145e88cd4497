//! What the parts of an image are called in the source.

use quipu::lang::code::Code;
use quipu::vm::Image;
use quipu::vm::image::{FiberView, FrameView, Frozen, Node, Part, View};

/// How much of a text is shown.
const MOST: usize = 40;

/// An image with its graph as data.
pub struct Seen<'i> {
    pub image: &'i Image,
    pub view: View,
}

impl<'i> Seen<'i> {
    pub fn new(image: &'i Image) -> Seen<'i> {
        Seen { image, view: image.view() }
    }

    pub fn frozen(&self, part: Part) -> Option<&Frozen> {
        match part {
            Part::Frozen(number) => self.view.frozen.get(number),
            _ => None,
        }
    }

    pub fn node(&self, part: Part) -> Option<&Node> {
        match part {
            Part::Node(number) => self.view.nodes.get(number),
            _ => None,
        }
    }

    /// The code of a function.
    pub fn code(&self, function: &Frozen) -> Option<&'i Code> {
        match function {
            Frozen::Function { code, .. } => self.image.code(code),
            _ => None,
        }
    }

    /// The name of a function, and the first digits of its code's hash.
    pub fn function(&self, function: &Frozen) -> String {
        let Frozen::Function { code, .. } = function else { return String::new() };
        let name = self.image.code(code).and_then(|code| code.debug()).map_or("fn", |debug| debug.name.as_str());
        format!("{name} {}", &super::hex(&code.0)[..12])
    }

    /// A value without parts as source, or what a value with parts is, in a word or two.
    pub fn short(&self, part: Part) -> String {
        match part {
            Part::Nil => "nil".to_owned(),
            Part::Bool(truth) => truth.to_string(),
            Part::Int(int) => int.to_string(),
            Part::Float(float) => format!("{float:?}"),
            Part::Absent => "not initialised".to_owned(),
            Part::Place(place) => format!("place {place}"),
            Part::Frozen(number) => match self.view.frozen.get(number) {
                Some(Frozen::Str(text)) => quoted(text),
                Some(Frozen::Bytes(bytes)) => format!("{} bytes", bytes.len()),
                Some(Frozen::Tuple(parts)) if parts.is_empty() => "()".to_owned(),
                Some(Frozen::Tuple(parts)) => format!("tuple of {}", parts.len()),
                Some(&Frozen::Range { start, end, step, inclusive }) => {
                    let range = format!("{start}..{}{end}", if inclusive { "=" } else { "" });
                    if step == 1 { range } else { format!("({range}).step({step})") }
                }
                Some(Frozen::Native(name)) => format!("native {name}"),
                Some(function @ Frozen::Function { .. }) => self.function(function),
                Some(Frozen::Type { name, .. }) => format!("type {name}"),
                Some(Frozen::Error { .. }) => "error".to_owned(),
                None => "?".to_owned(),
            },
            Part::Node(number) => match self.view.nodes.get(number) {
                Some(Node::Cell { is_var: true, .. }) => "cell of a var".to_owned(),
                Some(Node::Cell { .. }) => "cell".to_owned(),
                Some(Node::List(items)) if items.is_empty() => "[]".to_owned(),
                Some(Node::List(items)) => format!("list of {}", items.len()),
                Some(Node::Map(entries)) if entries.is_empty() => "[:]".to_owned(),
                Some(Node::Map(entries)) => format!("map of {}", entries.len()),
                Some(Node::Set(members)) => format!("set of {}", members.len()),
                Some(Node::Instance { ty, .. }) => match self.frozen(*ty) {
                    Some(Frozen::Type { name, .. }) => format!("instance of {name}"),
                    _ => "instance".to_owned(),
                },
                Some(Node::Host { ty, .. }) => match self.frozen(*ty) {
                    Some(Frozen::Native(name)) => format!("{name} of the host"),
                    _ => "data of the host".to_owned(),
                },
                Some(Node::Fiber(_)) => "fiber".to_owned(),
                None => "?".to_owned(),
            },
        }
    }

    /// What the parts of a value are called, and the parts.
    pub fn parts(&self, part: Part) -> Vec<(String, Part)> {
        let indexed = |items: &[Part]| -> Vec<(String, Part)> {
            items.iter().enumerate().map(|(index, &item)| (format!("[{index}]"), item)).collect()
        };
        match part {
            Part::Frozen(number) => match self.view.frozen.get(number) {
                Some(Frozen::Tuple(items)) => indexed(items),
                Some(function @ Frozen::Function { owner, captures, .. }) => {
                    let owner = owner.map(|owner| (".type".to_owned(), owner));
                    owner.into_iter().chain(self.captures(self.code(function), ".free", captures)).collect()
                }
                Some(Frozen::Type { constructor, methods, .. }) => {
                    let code = self.image.code(&constructor.code);
                    let mut parts = self.captures(code, ".fields.free", &constructor.captures);
                    for (name, method) in methods {
                        let code = self.image.code(&method.code);
                        parts.extend(self.captures(code, &format!(".{name}.free"), &method.captures));
                    }
                    parts
                }
                Some(Frozen::Error { kind, message, data }) => {
                    vec![(".kind".to_owned(), *kind), (".message".to_owned(), *message), (".data".to_owned(), *data)]
                }
                _ => Vec::new(),
            },
            Part::Node(number) => match self.view.nodes.get(number) {
                // A cell has no name of its own in the source.
                Some(Node::Cell { content, .. }) => vec![(String::new(), *content)],
                Some(Node::List(items)) => indexed(items),
                Some(Node::Map(entries)) => {
                    entries.iter().map(|&(key, value)| (format!("[{}]", self.short(key)), value)).collect()
                }
                Some(Node::Set(members)) => indexed(members),
                Some(Node::Instance { ty, fields }) => {
                    let names = match self.frozen(*ty) {
                        Some(Frozen::Type { fields, .. }) => fields.as_slice(),
                        _ => &[],
                    };
                    let name = |index: usize| names.get(index).map_or("?", String::as_str);
                    fields.iter().enumerate().map(|(index, &field)| (format!(".{}", name(index)), field)).collect()
                }
                Some(Node::Host { data, .. }) => vec![(".data".to_owned(), *data)],
                Some(Node::Fiber(FiberView::Fresh(function))) => {
                    vec![(".function".to_owned(), *function)]
                }
                Some(Node::Fiber(fiber)) => self.fiber(fiber),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn captures(&self, code: Option<&Code>, prefix: &str, captures: &[Part]) -> Vec<(String, Part)> {
        let names = code.and_then(|code| code.debug()).map_or(&[][..], |debug| &debug.free);
        let name = |index: usize| match names.get(index) {
            Some(name) => format!("{prefix}.{name}"),
            None => format!("{prefix}[{index}]"),
        };
        captures.iter().enumerate().map(|(index, &part)| (name(index), part)).collect()
    }

    fn fiber(&self, fiber: &FiberView) -> Vec<(String, Part)> {
        let frames = fiber.frames().iter().enumerate();
        let mut parts: Vec<(String, Part)> =
            frames.flat_map(|(index, frame)| self.frame(fiber, index, frame)).collect();
        if let FiberView::Stopped { resumer, resumed, .. } = fiber {
            let neighbours = [(".resumer", Some(*resumer)), (".resumed", *resumed)];
            let neighbours = neighbours.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?)));
            parts.extend(neighbours.filter(|&(_, part)| part != Part::Nil));
        }
        parts
    }

    fn frame(&self, fiber: &FiberView, index: usize, frame: &FrameView) -> Vec<(String, Part)> {
        let code = self.frozen(frame.function).and_then(|function| self.code(function));
        let live = code.map(|code| fiber.live(index, code)).unwrap_or_default();
        let local = |register: Option<&u16>| {
            let register = *register?;
            let locals = &code?.debug()?.locals;
            let at = frame.at;
            let local = locals.iter().find(|l| l.register == register && l.start <= at && at <= l.end)?;
            Some(local.name.clone())
        };
        let mut parts = vec![(format!(".frames[{index}].function"), frame.function)];
        for (place, &register) in frame.registers.iter().enumerate() {
            let name = local(live.get(place)).unwrap_or_else(|| format!("[{place}]"));
            let dot = if name.starts_with('[') { "" } else { "." };
            parts.push((format!(".frames[{index}]{dot}{name}"), register));
        }
        parts
    }
}

/// A text as source, cut if it is long. Control characters are written as escapes.
pub fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(MOST).collect();
    let dots = if cut.len() < text.len() { "..." } else { "" };
    format!("{:?}{dots}", cut)
}
