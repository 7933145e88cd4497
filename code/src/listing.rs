//! Listings: a code object as text for people, the same every time.

use std::collections::HashSet;
use std::fmt::Write;

use crate::effects::{receiver, target};
use crate::object::{Body, CaptureSource as From, ClosureSite, Code, Constant, Debug, FreeKind, Local};
use crate::op::{Field, Holds, Op, Role, Word};
use crate::span::Source;

/// How much of a string constant is shown.
const MAX_TEXT: usize = 60;

/// A code object and the functions nested in it, each once, with the lines of the source where it is at hand.
///
/// ```text
/// fn scale  3f0c21d977aa  1 parameter, 4 registers  (shapes.qp:3)
///   free       F0 factor (value), F1 count (cell)
///   constants  K0 "print"
///    3 | fn scale(x) {
///    4 |   print(x * factor)
///       0      GetNative     R1 := print
///       1      GetFree       R2 := F0 factor
///       2      Mul           R2 := R0 x, R2
///       3      TailCall      R1(R2)
/// ```
pub fn listing(code: &Code, source: Option<&Source>) -> String {
    let mut text = String::new();
    let mut seen = HashSet::from([code.hash()]);
    let mut to_list = vec![code];
    while let Some(code) = to_list.pop() {
        if !text.is_empty() {
            text.push('\n');
        }
        let source = source.filter(|source| code.debug().is_some_and(|debug| *debug.file == **source.name()));
        // Writing to a string cannot fail.
        let _ = Lister::new(code, source, &mut text).list();
        to_list.extend(code.body().children.iter().rev().filter(|child| seen.insert(child.hash())));
    }
    text
}

/// An instruction as data.
#[derive(Debug)]
pub struct Listed {
    /// Its number in its code object.
    pub at: u32,
    /// What it does.
    pub op: &'static str,
    /// What it does that to, as listings write it; instructions that it may jump to by their numbers.
    pub operands: String,
    /// Its line in the source.
    pub line: Option<u32>,
}

/// The instructions of a code object, without those of the functions nested in it.
pub fn steps(code: &Code) -> impl Iterator<Item = Listed> {
    code.body().words.iter().zip(0..).filter_map(move |(&word, at)| {
        let op = word.op()?;
        let mut operands = String::new();
        let mut lister = Lister::new(code, None, &mut operands);
        lister.labels.clear();
        // Writing to a string cannot fail.
        let _ = lister.operands(at, word, op);
        let line = code.debug().and_then(|debug| debug.position(at)).map(|position| position.line);
        Some(Listed { at, op: op.name(), operands, line })
    })
}

struct Lister<'a> {
    code: &'a Code,
    body: &'a Body,
    debug: Option<&'a Debug>,
    source: Option<&'a Source>,
    /// Instructions that have labels, in order; the number of a label is its place here, from 1.
    labels: Vec<u32>,
    /// Names of registers, by register and first instruction.
    locals: Vec<&'a Local>,
    to: &'a mut String,
}

type Result = std::fmt::Result;

