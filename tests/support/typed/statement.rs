//! Statements made by chance: every instruction, in the shapes that compiled code has and in others.

use quipu::code::{Constant, FreeKind, Op, Word};

use super::names::MEMBERS;
use super::state::{State, bit, bits};
use super::writer::{Hint, Label, Writer};

const ANY: &[Hint] = &[
    Hint::Nil,
    Hint::Bool,
    Hint::Int,
    Hint::Float,
    Hint::Str,
    Hint::Bytes,
    Hint::List,
    Hint::Map,
    Hint::Set,
    Hint::Tuple,
    Hint::Range,
    Hint::Type,
    Hint::Instance,
    Hint::Function,
    Hint::Native,
    Hint::Fiber,
    Hint::Error,
];

const ITERABLE: &[Hint] =
    &[Hint::List, Hint::Map, Hint::Set, Hint::Tuple, Hint::Range, Hint::Str, Hint::Fiber, Hint::Instance];

/// A few values to begin with.
pub fn setting(writer: &mut Writer) {
    for _ in 0..6 {
        let hint = writer.one_of(ANY);
        writer.held = 0;
        writer.produce(hint);
    }
}

pub fn block(writer: &mut Writer, depth: usize) {
    for _ in 0..2 + writer.number(5) {
        statement(writer, depth);
    }
}

/// The end of a function that is no constructor.
pub fn end(writer: &mut Writer) {
    writer.held = 0;
    if writer.state.is_some() {
        let value = if writer.chance(30) { writer.row(3) } else { writer.value() };
        if writer.chance(30) {
            let first = writer.row(4);
            let out = writer.out();
            writer.abc(Op::MakeList, out, first, 4);
            writer.abc(Op::Return, out, 0, 0);
        } else {
            leave(writer, value);
        }
    }
}

/// A path ends here.
fn leave(writer: &mut Writer, value: u16) {
    let is_free = !writer.is_guarded();
    match writer.number(8) {
        0 => writer.abc(Op::Throw, value, 0, 0),
        1 => writer.abc(Op::MatchFail, value, 0, 0),
        2..=5 if is_free => tail_call(writer),
        _ => writer.abc(Op::Return, value, 0, 0),
    }
}

fn tail_call(writer: &mut Writer) {
    let callee = writer.like(&[Hint::Function, Hint::Function, Hint::Native, Hint::Type, Hint::Fiber, Hint::List]);
    let member = writer.one_of(MEMBERS);
    let name = writer.text(member) as u16;
    let count = writer.number(4);
    let is_list = writer.chance(40);
    let arguments: Vec<u16> =
        if is_list { vec![writer.like(&[Hint::List])] } else { (0..count).map(|_| writer.value()).collect() };
    let first = writer.window(callee, &arguments);
    match (is_list, writer.chance(50)) {
        (false, true) => writer.emit(Word::abcd(Op::TailCall, 0, first, 0, count as u8)),
        (false, false) => writer.emit(Word::abcd(Op::TailMethod, 0, first, name, count as u8)),
        (true, true) => writer.abc(Op::TailCallList, 0, first, 0),
        (true, false) => writer.abc(Op::TailMethodList, 0, first, name),
    }
}

/// One statement. What may throw is mostly caught at once, so that much of a program runs.
pub fn statement(writer: &mut Writer, depth: usize) {
    writer.held = 0;
    if writer.state.is_none() {
        return;
    }
    if depth < 3 && writer.chance(30) {
        return nested(writer, depth);
    }
    if writer.chance(80) {
        let start = writer.begin_guard();
        for _ in 0..1 + writer.number(2) {
            writer.held = 0;
            simple(writer);
        }
        let register = writer.out();
        if let Some((handler, state)) = writer.end_guard(start, register) {
            writer.begin_any_handler(handler, state);
        }
    } else {
        simple(writer);
    }
}

/// Statements in statements.
fn nested(writer: &mut Writer, depth: usize) {
    match writer.number(10) {
        0 | 1 => branch(writer, depth),
        2..=4 => counted(writer, depth),
        5..=7 => for_loop(writer, depth),
        8 => attempt(writer, depth),
        _ => leave_sometimes(writer),
    }
}

