//! The way from a root to what has no place in a graph, in terms of the source. It is looked for only on failure.

use hashbrown::HashSet;

use super::parts::{Part, for_each_part};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::{Closure, Edge, Fiber, Value, View};
use crate::native::Fault;
use crate::run::snapshot::{AtRest, FrameView, Frames, at_rest};

/// What has no place in a graph.
#[derive(Clone, Copy)]
pub(crate) enum Obstacle {
    /// The fiber at this address runs, or waits for a fiber that it resumed.
    RunningFiber(usize),
    /// The instance at this address holds data of the host that have no form for images.
    Host(usize),
    /// The value at this address holds what stands for no value: a native gave it, or forgot to give one.
    NoValue(usize),
}

/// One step from a value to one of its parts.
#[derive(Clone, Copy)]
pub(super) enum Step<'v> {
    Root,
    /// The content of a cell, which has no name of its own.
    Inside,
    Element(usize),
    Entry(Value<'v>),
    Key(usize),
    Field(&'v str),
    Type,
    Free(Closure<'v>, usize),
    Constructor(usize),
    Method(&'v str, usize),
    Part(&'static str),
    Function(usize),
    Register(usize, Option<&'v str>, u16),
}

/// A value that was reached, from which other one, and how.
pub(super) struct Reached<'v> {
    pub value: Value<'v>,
    pub from: usize,
    pub step: Step<'v>,
}

/// The fault of a graph that cannot be written.
pub(crate) fn not_portable<'v>(cx: &mut Cx<'v>, root: Value<'v>, obstacle: Obstacle) -> Fault<'v> {
    let path = match find(cx, root, obstacle) {
        Ok(path) => path,
        Err(fault) => return fault,
    };
    let message = match obstacle {
        Obstacle::RunningFiber(_) => format!(
            "{path} is a running fiber, which can be neither hashed nor saved; let it yield or end first, or leave it out"
        ),
        Obstacle::NoValue(_) => format!(
            "{path} holds something that is no value, which a function of the host must have given; let it give nil instead"
        ),
        Obstacle::Host(_) => format!(
            "{path} belongs to the host, which gives it no form for images; leave it out, or let its class be portable"
        ),
    };
    let data = match cx.str(&path) {
        Ok(data) => data,
        Err(fault) => return fault,
    };
    cx.fail_with(ErrorKind::NotPortable, message, data)
}

/// The shortest way, by breadth first.
fn find<'v>(cx: &mut Cx<'v>, root: Value<'v>, obstacle: Obstacle) -> Result<String, Fault<'v>> {
    let is_it = |value: Value<'v>| match (value.view(), obstacle) {
        (View::Fiber(fiber), Obstacle::RunningFiber(address)) => fiber.address() == address,
        (View::Instance(instance), Obstacle::Host(address)) => instance.address() == address,
        (_, Obstacle::NoValue(address)) => value.is_object() && value.bits as usize == address,
        _ => false,
    };
    let (reached, found) = explore(cx, root, HashSet::new(), is_it)?;
    Ok(found.map_or_else(|| "the value".to_owned(), |at| text(cx, &reached, at)))
}

/// A value and all it reaches, nearest first, up to the first that `is_it`, and which one that is. Each comes once, but for those
/// that are `met` already, which do not come again.
pub(super) fn explore<'v>(
    cx: &mut Cx<'v>,
    root: Value<'v>,
    mut met: HashSet<u64>,
    is_it: impl Fn(Value<'v>) -> bool,
) -> Result<(Vec<Reached<'v>>, Option<usize>), Fault<'v>> {
    let mut reached = vec![Reached { value: root, from: 0, step: Step::Root }];
    let mut next = 0;
    while next < reached.len() {
        let value = reached[next].value;
        if is_it(value) {
            return Ok((reached, Some(next)));
        }
        let before = reached.len();
        parts(value, |step, part| {
            if part.is_object() && met.insert(part.bits) {
                reached.push(Reached { value: part, from: next, step });
            }
        });
        cx.work(1 + (reached.len() - before) / 16)?;
        if next.is_multiple_of(1024) {
            cx.reserve(reached.len() * 2 * size_of::<Reached<'_>>())?;
        }
        next += 1;
    }
    Ok((reached, None))
}

/// Calls `f` with every part of a value and the step that leads to it.
fn parts<'v>(value: Value<'v>, mut f: impl FnMut(Step<'v>, Value<'v>)) {
    let (mut keys, mut key, mut method) = (0, Value::NIL, "");
    for_each_part(value, |Part { edge, index }, part| {
        let step = match (edge, value.view()) {
            (Edge::Inside, _) => Step::Inside,
            (Edge::Element, _) => Step::Element(index),
            (Edge::Key, _) => {
                (keys, key) = (keys + 1, part);
                Step::Key(keys - 1)
            }
            (Edge::Entry, _) => Step::Entry(key),
            (Edge::Type | Edge::Owner, _) => Step::Type,
            (Edge::Field, View::Instance(instance)) => {
                Step::Field(instance.ty().field_names().nth(index).unwrap_or(""))
            }
            (Edge::Free, View::Closure(closure)) => Step::Free(closure, index),
            (Edge::Constructor, _) => Step::Constructor(index),
            (Edge::Method, _) => Step::Method(method, index),
            (Edge::MethodName, _) => {
                method = part.as_str().unwrap_or("");
                return;
            }
            (Edge::Data, _) => Step::Part("data"),
            // Texts lead nowhere.
            (Edge::Name | Edge::FieldName | Edge::Kind | Edge::Message, _) => return,
            // What only the heap knows is no part.
            (Edge::Field | Edge::Free | Edge::Filed | Edge::Hidden, _) => return,
        };
        f(step, part);
    });
    if let View::Fiber(fiber) = value.view() {
        of_fiber(fiber, f);
    }
}

fn of_fiber<'v>(fiber: Fiber<'v>, mut f: impl FnMut(Step<'v>, Value<'v>)) {
    match at_rest(fiber) {
        AtRest::Fresh(function) => f(Step::Part("function"), function),
        AtRest::Suspended(frames) => of_frames(frames, f),
        AtRest::Stopped(frames, links) => {
            of_frames(frames, &mut f);
            for (name, other) in [("resumer", links.resumer), ("resumed", links.resumed)] {
                if let Some(other) = other {
                    f(Step::Part(name), other.into());
                }
            }
        }
        AtRest::Done | AtRest::Running => {}
    }
}

fn of_frames<'v>(frames: Frames<'v>, mut f: impl FnMut(Step<'v>, Value<'v>)) {
    for (number, frame) in frames.enumerate() {
        f(Step::Function(number), frame.closure.into());
        for register in frame.live() {
            f(Step::Register(number, name_of(&frame, register), register), frame.register(register));
        }
    }
}

/// The variable that a register of a frame holds.
fn name_of<'v>(frame: &FrameView<'v>, register: u16) -> Option<&'v str> {
    let locals = &frame.closure.code().debug()?.locals;
    let held = |start: u32, end: u32| start <= frame.at && frame.at < end;
    let local = locals.iter().find(|local| local.register == register && held(local.start, local.end))?;
    Some(&local.name)
}