impl<'a> Lister<'a> {
    fn new(code: &'a Code, source: Option<&'a Source>, to: &'a mut String) -> Lister<'a> {
        let (body, debug) = (code.body(), code.debug());
        let mut labels: Vec<u32> = body.words.iter().filter_map(|&word| target(word)).collect();
        for handler in &body.handlers {
            labels.extend([handler.start, handler.end, handler.target]);
        }
        labels.sort_unstable();
        labels.dedup();
        let mut locals: Vec<&Local> = debug.iter().flat_map(|debug| &debug.locals).collect();
        locals.sort_by_key(|local| (local.register, local.start));
        Lister { code, body, debug, source, labels, locals, to }
    }

    fn list(&mut self) -> Result {
        self.header()?;
        self.tables()?;
        let mut line = None;
        for (pc, &word) in self.body.words.iter().enumerate() {
            let pc = pc as u32;
            self.source_lines(pc, &mut line)?;
            self.instruction(pc, word)?;
        }
        if self.label(self.body.words.len() as u32).is_some() {
            let end = self.body.words.len() as u32;
            self.place(end)?;
            writeln!(self.to, "end")?;
        }
        for handler in &self.body.handlers {
            self.to.push_str("  handler  ");
            self.label_name(handler.start)?;
            self.to.push_str("..");
            self.label_name(handler.end)?;
            self.to.push_str(" -> ");
            self.label_name(handler.target)?;
            self.to.push_str(" with ");
            self.register(handler.target, handler.register as u32, true)?;
            self.to.push('\n');
        }
        Ok(())
    }

    /// `fn name  hash  2 parameters (1 optional, rest), 7 registers  (file:line)`
    fn header(&mut self) -> Result {
        let body = self.body;
        self.to.push_str("fn ");
        clean(self.to, name(self.code));
        let hash = self.code.hash().short();
        write!(self.to, "  {}  {}", hash, plural(body.params() as usize, "parameter"))?;
        match (body.optional, body.rest) {
            (0, false) => {}
            (0, true) => self.to.push_str(" (rest)"),
            (optional, rest) => write!(self.to, " ({optional} optional{})", if rest { ", rest" } else { "" })?,
        }
        write!(self.to, ", {}", plural(body.registers as usize, "register"))?;
        if let Some(debug) = self.debug {
            self.to.push_str("  (");
            clean(self.to, &debug.file);
            write!(self.to, ":{})", debug.line)?;
        }
        self.to.push('\n');
        Ok(())
    }

    fn tables(&mut self) -> Result {
        let body = self.body;
        for (index, kind) in body.free.iter().enumerate() {
            self.to.push_str(if index == 0 { "  free       " } else { ", " });
            self.free(index)?;
            self.to.push_str(match kind {
                FreeKind::Value => " (value)",
                FreeKind::Cell => " (cell)",
            });
        }
        self.end_line(body.free.len());
        for (index, value) in body.constants.iter().enumerate() {
            self.to.push_str(if index == 0 { "  constants  " } else { ", " });
            write!(self.to, "K{index} ")?;
            constant(self.to, value)?;
        }
        self.end_line(body.constants.len());
        for (index, child) in body.children.iter().enumerate() {
            self.to.push_str(if index == 0 { "  functions  " } else { ", " });
            self.function(child);
        }
        self.end_line(body.children.len());
        Ok(())
    }

    fn end_line(&mut self, entries: usize) {
        if entries > 0 {
            self.to.push('\n');
        }
    }

    /// The lines that the next instructions come from, where they are not those of the ones before.
    fn source_lines(&mut self, pc: u32, last: &mut Option<u32>) -> Result {
        let (Some(debug), Some(source)) = (self.debug, self.source) else { return Ok(()) };
        let Some(line) = debug.position(pc).map(|position| position.line) else { return Ok(()) };
        // Lines between that made no instructions are shown too when they are few: they explain the next ones.
        let first = match *last {
            Some(last) if line == last => return Ok(()),
            Some(last) if line > last && line - last <= 3 => last + 1,
            _ => line,
        };
        *last = Some(line);
        for line in first..=line {
            let Some(text) = source.line(line) else { continue };
            let mut shown = String::new();
            clean(&mut shown, text.trim_end());
            writeln!(self.to, "{}", format!("{line:>4} | {shown}").trim_end())?;
        }
        Ok(())
    }

    fn instruction(&mut self, pc: u32, word: Word) -> Result {
        let Some(op) = word.op() else { return Ok(()) };
        self.place(pc)?;
        write!(self.to, "{:<14}", op.name())?;
        self.operands(pc, word, op)?;
        let end = self.to.trim_end_matches(' ').len();
        self.to.truncate(end);
        self.to.push('\n');
        let made = op.operands().iter().find(|&&(_, role)| role == Role::TypeSite);
        let site = made.and_then(|&(field, _)| self.body.types.get(word.field(field) as usize));
        let Some(site) = site else { return Ok(()) };
        self.member(pc, "constructor", &site.constructor)?;
        for method in &site.methods {
            let mut shown = String::new();
            constant_name(&mut shown, self.body, method.name);
            if !method.instance {
                shown.push_str(" (no self)");
            }
            self.member(pc, &shown, &method.closure)?;
        }
        Ok(())
    }

    fn operands(&mut self, pc: u32, word: Word, op: Op) -> Result {
        let mut before = "";
        for &(field, role) in op.operands() {
            let value = word.field(field);
            // A count is told by what it counts.
            let counted = matches!(role, Role::Count) && op.operands().iter().any(|&(_, role)| counts(role, field));
            if counted || (role == Role::Name && is_method_call(op)) {
                continue;
            }
            self.to.push_str(before);
            self.operand(pc, word, role, value)?;
            before = if matches!(role, Role::Out | Role::IterOut) { " := " } else { ", " };
        }
        Ok(())
    }

    /// Number and label of an instruction.
    fn place(&mut self, pc: u32) -> Result {
        let label = self.label(pc).map_or(String::new(), |label| format!("L{label}:"));
        write!(self.to, "  {pc:>5}  {label:<5}")
    }

    fn operand(&mut self, pc: u32, word: Word, role: Role, value: u32) -> Result {
        match role {
            Role::None => Ok(()),
            Role::Out => self.register(pc, value, true),
            Role::In | Role::InOut => self.register(pc, value, false),
            Role::Window => {
                self.callee(pc, word, value)?;
                self.to.push('(');
                self.range(pc, value + 1, word.d() as u32)?;
                self.to.push(')');
                Ok(())
            }
            Role::WindowList => {
                self.callee(pc, word, value)?;
                self.to.push_str("(..");
                self.register(pc, value + 1, false)?;
                self.to.push(')');
                Ok(())
            }
            Role::Many => {
                self.to.push('[');
                self.range(pc, value, word.c() as u32)?;
                self.to.push(']');
                Ok(())
            }
            Role::Pairs => {
                self.to.push('[');
                self.range(pc, value, 2 * word.c() as u32)?;
                self.to.push(']');
                Ok(())
            }
            Role::Two => self.range(pc, value, 2),
            Role::IterOut | Role::Iter => write!(self.to, "R{value}..R{}", value + 2),
            Role::Const => match self.body.constants.get(value as usize) {
                Some(value) => constant(self.to, value),
                None => Ok(()),
            },
            Role::Name => {
                self.to.push('.');
                constant_name(self.to, self.body, value);
                Ok(())
            }
            Role::Native => {
                constant_name(self.to, self.body, value);
                Ok(())
            }
            Role::FreeValue | Role::FreeCell => self.free(value as usize),
            Role::ClosureSite => match self.body.closures.get(value as usize) {
                Some(site) => self.closure(pc, site),
                None => Ok(()),
            },
            Role::TypeSite => {
                let Some(site) = self.body.types.get(value as usize) else { return Ok(()) };
                constant_name(self.to, self.body, site.name);
                self.to.push('(');
                for (index, &field) in site.fields.iter().enumerate() {
                    self.to.push_str(if index == 0 { "" } else { ", " });
                    constant_name(self.to, self.body, field);
                }
                self.to.push(')');
                Ok(())
            }
            Role::Forward | Role::Back => {
                self.to.push_str("-> ");
                self.label_name(value)
            }
            Role::Imm => write!(self.to, "{}", value as i32),
            Role::Count => write!(self.to, "{value}"),
            Role::Flag => {
                let makes_cell = word.op().is_some_and(|op| op.holds(Field::A) == Holds::Cell);
                self.to.push_str(match (makes_cell, value == 1) {
                    (true, true) => "var",
                    (true, false) => "let",
                    (false, true) => "true",
                    (false, false) => "false",
                });
                Ok(())
            }
        }
    }

    /// `R4`, or `R4.name` where a method is called.
    fn callee(&mut self, pc: u32, word: Word, register: u32) -> Result {
        self.register(pc, register, false)?;
        if word.op().is_some_and(is_method_call) {
            self.to.push('.');
            constant_name(self.to, self.body, word.c() as u32);
        }
        Ok(())
    }

    /// `R4 name`. A name holds from the instruction after the write on.
    fn register(&mut self, pc: u32, register: u32, written: bool) -> Result {
        write!(self.to, "R{register}")?;
        let name = self.name(pc, register).or_else(|| if written { self.name(pc + 1, register) } else { None });
        if let Some(name) = name {
            self.to.push(' ');
            clean(self.to, name);
        }
        Ok(())
    }

    fn name(&self, pc: u32, register: u32) -> Option<&'a str> {
        let after = self.locals.partition_point(|local| (local.register as u32, local.start) <= (register, pc));
        let local = self.locals.get(after.checked_sub(1)?)?;
        (local.register as u32 == register && pc < local.end).then_some(&*local.name)
    }