fn branch(writer: &mut Writer, depth: usize) {
    let op = writer.one_of(&[Op::JumpIf, Op::JumpIfNot, Op::JumpNil, Op::JumpNotNil]);
    let register = writer.like(ANY);
    let (mut other, mut over) = (Label::default(), Label::default());
    writer.jump(op, register, &mut other);
    block(writer, depth + 1);
    writer.jump(Op::Jump, 0, &mut over);
    writer.bind(other);
    block(writer, depth + 1);
    writer.bind(over);
}

fn leave_sometimes(writer: &mut Writer) {
    let register = writer.like(ANY);
    let mut over = Label::default();
    let op = writer.one_of(&[Op::JumpIf, Op::JumpNotNil]);
    writer.jump(op, register, &mut over);
    writer.held = 0;
    let value = writer.value();
    leave(writer, value);
    writer.bind(over);
}

/// Registers in a row that a loop keeps, among the low ones, which calls do not lose.
fn kept(writer: &mut Writer, count: u16) -> u16 {
    let most = (writer.body.registers / 2).saturating_sub(count).max(1);
    for _ in 0..10 {
        let first = writer.number(most as usize) as u16;
        if bits(first, count) & writer.pinned == 0 {
            return first;
        }
    }
    writer.number(most as usize) as u16
}

/// A loop that counts up or down to a bound.
fn counted(writer: &mut Writer, depth: usize) {
    let counter = kept(writer, 1);
    let pinned = writer.pinned;
    let is_rising = writer.chance(50);
    let is_float = writer.chance(50);
    let turns = 1 + writer.number(3) as i32;
    number(writer, counter, if is_rising { 0 } else { turns }, is_float);
    writer.pinned |= bit(counter);
    let (head, state) = (writer.pc(), writer.known());
    block(writer, depth + 1);
    if writer.state.is_none() {
        writer.pinned = pinned;
        return;
    }
    writer.repair(state);
    writer.held = bit(counter);
    let one = spare(writer, state);
    writer.int(one, 1);
    let op = if is_rising { Op::Add } else { Op::Sub };
    writer.abc(op, counter, counter, one);
    let (bound, test) = (spare(writer, state), spare(writer, state));
    number(writer, bound, if is_rising { turns } else { 0 }, is_float);
    let comparison = if is_rising { [Op::Lt, Op::Ne, Op::Le, Op::Eq] } else { [Op::Gt, Op::Ne, Op::Ge, Op::Eq] };
    let op = writer.one_of(&comparison);
    writer.abc(op, test, counter, bound);
    writer.repair(state);
    loop_back(writer, test, head);
    writer.pinned = pinned;
}

/// A number of one of the two kinds.
pub fn number(writer: &mut Writer, register: u16, number: i32, is_float: bool) {
    if is_float {
        let float = writer.constant(Constant::Float(f64::from(number).to_bits()));
        writer.ax(Op::LoadConst, register, float);
    } else {
        writer.int(register, number);
    }
}

/// A register to write of which nothing was known at a point, or else only that it has a value.
fn spare(writer: &mut Writer, then: State) -> u16 {
    let free = !writer.pinned & !writer.held;
    let register = match writer.among(!then.assigned & free) {
        Some(register) if writer.chance(80) => register,
        _ => writer.among(then.values & free).unwrap_or_else(|| writer.out()),
    };
    writer.hold(register)
}

/// Goes back if a register says so.
fn loop_back(writer: &mut Writer, test: u16, head: u32) {
    if writer.known().values & bit(test) == 0 {
        writer.int(test, 0);
    }
    match writer.number(4) {
        0 => {
            let mut over = Label::default();
            writer.jump(Op::JumpIfNot, test, &mut over);
            writer.ax(Op::Loop, 0, head);
            writer.bind(over);
        }
        1 => {
            writer.abc(Op::Not, test, test, 0);
            writer.ax(Op::LoopIfNot, test, head);
        }
        _ => writer.ax(Op::LoopIf, test, head),
    }
}