/// The way to a value that was reached.
pub(super) fn text<'v>(cx: &mut Cx<'v>, reached: &[Reached<'v>], to: usize) -> String {
    let mut steps = Vec::new();
    let mut at = to;
    while at != 0 {
        steps.push(reached[at].step);
        at = reached[at].from;
    }
    let mut text = String::from("root");
    // A way of thousands of steps tells nobody more than its ends do.
    const KEPT: usize = 16;
    let count = steps.len();
    for (number, step) in steps.into_iter().rev().enumerate() {
        if count > 2 * KEPT && (KEPT..count - KEPT).contains(&number) {
            if number == KEPT {
                text.push_str(" ... ");
            }
            continue;
        }
        text.push_str(&show(cx, step));
    }
    text
}

fn show<'v>(cx: &mut Cx<'v>, step: Step<'v>) -> String {
    match step {
        Step::Root | Step::Inside => String::new(),
        Step::Element(index) => format!("[{index}]"),
        Step::Entry(key) => match key.as_str() {
            Some(name) if is_name(name) => format!(".{name}"),
            _ => format!("[{}]", crate::ops::text::repr_short(cx, key).unwrap_or_else(|_| "...".to_owned())),
        },
        Step::Key(index) => format!(".keys()[{index}]"),
        Step::Field(name) => format!(".{name}"),
        Step::Type => ".type".to_owned(),
        Step::Free(closure, index) => match closure.code().debug().and_then(|debug| debug.free.get(index)) {
            Some(name) => format!(".free.{name}"),
            None => format!(".free[{index}]"),
        },
        Step::Constructor(index) => format!(".constructor.free[{index}]"),
        Step::Method(name, index) => format!(".methods.{name}.free[{index}]"),
        Step::Part(name) => format!(".{name}"),
        Step::Function(frame) => format!(".frames[{frame}].function"),
        Step::Register(frame, Some(name), _) => format!(".frames[{frame}].{name}"),
        Step::Register(frame, None, register) => format!(".frames[{frame}].registers[{register}]"),
    }
}

/// Whether text may stand behind a point.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