    /// Up to three registers by themselves, more by first and last.
    fn range(&mut self, pc: u32, first: u32, count: u32) -> Result {
        if count > 3 {
            return write!(self.to, "R{first}..R{}", first + count - 1);
        }
        for register in first..first + count {
            self.to.push_str(if register == first { "" } else { ", " });
            self.register(pc, register, false)?;
        }
        Ok(())
    }

    fn free(&mut self, index: usize) -> Result {
        write!(self.to, "F{index}")?;
        if let Some(name) = self.debug.and_then(|debug| debug.free.get(index)) {
            self.to.push(' ');
            clean(self.to, name);
        }
        Ok(())
    }

    fn function(&mut self, code: &Code) {
        clean(self.to, name(code));
        self.to.push(' ');
        self.to.push_str(&code.hash().short());
    }

    /// `name hash [a: R1, b: F0 c, d: running]`
    fn closure(&mut self, pc: u32, site: &ClosureSite) -> Result {
        let Some(child) = self.body.children.get(site.child as usize) else { return Ok(()) };
        self.function(child);
        for (index, source) in site.sources.iter().enumerate() {
            self.to.push_str(if index == 0 { " [" } else { ", " });
            match child.debug().and_then(|debug| debug.free.get(index)) {
                Some(name) => clean(self.to, name),
                None => write!(self.to, "F{index}")?,
            }
            self.to.push_str(": ");
            match *source {
                From::Register(register) => self.register(pc, register as u32, false)?,
                From::Free(index) => self.free(index as usize)?,
                From::Running => self.to.push_str("running"),
                From::Owner => self.to.push_str("owner"),
            }
        }
        if !site.sources.is_empty() {
            self.to.push(']');
        }
        Ok(())
    }