/// A loop over what an iterator gives.
fn for_loop(writer: &mut Writer, depth: usize) {
    let iterator = kept(writer, 3);
    let pinned = writer.pinned;
    let kinds = if writer.chance(90) { ITERABLE } else { ANY };
    let from = writer.like(kinds);
    if writer.chance(70) {
        writer.abc(Op::Iter, iterator, from, 0);
    } else {
        let (low, high, flag) = (writer.like(&[Hint::Int]), writer.like(&[Hint::Int]), writer.number(2) as u8);
        writer.emit(Word::abcd(Op::IterRange, iterator, low, high, flag));
    }
    writer.pinned |= bits(iterator, 3);
    writer.held = bits(iterator, 3);
    let mut next = Label::default();
    let element = writer.out();
    if bits(iterator, 3) & bit(element) != 0 {
        writer.pinned = pinned;
        return;
    }
    writer.ax(Op::LoadNil, element, 0);
    let inside = writer.known();
    writer.jump(Op::Jump, 0, &mut next);
    let head = writer.pc();
    let body_is_there = writer.chance(85);
    if body_is_there {
        writer.state = Some(inside);
        block(writer, depth + 1);
        if writer.state.is_some() {
            writer.repair(inside);
        }
    }
    writer.bind(next);
    let again = if body_is_there { head } else { writer.pc() };
    writer.abc(Op::Next, element, iterator, 0);
    writer.ax(Op::LoopPresent, element, again);
    writer.pinned = pinned;
}

/// Statements whose errors are caught, and others that catch them.
fn attempt(writer: &mut Writer, depth: usize) {
    let start = writer.begin_guard();
    // Ranges differ from those inside of them.
    let first = writer.out();
    writer.ax(Op::LoadNil, first, 0);
    block(writer, depth + 1);
    let register = writer.out();
    let mut over = Label::default();
    let Some((handler, state)) = writer.end_guard(start, register) else { return };
    writer.jump(Op::Jump, 0, &mut over);
    writer.state = None;
    writer.begin_any_handler(handler, state);
    block(writer, depth + 1);
    writer.bind(over);
}

/// One instruction, or a few that belong together.
fn simple(writer: &mut Writer) {
    match writer.number(20) {
        0 => {
            let hint = writer.one_of(ANY);
            writer.produce(hint);
        }
        1 | 2 => operator(writer),
        3 => fused(writer),
        4 => compared(writer),
        5 | 6 => call(writer),
        7 => call_method(writer),
        8 => cells(writer),
        9 => free(writer),
        10 | 11 => container(writer),
        12 => members(writer),
        13 | 14 => pattern(writer),
        15 => maybe(writer),
        16 => iterate(writer),
        17 => owner(writer),
        18 => {
            let value = writer.value();
            let out = writer.out();
            writer.copy(out, value);
        }
        _ => {
            let value = writer.value();
            let out = writer.out();
            if writer.chance(40) {
                writer.abc(Op::Yield, out, value, 0);
            } else {
                writer.abc(Op::ToStr, out, value, 0);
            }
        }
    }
}

fn operator(writer: &mut Writer) {
    use Op::*;
    let alike: &[Hint] = match writer.number(4) {
        0 => &[Hint::Int, Hint::Float],
        1 => &[Hint::Str, Hint::List],
        2 => &[Hint::Instance],
        _ => ANY,
    };
    let (a, b) = (writer.like(alike), writer.like(alike));
    let ty = writer.like(&[Hint::Type, Hint::Native]);
    let out = writer.out();
    let op = writer.one_of(&[
        Add, Sub, Mul, Div, FloorDiv, Mod, Pow, BitAnd, BitOr, BitXor, Shl, Shr, Neg, BitNot, Not, Eq, Ne, Lt, Le, Gt,
        Ge, In, NotIn, Is, Concat,
    ]);
    match op {
        Neg | BitNot | Not => writer.abc(op, out, a, 0),
        Is => writer.abc(op, out, a, ty),
        Concat => {
            let count = writer.number(4) as u16;
            let first = writer.row(count);
            if writer.chance(70) {
                (first..first + count).for_each(|register| writer.abc(ToStr, register, register, 0));
            }
            writer.abc(op, out, first, count);
        }
        _ => writer.abc(op, out, a, b),
    }
}

