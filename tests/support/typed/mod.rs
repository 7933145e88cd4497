//! Functions made by chance that keep the rules about what registers hold, and such as break one of them.
//!
//! A main function is made with a small library of others nested in it, all instructions and operands among them, and
//! values of every kind wherever the rules do not ask for one. `attack` breaks the rules, one in each program.

mod attack;
mod names;
mod state;
mod statement;
mod writer;

use quipu::code::{Body, CheckError, Code, FreeKind, Op, Word};

pub use attack::Rule;
use writer::{Hint, Label, Made, Writer};

/// A source of numbers below another one.
pub type Numbers<'n> = &'n mut dyn FnMut(u64) -> u64;

/// A main function with those that are nested in it.
pub struct Program {
    pub main: Code,
    /// All code, itself included.
    pub codes: Vec<Code>,
}

/// What a function is for.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Of a type with so many fields, and whether it does nothing else.
    Constructor(u8, bool),
    /// A method that refers to its type.
    Method,
    Function,
    Main,
}

/// Makes a program. With a rule it breaks that one somewhere, if it comes to that; then it may be refused.
pub fn program(numbers: Numbers, rule: Option<Rule>) -> Result<Program, CheckError> {
    let mut shapes = vec![Shape::Constructor(0, true), Shape::Constructor(2, true), Shape::Function];
    for _ in 0..numbers(4) {
        let fields = numbers(4) as u8;
        shapes.push([Shape::Constructor(fields, false), Shape::Method, Shape::Function][numbers(3) as usize]);
    }
    shapes.extend([Shape::Function, Shape::Main]);
    let broken = numbers(3) as usize;
    let mut library: Vec<Made> = Vec::new();
    for (index, &shape) in shapes.iter().enumerate() {
        // Mostly the main function, which is sure to run.
        let at = if broken == 0 { shapes.len() - 2 } else { shapes.len() - 1 };
        let rule = rule.filter(|_| index == at);
        let made = function(numbers, &library, shape, rule)?;
        library.push(made);
    }
    let codes: Vec<Code> = library.into_iter().map(|made| made.code).collect();
    let main = codes[codes.len() - 1].clone();
    Ok(Program { main, codes })
}

/// A function that names what no host provides.
pub fn program_without_its_native() -> Result<Program, CheckError> {
    let mut zero = |_: u64| 0;
    let mut writer = Writer::new(&mut zero, &[], Body { registers: 8, ..Body::default() }, false);
    let start = writer.begin_guard();
    let out = writer.native("nobody.provides_this");
    if let Some((handler, state)) = writer.end_guard(start, out) {
        writer.begin_handler(handler, state);
    }
    writer.abc(Op::Return, out, 0, 0);
    let (body, _) = writer.finish();
    let main = Code::check(body.arrange()?, None)?;
    Ok(Program { codes: vec![main.clone()], main })
}

/// A long function whose first instructions are far from where they keep what they have found out.
pub fn long_program() -> Result<Program, CheckError> {
    let mut zero = |_: u64| 0;
    let body = Body { optional: 1, registers: 8, ..Body::default() };
    let mut writer = Writer::new(&mut zero, &[], body, false);
    statement::far(&mut writer);
    writer.int(5, 0);
    let mut label = Label::default();
    writer.jump(Op::JumpIf, 5, &mut label);
    (0..0x1_0000).for_each(|_| writer.ax(Op::LoadNil, 6, 0));
    writer.bind(label);
    writer.abc(Op::Return, 5, 0, 0);
    let (body, _) = writer.finish();
    let main = Code::check(body.arrange()?, None)?;
    Ok(Program { codes: vec![main.clone()], main })
}

/// Loops that end with every comparison of ints and floats.
pub fn program_of_loops() -> Result<Program, CheckError> {
    let mut zero = |_: u64| 0;
    let mut writer = Writer::new(&mut zero, &[], Body { registers: 8, ..Body::default() }, false);
    for op in [Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Eq, Op::Ne] {
        for is_float in [false, true] {
            statement::number(&mut writer, 0, 0, is_float);
            let head = writer.pc();
            writer.int(1, 1);
            writer.abc(Op::Add, 0, 0, 1);
            statement::number(&mut writer, 2, 5, is_float);
            writer.abc(op, 3, 0, 2);
            writer.ax(Op::LoopIf, 3, head);
        }
    }
    writer.abc(Op::Return, 0, 0, 0);
    let (body, _) = writer.finish();
    let main = Code::check(body.arrange()?, None)?;
    Ok(Program { codes: vec![main.clone()], main })
}

fn function(numbers: Numbers, library: &[Made], shape: Shape, rule: Option<Rule>) -> Result<Made, CheckError> {
    let body = head(numbers, shape);
    let owned = matches!(shape, Shape::Constructor(..) | Shape::Method);
    let mut writer = Writer::new(numbers, library, body, owned);
    match shape {
        Shape::Constructor(_, true) => {}
        Shape::Main => {
            statement::setting(&mut writer);
            let count = 10 + writer.number(14);
            let at = rule.map(|_| writer.number(count));
            for index in 0..count {
                if let Some(rule) = rule.filter(|_| at == Some(index)) {
                    attack::breaks(&mut writer, rule);
                }
                statement::statement(&mut writer, 0);
            }
        }
        _ => {
            if let Some(rule) = rule {
                attack::breaks(&mut writer, rule);
            }
            statement::block(&mut writer, 1);
        }
    }
    match shape {
        Shape::Constructor(fields, _) => construct(&mut writer, fields.into()),
        _ => statement::end(&mut writer),
    }
    let (body, writes) = writer.finish();
    Ok(Made { code: Code::check(body.arrange()?, None)?, writes })
}

/// Parameters, free variables and registers.
fn head(numbers: Numbers, shape: Shape) -> Body {
    let mut body = Body { registers: 14 + numbers(40) as u16, ..Body::default() };
    match shape {
        Shape::Constructor(fields, is_plain) => {
            body.optional = if is_plain { 0 } else { numbers(u64::from(fields) + 1) as u8 };
            body.required = fields - body.optional;
        }
        Shape::Method => body.required = 1 + numbers(3) as u8,
        Shape::Function => {
            body.required = numbers(3) as u8;
            body.optional = numbers(6).saturating_sub(3) as u8;
            body.rest = numbers(5) == 0;
        }
        Shape::Main => body.optional = numbers(3) as u8,
    }
    if !matches!(shape, Shape::Constructor(_, true)) {
        body.free = (0..numbers(4)).map(|_| [FreeKind::Value, FreeKind::Cell][numbers(2) as usize]).collect();
    }
    body
}

/// The end of a constructor, which every path has to come to.
fn construct(writer: &mut Writer, fields: u16) {
    if writer.state.is_none() {
        return;
    }
    for register in 0..fields {
        if writer.known().values & state::bit(register) == 0 {
            writer.int(register, 3);
        }
    }
    writer.abc(Op::MakeInstance, fields, 0, fields);
    writer.hints[fields as usize] = Hint::Instance;
    writer.emit(Word::abc(Op::Return, fields, 0, 0));
}