    fn member(&mut self, pc: u32, name: &str, site: &ClosureSite) -> Result {
        write!(self.to, "{:28}{name}: ", "")?;
        self.closure(pc, site)?;
        self.to.push('\n');
        Ok(())
    }

    fn label(&self, pc: u32) -> Option<usize> {
        self.labels.binary_search(&pc).ok().map(|index| index + 1)
    }

    fn label_name(&mut self, pc: u32) -> Result {
        match self.label(pc) {
            Some(label) => write!(self.to, "L{label}"),
            None => write!(self.to, "{pc}"),
        }
    }
}

/// Whether an operand with this role is as long as the count in the field says.
fn counts(role: Role, field: Field) -> bool {
    match role {
        Role::Window => field == Field::D,
        Role::Many | Role::Pairs => field == Field::C,
        _ => false,
    }
}

/// Whether the member that the instruction names is called, and shown with its receiver.
fn is_method_call(op: Op) -> bool {
    let is_window = |&(_, role): &(Field, Role)| matches!(role, Role::Window | Role::WindowList);
    receiver(op).is_some() && op.operands().iter().any(is_window)
}

fn name(code: &Code) -> &str {
    code.debug().map_or("<stripped>", |debug| &debug.name)
}

fn constant_name(to: &mut String, body: &Body, index: u32) {
    if let Some(Constant::Str(name)) = body.constants.get(index as usize) {
        clean(to, name);
    }
}

fn constant(to: &mut String, value: &Constant) -> Result {
    match value {
        Constant::Int(value) => write!(to, "{value}"),
        Constant::Float(bits) => match f64::from_bits(*bits) {
            value if value.is_nan() => write!(to, "nan"),
            value => write!(to, "{value:?}"),
        },
        Constant::Str(text) => {
            to.push('"');
            for char in text.chars().take(MAX_TEXT) {
                match char {
                    '\'' => to.push(char),
                    _ => to.extend(char.escape_debug()),
                }
            }
            to.push_str(if text.chars().nth(MAX_TEXT).is_some() { "\"..." } else { "\"" });
            Ok(())
        }
        Constant::Bytes(bytes) => {
            let shown = &bytes[..bytes.len().min(MAX_TEXT)];
            write!(to, "b\"{}\"{}", shown.escape_ascii(), if shown.len() < bytes.len() { "..." } else { "" })
        }
    }
}

/// Text from a source or an image, which must not steer the terminal that shows it.
fn clean(to: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '"' | '\'' | '\\' => to.push(char),
            '\t' => to.push_str("    "),
            _ => to.extend(char.escape_debug()),
        }
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
