//! Code objects by hand, for tests to take apart.

use quipu_code::span::Span;
use quipu_code::{
    Body, CaptureSource, ClosureSite, Code, Constant, Debug, FreeKind, Handler, Local, MethodSite, Op, OwnDebug,
    Position, TypeSite, Word,
};

/// A body of nothing but instructions.
pub fn plain(registers: u16, words: Vec<Word>) -> Body {
    Body { registers, words, ..Body::default() }
}

pub fn text(text: &str) -> Constant {
    Constant::Str(text.into())
}

pub fn ret(register: u16) -> Word {
    Word::abc(Op::Return, register, 0, 0)
}

pub fn nil(register: u16) -> Word {
    Word::ax(Op::LoadNil, register, 0)
}

pub fn checked(body: Body) -> Code {
    Code::check(body, None).unwrap()
}

/// `|x| x`.
pub fn identity() -> Code {
    checked(Body { required: 1, ..plain(1, vec![ret(0)]) })
}

/// A function that gives its only free variable, of this kind.
pub fn captures(kind: FreeKind) -> Code {
    let op = if kind == FreeKind::Cell { Op::GetFreeCell } else { Op::GetFree };
    checked(Body { free: vec![kind], ..plain(1, vec![Word::ax(op, 0, 0), ret(0)]) })
}

/// A function that gives the type it belongs to.
pub fn owner() -> Code {
    checked(plain(1, vec![Word::ax(Op::GetOwner, 0, 0), ret(0)]))
}

/// A constructor of so many fields.
pub fn constructor(fields: u8) -> Code {
    let words = vec![Word::abc(Op::MakeInstance, fields as u16, 0, fields as u16), ret(fields as u16)];
    checked(Body { required: fields, ..plain(fields as u16 + 1, words) })
}

/// A body that makes a closure of this code from these sources, and has free variables of its own.
pub fn maker(child: Code, sources: Vec<CaptureSource>) -> Body {
    let words = vec![
        Word::ax(Op::NewCell, 0, 1),
        Word::ax(Op::MakeClosure, 1, 0),
        Word::ax(Op::GetFree, 2, 0),
        Word::ax(Op::GetFreeCell, 2, 1),
        ret(1),
    ];
    Body {
        free: vec![FreeKind::Value, FreeKind::Cell],
        children: vec![child],
        closures: vec![ClosureSite { child: 0, sources, own_debug: OwnDebug::default() }],
        ..plain(3, words)
    }
}

/// `type Point(x, y) { fn swap(self) .. ; fn origin() .. }`.
pub fn point() -> Body {
    let method = |name, instance, child| MethodSite { name, instance, closure: closed(child) };
    Body {
        constants: vec![text("Point"), text("x"), text("y"), text("swap"), text("origin")],
        children: vec![constructor(2), identity(), owner()],
        types: vec![TypeSite {
            name: 0,
            fields: vec![1, 2],
            constructor: closed(0),
            methods: vec![method(3, true, 1), method(4, false, 2)],
        }],
        ..plain(1, vec![Word::ax(Op::MakeType, 0, 0), ret(0)])
    }
}

pub fn closed(child: u32) -> ClosureSite {
    ClosureSite { child, sources: vec![], own_debug: OwnDebug::default() }
}

/// ```text
/// fn total(xs, start) {            # line 2
///   var sum = start                # line 3
///   for x in xs {                  # line 4
///     try { sum = sum + f(x) }     # line 5
///     catch e { print(e, 1.5) }    # line 6
///   }
///   || sum                         # line 8
/// }
/// ```
pub fn total() -> Body {
    let words = vec![
        /*  0 */ Word::ax(Op::NewCell, 2, 1),
        /*  1 */ Word::abc(Op::InitCell, 2, 1, 0),
        /*  2 */ Word::abc(Op::Iter, 3, 0, 0),
        /*  3 */ Word::ax(Op::Jump, 0, 15),
        /*  4 */ Word::abc(Op::GetCell, 7, 2, 0),
        /*  5 */ Word::ax(Op::GetFreeCell, 8, 0),
        /*  6 */ Word::abc(Op::Move, 9, 6, 0),
        /*  7 */ Word::abcd(Op::Call, 8, 8, 0, 1),
        /*  8 */ Word::abc(Op::Add, 7, 7, 8),
        /*  9 */ Word::abc(Op::SetCell, 2, 7, 0),
        /* 10 */ Word::ax(Op::Jump, 0, 15),
        /* 11 */ Word::ax(Op::GetNative, 8, 0),
        /* 12 */ Word::abc(Op::Move, 9, 7, 0),
        /* 13 */ Word::ax(Op::LoadConst, 10, 1),
        /* 14 */ Word::abcd(Op::Call, 7, 8, 0, 2),
        /* 15 */ Word::abc(Op::Next, 6, 3, 0),
        /* 16 */ Word::ax(Op::LoopPresent, 6, 4),
        /* 17 */ Word::ax(Op::MakeClosure, 3, 0),
        /* 18 */ ret(3),
    ];
    Body {
        required: 2,
        free: vec![FreeKind::Cell],
        constants: vec![text("print"), Constant::Float(1.5f64.to_bits())],
        children: vec![captures(FreeKind::Cell)],
        closures: vec![ClosureSite {
            child: 0,
            sources: vec![CaptureSource::Register(2)],
            own_debug: OwnDebug::default(),
        }],
        handlers: vec![Handler { start: 4, end: 10, target: 11, register: 7 }],
        ..plain(11, words)
    }
}

pub const TOTAL: &str = "\
## Adds up.
fn total(xs, start) {
  var sum = start
  for x in xs {
    try { sum = sum + f(x) }
    catch e { print(e, 1.5) }
  }
  || sum
}
";

pub fn total_debug() -> Debug {
    let position = |pc, start, end, line| Position { pc, span: Span::new(start, end), line };
    let local = |name: &str, register, start, end| Local { name: name.into(), register, start, end };
    Debug {
        name: "total".into(),
        file: "total.qp".into(),
        span: Span::new(12, 130),
        line: 2,
        doc: Some("Adds up.".into()),
        params: vec!["xs".into(), "start".into()],
        free: vec!["f".into()],
        positions: vec![
            position(0, 36, 51, 3),
            position(2, 54, 64, 4),
            position(4, 72, 94, 5),
            position(11, 101, 126, 6),
            position(15, 54, 64, 4),
            position(17, 133, 139, 8),
        ],
        locals: vec![
            local("xs", 0, 0, 19),
            local("start", 1, 0, 19),
            local("sum", 2, 1, 19),
            local("x", 6, 4, 15),
            local("e", 7, 11, 15),
        ],
    }
}