/// Groups that prepared code has one instruction for.
fn fused(writer: &mut Writer) {
    use Op::*;
    let is_int = writer.chance(50);
    let other = writer.like(if is_int { &[Hint::Int, Hint::Float] } else { &[Hint::Float, Hint::Int] });
    let constant = writer.out();
    if constant == other {
        return;
    }
    if is_int {
        let small = 1 + writer.number(9) as i32;
        writer.int(constant, small);
    } else {
        let float = writer.constant(Constant::Float(1.5f64.to_bits()));
        writer.ax(LoadConst, constant, float);
    }
    let is_left = writer.chance(30);
    let ops: &[Op] = match (is_int, is_left) {
        (true, false) => &[Add, Sub, Mul, Mod, FloorDiv, BitAnd],
        (true, true) => &[Add, Mul],
        (false, false) => &[Add, Sub, Mul, Div],
        (false, true) => &[Sub, Mul, Div],
    };
    let op = writer.one_of(ops);
    // Nobody reads the constant afterwards.
    let (b, c) = if is_left { (constant, other) } else { (other, constant) };
    writer.abc(op, constant, b, c);
    writer.hints[constant as usize] = Hint::Int;
}

/// A comparison and a jump, as one instruction where the right side is a constant or a register.
fn compared(writer: &mut Writer) {
    use Op::*;
    let kind = writer.number(4);
    let left = writer.like(match kind {
        0 => &[Hint::Int, Hint::Float],
        1 => &[Hint::Float, Hint::Int],
        2 => &[Hint::Str],
        _ => &[Hint::Int, Hint::Str, Hint::Instance],
    });
    let state = writer.known();
    let right = if kind == 3 { writer.like(&[Hint::Int, Hint::Str, Hint::Instance]) } else { spare(writer, state) };
    let test = spare(writer, state);
    let ops: &[Op] = if kind == 2 { &[Eq, Ne] } else { &[Lt, Le, Gt, Ge, Eq, Ne] };
    let op = writer.one_of(ops);
    let head = writer.pc();
    match kind {
        0 => {
            let int = writer.number(5) as i32;
            writer.int(right, int);
        }
        1 => {
            let float = writer.constant(Constant::Float(0.5f64.to_bits()));
            writer.ax(LoadConst, right, float);
        }
        2 => {
            let text = writer.text("ab");
            writer.ax(LoadConst, right, text);
        }
        _ => {}
    }
    if right == left || right == test && kind == 3 {
        return;
    }
    writer.abc(op, test, left, right);
    let mut over = Label::default();
    match writer.number(3) {
        0 => writer.jump(JumpIf, test, &mut over),
        1 => writer.jump(JumpIfNot, test, &mut over),
        // It may go round for ever, which fuel ends; so it seldom does.
        _ if writer.chance(30) => writer.ax(LoopIf, test, head),
        _ => writer.jump(JumpIf, test, &mut over),
    }
    let value = writer.one_of(&[0, 1]);
    writer.int(right, value);
    writer.int(test, value);
    writer.bind(over);
    // Both are written before anybody reads them.
    writer.int(right, 2);
    writer.int(test, 3);
}

fn call(writer: &mut Writer) {
    let callee = writer.like(&[Hint::Function, Hint::Function, Hint::Native, Hint::Type, Hint::Instance, Hint::Fiber]);
    if writer.chance(30) {
        let list = writer.like(&[Hint::List]);
        let first = writer.window(callee, &[list]);
        let out = writer.out();
        return writer.abc(Op::CallList, out, first, 0);
    }
    let count = writer.number(4);
    let arguments: Vec<u16> = (0..count).map(|_| writer.like(ANY)).collect();
    writer.call(callee, &arguments);
}

fn call_method(writer: &mut Writer) {
    let receiver = writer.like(ANY);
    let member = writer.one_of(MEMBERS);
    let name = writer.text(member) as u16;
    if writer.chance(30) {
        let list = writer.like(&[Hint::List]);
        let first = writer.window(receiver, &[list]);
        let out = writer.out();
        return writer.abc(Op::CallMethodList, out, first, name);
    }
    let count = writer.number(3);
    let arguments: Vec<u16> = (0..count).map(|_| writer.like(ANY)).collect();
    let first = writer.window(receiver, &arguments);
    let out = writer.out();
    writer.emit(Word::abcd(Op::CallMethod, out, first, name, count as u8));
}

