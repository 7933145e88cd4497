//! What the parts of an image are called in the source.

use quipu::code::Code;
use quipu::vm::Image;
use quipu::vm::image::{Outline, Part, Place, Thing};
use quipu_code::counted;

/// How much of a text is shown.
const MOST: usize = 40;

/// An image and where everything in its graph stands.
pub struct Seen<'i> {
    pub image: &'i Image,
    pub outline: Outline<'i>,
}

impl<'i> Seen<'i> {
    pub fn new(image: &'i Image) -> Seen<'i> {
        Seen { image, outline: image.outline() }
    }

    /// A value without parts as source, or what a value with parts is, in a word or two.
    pub fn short(&self, part: Part) -> String {
        let Some(thing) = self.outline.thing(part) else {
            return match part {
                Part::Nil => "nil".to_owned(),
                Part::Bool(truth) => truth.to_string(),
                Part::Int(int) => int.to_string(),
                Part::Float(float) => format!("{float:?}"),
                Part::Absent => "not initialised".to_owned(),
                Part::Place(place) => format!("place {place}"),
                Part::Frozen(_) | Part::Node(_) => "?".to_owned(),
            };
        };
        match thing {
            Thing::Str(text) => quoted(text),
            Thing::Bytes(bytes) => counted(bytes.len(), "byte"),
            Thing::Tuple(0) => "()".to_owned(),
            Thing::Tuple(length) => format!("tuple of {length}"),
            Thing::Range { start, end, step, inclusive } => {
                let range = format!("{start}..{}{end}", if inclusive { "=" } else { "" });
                if step == 1 { range } else { format!("({range}).step({step})") }
            }
            Thing::Native(name) => format!("native {name}"),
            // A function's name, and the first digits of its code's hash.
            Thing::Function(code) => {
                let name = code.debug().map_or("fn", |debug| debug.name.as_str());
                format!("{name} {}", code.hash().short())
            }
            Thing::Type(name) => format!("type {name}"),
            Thing::List(0) => "[]".to_owned(),
            Thing::List(length) => format!("list of {length}"),
            Thing::Map(0) => "[:]".to_owned(),
            Thing::Map(length) => format!("map of {length}"),
            Thing::Set(length) => format!("set of {length}"),
            Thing::Instance(ty) => match self.outline.thing(ty) {
                Some(Thing::Type(name)) => format!("instance of {name}"),
                _ => thing.name().to_owned(),
            },
            Thing::Host(ty) => match self.outline.thing(ty) {
                Some(Thing::Native(name)) => format!("{name} of the host"),
                _ => thing.name().to_owned(),
            },
            _ => thing.name().to_owned(),
        }
    }

    /// What the parts of a value are called, and the parts.
    pub fn parts(&self, part: Part) -> impl Iterator<Item = (String, Part)> {
        self.outline.parts(part).map(move |(place, inner)| (self.name(part, place), inner))
    }

    /// What a part that stands there in a whole is called.
    pub fn name(&self, whole: Part, place: Place<'_>) -> String {
        match place {
            // A cell has no name of its own in the source.
            Place::Root | Place::Content => String::new(),
            Place::Item(index) => format!("[{index}]"),
            Place::Entry(key) => format!("[{}]", self.short(key)),
            Place::Field(index) => {
                let name = match self.outline.thing(whole) {
                    Some(Thing::Instance(ty)) => self.outline.fields(ty).nth(index),
                    _ => None,
                };
                format!(".{}", name.unwrap_or("?"))
            }
            Place::Owner => ".type".to_owned(),
            Place::Capture(index) => match self.outline.thing(whole) {
                Some(Thing::Function(code)) => captured(code, ".free", index),
                _ => format!(".free[{index}]"),
            },
            Place::MemberCapture { name, code, index } => match name.and_then(|name| self.outline.thing(name)) {
                Some(Thing::Str(name)) => captured(code, &format!(".{name}.free"), index),
                _ => captured(code, ".fields.free", index),
            },
            Place::Kind => ".kind".to_owned(),
            Place::Message => ".message".to_owned(),
            Place::Data => ".data".to_owned(),
            Place::Function => ".function".to_owned(),
            Place::Frame { frame, .. } => format!(".frames[{frame}].function"),
            Place::Register { frame, function, at, index, register } => {
                match register.and_then(|register| self.local(function, at, register)) {
                    Some(name) => format!(".frames[{frame}].{name}"),
                    None => format!(".frames[{frame}][{index}]"),
                }
            }
            Place::Resumer => ".resumer".to_owned(),
            Place::Resumed => ".resumed".to_owned(),
        }
    }

    /// The variable that a register holds at an instruction of a function.
    fn local(&self, function: Part, at: u32, register: u16) -> Option<&'i str> {
        let Some(Thing::Function(code)) = self.outline.thing(function) else { return None };
        let locals = &code.debug()?.locals;
        let local = locals.iter().find(|l| l.register == register && l.start <= at && at <= l.end)?;
        Some(&local.name)
    }
}

/// What a function's code calls something that it captures.
fn captured(code: &Code, prefix: &str, index: usize) -> String {
    match code.debug().and_then(|debug| debug.free.get(index)) {
        Some(name) => format!("{prefix}.{name}"),
        None => format!("{prefix}[{index}]"),
    }
}

/// A text as source, cut if it is long. Control characters are written as escapes.
pub fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(MOST).collect();
    let dots = if cut.len() < text.len() { "..." } else { "" };
    format!("{:?}{dots}", cut)
}
