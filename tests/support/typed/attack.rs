//! Code that breaks one rule about what registers hold. Whoever trusts such code takes a number for an address.

use quipu::code::{CaptureSource, ClosureSite, FreeKind, Op, OwnDebug, Word};

use super::state::{bit, bits};
use super::writer::{Hint, Label, Made, Writer};

macro_rules! rules {
    ($($(#[$about:meta])* $rule:ident),* $(,)?) => {
        /// A rule that is broken.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Rule { $($(#[$about])* $rule),* }

        impl Rule {
            pub const ALL: &[Rule] = &[$(Rule::$rule),*];
        }
    };
}
rules! {
    /// A cell is read as a value.
    CellAsValue,
    /// A register of an iterator is read as a value.
    IteratorAsValue,
    /// What may be absent is read as a value.
    MaybeAsValue,
    /// `Next` on what is no iterator.
    NextOnOther,
    /// `Next` on an iterator of which one register was written over.
    NextOnPart,
    /// `Next` on registers that an iterator was copied to, one by one.
    NextOnCopy,
    /// `Next` writes into its own iterator.
    NextOverItself,
    /// A cell of a `let` is set.
    SetOfLet,
    /// A cell instruction on a value.
    CellOfValue,
    /// A function takes a value for a cell.
    CaptureNoCell,
    /// A function takes a cell for a value.
    CaptureCell,
    /// A function that sets a variable takes the cell of a `let`.
    CaptureLet,
    /// A jump by a cell.
    JumpOnCell,
    /// A value on one way and a cell on the other.
    TwoWays,
    /// A value before a loop and a cell behind its turn.
    LoopChanges,
    /// A value at the start of a range, a cell where it throws.
    HandlerSees,
    /// A loop that leaves its iterator broken.
    LoopBreaksIterator,
}

/// Writes instructions that break a rule, if what they need can be had here.
pub fn breaks(writer: &mut Writer, rule: Rule) {
    writer.held = 0;
    if writer.state.is_none() {
        return;
    }
    match rule {
        Rule::CellAsValue => {
            let cell = writer.cell(false);
            read(writer, cell);
        }
        Rule::IteratorAsValue => {
            let first = iterator(writer);
            let part = first + writer.number(3) as u16;
            read(writer, part);
        }
        Rule::MaybeAsValue => {
            let parameters = writer.known().maybe & !writer.known().values;
            let register = match writer.among(parameters) {
                Some(register) if writer.chance(50) => register,
                _ => {
                    let (map, key, out) = (writer.produce(Hint::Map), writer.like(&[Hint::Int]), writer.out());
                    writer.abc(Op::TryKey, out, map, key);
                    out
                }
            };
            read(writer, register);
        }
        Rule::NextOnOther => {
            let first = values(writer);
            next(writer, first);
        }
        Rule::NextOnPart => {
            let first = iterator(writer);
            let part = first + writer.number(3) as u16;
            let value = writer.value();
            writer.copy(part, value);
            next(writer, first);
        }
        Rule::NextOnCopy => copied_iterator(writer),
        Rule::NextOverItself => {
            let first = iterator(writer);
            let part = first + writer.number(3) as u16;
            writer.abc(Op::Next, part, first, 0);
            next(writer, first);
        }
        Rule::SetOfLet => {
            let (cell, value) = (let_cell(writer), writer.value());
            writer.abc(Op::SetCell, cell, value, 0);
        }
        Rule::CellOfValue => cell_of_value(writer),
        Rule::CaptureNoCell => {
            let value = writer.value();
            capture(writer, FreeKind::Cell, value, false);
        }
        Rule::CaptureCell => {
            let cell = writer.cell(false);
            capture(writer, FreeKind::Value, cell, false);
        }
        Rule::CaptureLet => {
            let cell = let_cell(writer);
            capture(writer, FreeKind::Cell, cell, true);
        }
        Rule::JumpOnCell => {
            let cell = writer.cell(false);
            let op = writer.one_of(&[Op::JumpIf, Op::JumpNil, Op::JumpAbsent, Op::JumpPresent]);
            let mut over = Label::default();
            writer.jump(op, cell, &mut over);
            writer.bind(over);
            read(writer, cell);
        }
        Rule::TwoWays => two_ways(writer),
        Rule::LoopChanges => loop_changes(writer),
        Rule::HandlerSees => handler_sees(writer),
        Rule::LoopBreaksIterator => loop_breaks_iterator(writer),
    }
}

/// An iterator over something, or over what there is no iterator for.
fn iterator(writer: &mut Writer) -> u16 {
    let from = writer.like(&[Hint::List, Hint::Map, Hint::Set, Hint::Tuple, Hint::Range, Hint::Str, Hint::Fiber]);
    let first = triple(writer);
    writer.abc(Op::Iter, first, from, 0);
    first
}

/// Three registers that no loop needs, if there are such.
fn triple(writer: &mut Writer) -> u16 {
    let most = writer.body.registers as usize - 2;
    for _ in 0..20 {
        let first = writer.number(most) as u16;
        if bits(first, 3) & writer.pinned == 0 {
            return first;
        }
    }
    writer.number(most) as u16
}

/// Three values, such as an iterator might have and others.
fn values(writer: &mut Writer) -> u16 {
    let first = triple(writer);
    for register in first..first + 3 {
        let value = match writer.number(4) {
            0 => writer.value(),
            1 => writer.produce(Hint::Int),
            2 => writer.produce(Hint::List),
            _ => writer.like(&[Hint::Str, Hint::Fiber, Hint::Map, Hint::Function, Hint::Range, Hint::Instance]),
        };
        writer.copy(register, value);
    }
    first
}

/// Asks for elements and looks at what comes.
fn next(writer: &mut Writer, first: u16) {
    writer.held = bits(first, 3);
    let element = writer.out();
    for _ in 0..1 + writer.number(8) {
        writer.abc(Op::Next, element, first, 0);
    }
    read(writer, element);
    if writer.chance(50) {
        let part = first + writer.number(3) as u16;
        read(writer, part);
    }
}

/// Reads a register as a value, whatever is in it, and keeps what comes of it.
fn read(writer: &mut Writer, register: u16) {
    writer.held |= bit(register);
    let out = writer.out();
    match writer.number(8) {
        0 => writer.abc(Op::MakeList, out, register, 1),
        1 => writer.abc(Op::ToStr, out, register, 0),
        2 => {
            let other = writer.value();
            writer.abc(Op::Eq, out, register, other);
        }
        3 => writer.abc(Op::GetIndex, out, register, register),
        4 => {
            let list = writer.like(&[Hint::List]);
            writer.abc(Op::ListPush, list, register, 0);
        }
        5 => {
            let print = writer.native("print");
            let first = writer.window(print, &[register]);
            writer.emit(Word::abcd(Op::Call, out, first, 0, 1));
        }
        6 => writer.abc(Op::Yield, out, register, 0),
        _ => {
            let map = writer.like(&[Hint::Map]);
            let key = writer.like(&[Hint::Str]);
            writer.abc(Op::MapPut, map, key, register);
        }
    }
}

fn copied_iterator(writer: &mut Writer) {
    let (from, to) = (iterator(writer), triple(writer));
    for part in 0..3 {
        writer.abc(Op::Move, to + part, from + part, 0);
    }
    next(writer, to);
}

fn let_cell(writer: &mut Writer) -> u16 {
    let (value, cell) = (writer.value(), writer.out());
    writer.ax(Op::NewCell, cell, 0);
    writer.abc(Op::InitCell, cell, value, 0);
    writer.hold(cell)
}

fn cell_of_value(writer: &mut Writer) {
    let (no_cell, value, out) = (writer.value(), writer.value(), writer.out());
    match writer.number(3) {
        0 => writer.abc(Op::InitCell, no_cell, value, 0),
        1 => writer.abc(Op::SetCell, no_cell, value, 0),
        _ => {
            writer.abc(Op::GetCell, out, no_cell, 0);
            read(writer, out);
        }
    }
}

/// Makes a function that takes a register for a free variable of a kind, one that it sets if that is asked for, and calls
/// it.
fn capture(writer: &mut Writer, kind: FreeKind, register: u16, sets: bool) {
    let places = |made: &Made| {
        let free = made.code.body().free.iter().zip(&made.writes);
        free.enumerate().find(|(_, (free, writes))| **free == kind && (**writes || !sets)).map(|(at, _)| at)
    };
    let children = writer.library.iter().enumerate().filter(|(_, made)| !made.code.uses_owner());
    let children: Vec<(usize, usize)> = children.filter_map(|(child, made)| Some((child, places(made)?))).collect();
    if children.is_empty() {
        return;
    }
    let (child, at) = writer.one_of(&children);
    let ClosureSite { child: index, mut sources, .. } = writer.site(child);
    sources[at] = CaptureSource::Register(register);
    let out = writer.out();
    writer.body.closures.push(ClosureSite { child: index, sources, own_debug: OwnDebug::default() });
    writer.ax(Op::MakeClosure, out, writer.body.closures.len() as u32 - 1);
    writer.hold(out);
    writer.call(out, &[]);
}

fn two_ways(writer: &mut Writer) {
    let (test, out) = (writer.value(), writer.out());
    let (mut other, mut over) = (Label::default(), Label::default());
    writer.jump(Op::JumpIf, test, &mut other);
    writer.int(out, 5);
    writer.jump(Op::Jump, 0, &mut over);
    writer.bind(other);
    writer.ax(Op::NewCell, out, 1);
    writer.bind(over);
    if writer.chance(50) {
        read(writer, out);
    } else {
        let value = writer.value();
        writer.abc(Op::InitCell, out, value, 0);
    }
}

fn loop_changes(writer: &mut Writer) {
    let (list, first) = (writer.like(&[Hint::List]), triple(writer));
    writer.abc(Op::Iter, first, list, 0);
    writer.held = bits(first, 3);
    let (changed, element) = (writer.out(), writer.out());
    writer.held |= bit(changed);
    writer.int(changed, 6);
    writer.int(element, 6);
    let head = writer.pc();
    read(writer, changed);
    writer.ax(Op::NewCell, changed, 1);
    writer.abc(Op::Next, element, first, 0);
    writer.ax(Op::LoopPresent, element, head);
}

fn handler_sees(writer: &mut Writer) {
    let (changed, caught) = (writer.out(), writer.out());
    writer.int(changed, 7);
    let start = writer.begin_guard();
    writer.ax(Op::NewCell, changed, 1);
    let value = writer.like(&[Hint::Int]);
    let out = writer.out();
    writer.abc(Op::GetIndex, out, value, value);
    writer.int(changed, 7);
    if let Some((handler, mut state)) = writer.end_guard(start, caught) {
        state.put_value(changed);
        writer.begin_handler(handler, state);
    }
    if caught != changed {
        read(writer, changed);
    }
}

fn loop_breaks_iterator(writer: &mut Writer) {
    let first = iterator(writer);
    writer.held = bits(first, 3);
    let element = writer.out();
    writer.int(element, 6);
    let head = writer.pc();
    writer.abc(Op::Next, element, first, 0);
    let part = first + writer.number(3) as u16;
    let value = writer.value();
    writer.copy(part, value);
    writer.ax(Op::LoopPresent, element, head);
}