fn cells(writer: &mut Writer) {
    match writer.number(3) {
        0 => {
            let (cell, value) = (writer.cell(false), writer.value());
            writer.abc(Op::InitCell, cell, value, 0);
        }
        1 => {
            let (cell, value) = (writer.cell(true), writer.value());
            writer.abc(Op::SetCell, cell, value, 0);
        }
        _ => {
            let cell = writer.cell(false);
            let out = writer.out();
            writer.abc(Op::GetCell, out, cell, 0);
        }
    }
}

fn free(writer: &mut Writer) {
    let cells = writer.free_of(FreeKind::Cell);
    let values = writer.free_of(FreeKind::Value);
    if !values.is_empty() && (cells.is_empty() || writer.chance(40)) {
        let free = writer.one_of(&values);
        let out = writer.out();
        return writer.ax(Op::GetFree, out, free.into());
    }
    if cells.is_empty() {
        return;
    }
    let free = writer.one_of(&cells);
    match writer.number(3) {
        0 => {
            let out = writer.out();
            writer.ax(Op::GetFreeCell, out, free.into());
        }
        1 => {
            let value = writer.value();
            writer.writes[free as usize] = true;
            writer.ax(Op::SetFreeCell, value, free.into());
        }
        _ => {
            let out = writer.out();
            writer.hold(out);
            let one = writer.out();
            writer.writes[free as usize] = true;
            writer.ax(Op::GetFreeCell, out, free.into());
            writer.int(one, 1);
            writer.abc(Op::Add, out, out, one);
            writer.ax(Op::SetFreeCell, out, free.into());
            writer.int(one, 0);
        }
    }
}

fn container(writer: &mut Writer) {
    use Op::*;
    let list = writer.like(&[Hint::List]);
    let map = writer.like(&[Hint::Map]);
    let any = writer.like(&[Hint::List, Hint::Map, Hint::Str, Hint::Tuple, Hint::Instance, Hint::Bytes]);
    let (key, value) = (writer.like(&[Hint::Int, Hint::Str, Hint::Instance, Hint::Tuple]), writer.value());
    let out = writer.out();
    match writer.number(7) {
        0 => writer.abc(ListPush, list, value, 0),
        1 => writer.abc(MapPut, map, key, value),
        2 => {
            let other = writer.like(&[Hint::Map]);
            writer.abc(MapMerge, map, other, 0);
        }
        3 => {
            let op = writer.one_of(&[GetIndex, GetIndexOrNil]);
            writer.abc(op, out, any, key);
        }
        4 => writer.abc(SetIndex, any, key, value),
        5 => {
            let (first, flag) = (writer.row(2), writer.number(2) as u8);
            writer.emit(Word::abcd(Slice, out, any, first, flag));
        }
        _ => {
            let hint = writer.one_of(&[Hint::List, Hint::Tuple, Hint::Map, Hint::Range, Hint::Set]);
            writer.produce(hint);
        }
    }
}

fn members(writer: &mut Writer) {
    let of = writer.like(&[Hint::Instance, Hint::Map, Hint::Error, Hint::Type, Hint::Nil]);
    let value = writer.value();
    let member = writer.one_of(&["x", "y", "z", "message", "data", "m", "a", "str"]);
    let (name, out) = (writer.text(member) as u16, writer.out());
    match writer.number(4) {
        0 => writer.abc(Op::GetField, out, of, name),
        1 => writer.abc(Op::GetFieldOrNil, out, of, name),
        2 => writer.abc(Op::GetFieldSafe, out, of, name),
        _ => writer.abc(Op::SetField, of, value, name),
    }
}

fn pattern(writer: &mut Writer) {
    use Op::*;
    let value = writer.like(&[Hint::Tuple, Hint::List, Hint::Map, Hint::Instance, Hint::Range]);
    let ty = writer.like(&[Hint::Type]);
    let (out, count) = (writer.out(), writer.number(4) as u16);
    let flag = writer.number(2) as u8;
    match writer.number(5) {
        0 => writer.abc(IsTuple, out, value, count),
        1 => writer.emit(Word::abcd(IsList, out, value, count, flag)),
        2 => writer.abc(IsMap, out, value, 0),
        3 => writer.emit(Word::abcd(IsInstance, out, value, ty, count as u8)),
        _ => {
            let instance = writer.like(&[Hint::Instance]);
            writer.abc(GetSlot, out, instance, count);
        }
    }
}

/// Something that may be absent, and what follows from whether it is.
fn maybe(writer: &mut Writer) {
    let optional = writer.known().maybe & !writer.known().values;
    let register = match writer.among(optional) {
        Some(register) if writer.chance(50) => register,
        _ => {
            let map = writer.like(&[Hint::Map]);
            let key = writer.like(&[Hint::Str, Hint::Int]);
            let out = writer.out();
            writer.abc(Op::TryKey, out, map, key);
            out
        }
    };
    writer.held = bit(register);
    let mut over = Label::default();
    match writer.number(4) {
        0 => {
            writer.jump(Op::JumpPresent, register, &mut over);
            writer.ax(Op::LoadNil, register, 0);
        }
        1 => {
            writer.jump(Op::JumpAbsent, register, &mut over);
            let out = writer.out();
            writer.abc(Op::ToStr, out, register, 0);
        }
        _ => {
            let mut missing = Label::default();
            writer.jump(Op::JumpAbsent, register, &mut missing);
            let out = writer.out();
            writer.copy(out, register);
            writer.jump(Op::Jump, 0, &mut over);
            writer.bind(missing);
        }
    }
    writer.bind(over);
}

/// An iterator outside of a loop.
fn iterate(writer: &mut Writer) {
    let iterator = match writer.among(writer.known().iterators) {
        Some(iterator) if writer.chance(60) => iterator,
        _ => {
            let from = writer.like(ITERABLE);
            let first = writer.number(writer.body.registers as usize - 2) as u16;
            if bits(first, 3) & writer.pinned != 0 {
                return;
            }
            writer.abc(Op::Iter, first, from, 0);
            first
        }
    };
    writer.held = bits(iterator, 3);
    let out = writer.out();
    if bits(iterator, 3) & bit(out) == 0 {
        writer.abc(Op::Next, out, iterator, 0);
    }
}

fn owner(writer: &mut Writer) {
    let out = writer.out();
    let op = if writer.owned && writer.chance(60) { Op::GetOwner } else { Op::GetSelf };
    writer.abc(op, out, 0, 0);
    writer.hints[out as usize] = Hint::Function;
}

/// All instructions that remember what they have found out. Of those in tail position, the first is for calls with an
/// argument and the second for those without.
pub fn far(writer: &mut Writer) {
    let (name, member) = (writer.text("len") as u16, writer.text("a") as u16);
    let words = [
        Word::abcd(Op::CallMethod, 6, 2, name, 0),
        Word::abc(Op::CallMethodList, 6, 2, name),
        Word::abc(Op::GetField, 6, 2, member),
        Word::abc(Op::GetFieldSafe, 6, 2, member),
        Word::abc(Op::GetFieldOrNil, 6, 2, member),
        Word::abc(Op::SetField, 2, 3, member),
    ];
    for word in words {
        new_containers(writer);
        let start = writer.begin_guard();
        writer.emit(word);
        if let Some((handler, state)) = writer.end_guard(start, 7) {
            writer.begin_handler(handler, state);
        }
    }
    let tails = [
        (Op::JumpAbsent, Word::abcd(Op::TailMethod, 0, 2, name, 0)),
        (Op::JumpPresent, Word::abc(Op::TailMethodList, 0, 2, name)),
    ];
    for (op, word) in tails {
        new_containers(writer);
        let mut over = Label::default();
        writer.jump(op, 0, &mut over);
        writer.emit(word);
        writer.bind(over);
    }
}

fn new_containers(writer: &mut Writer) {
    writer.abc(Op::MakeMap, 2, 0, 0);
    writer.abc(Op::MakeList, 3, 0, 0);
}
