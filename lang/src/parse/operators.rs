//! Gives the operators of a flat run their levels, as its parts arrive; no recursion and one chain for each level.

use quipu_code::span::Span;

use super::build::Builder;
use crate::ast::{BinaryOp, Expr, ExprKind, LogicOp, MAX_DEPTH, UnaryOp};
use crate::diagnostic::Diagnostic;

/// An operator before its operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix {
    /// One that the language has.
    Right(UnaryOp),
    /// `!` for `not`.
    NotSlip,
}

/// An operator between its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Infix {
    /// `|>`.
    Pipe,
    /// `??`, `or`, `and`.
    Logic(LogicOp),
    /// `||` for `or`, `&&` for `and`.
    Slip(LogicOp),
    /// `is`, `is not`.
    Is {
        /// Whether it is `is not`.
        negated: bool,
    },
    /// `..`, `..=`.
    Range {
        /// Whether it is `..=`.
        inclusive: bool,
    },
    /// The others.
    Binary(BinaryOp),
}

/// How tightly an operator binds; loose ones first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Level {
    Pipe,
    Coalesce,
    Or,
    And,
    Not,
    Comparison,
    Range,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    Unary,
    Power,
}

impl Infix {
    fn level(self) -> Level {
        use BinaryOp::*;
        match self {
            Infix::Pipe => Level::Pipe,
            Infix::Logic(LogicOp::Coalesce) | Infix::Slip(LogicOp::Coalesce) => Level::Coalesce,
            Infix::Logic(LogicOp::Or) | Infix::Slip(LogicOp::Or) => Level::Or,
            Infix::Logic(LogicOp::And) | Infix::Slip(LogicOp::And) => Level::And,
            Infix::Is { .. } => Level::Comparison,
            Infix::Range { .. } => Level::Range,
            Infix::Binary(op) => match op {
                Eq | Ne | Lt | Le | Gt | Ge | In | NotIn => Level::Comparison,
                BitOr => Level::BitOr,
                BitXor => Level::BitXor,
                BitAnd => Level::BitAnd,
                Shl | Shr => Level::Shift,
                Add | Sub => Level::Sum,
                Mul | Div | FloorDiv | Mod => Level::Product,
                Pow => Level::Power,
            },
        }
    }
}

fn prefix_level(op: UnaryOp) -> Level {
    match op {
        UnaryOp::Not => Level::Not,
        UnaryOp::Neg | UnaryOp::BitNot => Level::Unary,
    }
}

/// Operators and operands so far, the last of them an operand.
pub struct Run<'s> {
    /// How many frames of the builder are this run's, the topmost ones. Their levels grow from left to right, but
    /// for `**` and prefixes.
    frames: u32,
    start: u32,
    end: u32,
    last: Expr<'s>,
}

/// A run whose last operand is still to come.
pub struct Gap {
    frames: u32,
}

/// An operator that has not got its right operand yet, with what stands left of it.
pub struct Frame<'s> {
    start: u32,
    op_span: Span,
    kind: FrameKind<'s>,
}

enum FrameKind<'s> {
    Prefix(UnaryOp),
    /// A chain of one level; only the list that its operators need is used.
    Infix {
        op: Infix,
        first: Expr<'s>,
        binary: Vec<(BinaryOp, Span, Expr<'s>)>,
        others: Vec<Expr<'s>>,
    },
}

impl Frame<'_> {
    fn level(&self) -> Level {
        match &self.kind {
            FrameKind::Prefix(op) => prefix_level(*op),
            FrameKind::Infix { op, .. } => op.level(),
        }
    }
}

impl<'s> Run<'s> {
    /// A run of one operand; the span is that of the operand with the parentheses around it.
    pub fn new(start: u32, end: u32, operand: Expr<'s>) -> Run<'s> {
        Run { frames: 0, start, end, last: operand }
    }
}

impl Gap {
    /// A run without anything.
    pub fn new() -> Gap {
        Gap { frames: 0 }
    }

    /// Puts an operand into the gap.
    pub fn fill<'s>(self, start: u32, end: u32, operand: Expr<'s>) -> Run<'s> {
        Run { frames: self.frames, start, end, last: operand }
    }
}

impl<'s> Builder<'s> {
    /// The innermost frame of a run that has so many.
    fn frame(&mut self, frames: u32) -> Option<&mut Frame<'s>> {
        if frames == 0 { None } else { self.frames.last_mut() }
    }

    /// Puts a prefix operator into the gap; the gap stays.
    pub fn prefix(&mut self, gap: Gap, op: Prefix, op_span: Span) -> Gap {
        let op = match op {
            Prefix::Right(op) => op,
            Prefix::NotSlip => {
                let fault = Diagnostic::error("Q0110", op_span, "unexpected `!`");
                self.findings.push(fault.safe_patch("write `not`", op_span, "not "));
                UnaryOp::Not
            }
        };
        if op == UnaryOp::Not
            && let Some(frame) = self.frame(gap.frames)
            && frame.level() > Level::Not
        {
            let before = frame.op_span;
            let fault = Diagnostic::error("Q0110", op_span, "unexpected `not`");
            self.findings.push(
                fault
                    .label("it binds looser than the operator before it")
                    .also(before, "this operator")
                    .help("put `not` and its operand in parentheses"),
            );
        }
        if gap.frames >= MAX_DEPTH {
            self.report_depth(op_span);
            return gap;
        }
        self.frames.push(Frame { start: op_span.start, op_span, kind: FrameKind::Prefix(op) });
        Gap { frames: gap.frames + 1 }
    }

    /// Puts an operator behind the run, which opens a gap.
    pub fn infix(&mut self, mut run: Run<'s>, op: Infix, op_span: Span) -> Gap {
        let op = match op {
            Infix::Slip(op) => {
                let (wrong, right) = if op == LogicOp::Or { ("||", "or") } else { ("&&", "and") };
                let fault = Diagnostic::error("Q0110", op_span, format!("unexpected `{wrong}`"));
                self.findings.push(fault.safe_patch(format!("write `{right}`"), op_span, right));
                Infix::Logic(op)
            }
            op => op,
        };
        let level = op.level();
        while let Some(frame) = self.frame(run.frames) {
            let found = frame.level();
            if found < level || (found == level && level == Level::Power) {
                break;
            }
            if found == level && !matches!(level, Level::Comparison | Level::Range) {
                // The chain of this level goes on.
                if let FrameKind::Infix { op: before, binary, others, .. } = &mut frame.kind {
                    match before {
                        Infix::Binary(before) => binary.push((*before, frame.op_span, run.last)),
                        _ => others.push(run.last),
                    }
                    *before = op;
                    frame.op_span = op_span;
                }
                return Gap { frames: run.frames };
            }
            if found == level {
                let before = frame.op_span;
                let sort = if level == Level::Range { "ranges" } else { "comparisons" };
                let fault =
                    Diagnostic::error("Q0110", op_span, format!("{sort} do not chain")).also(before, "the one before");
                self.findings.push(if level == Level::Range {
                    fault
                } else {
                    fault.help("write `a < b and b < c`, or use parentheses")
                });
            }
            run = self.fold(run);
        }
        if run.frames >= 2 * MAX_DEPTH {
            // Only a tower of powers gets here; the fold would find it too deep, this keeps it from growing.
            self.report_depth(op_span);
            run = self.fold(run);
        }
        let kind = FrameKind::Infix { op, first: run.last, binary: Vec::new(), others: Vec::new() };
        self.frames.push(Frame { start: run.start, op_span, kind });
        Gap { frames: run.frames + 1 }
    }

    /// The expression that a run is.
    pub fn finish(&mut self, mut run: Run<'s>) -> Expr<'s> {
        while run.frames > 0 {
            run = self.fold(run);
        }
        run.last
    }

    /// `a..` inside an index: a run that ends in a range operator.
    pub fn range_from(&mut self, run: Run<'s>, op: Infix, end: u32) -> Expr<'s> {
        let start = run.start;
        let inclusive = op == Infix::Range { inclusive: true };
        if inclusive {
            self.report_endless(Span::new(end.saturating_sub(3), end));
        }
        let first = self.finish(run);
        self.expr(start, end, ExprKind::Range { start: Some(Box::new(first)), end: None, inclusive })
    }

    /// Gives the last operand to the innermost operator.
    fn fold(&mut self, mut run: Run<'s>) -> Run<'s> {
        let Some(frame) = self.frames.pop() else { return Run { frames: 0, ..run } };
        run.frames -= 1;
        let (start, end) = (frame.start, run.end);
        let last = run.last;
        let kind = match frame.kind {
            FrameKind::Prefix(op) => match self.negated_least(op, &last) {
                Some(least) => least,
                None => ExprKind::Unary(op, frame.op_span, Box::new(last)),
            },
            FrameKind::Infix { op, first, mut binary, mut others } => match op {
                Infix::Binary(op) => {
                    binary.push((op, frame.op_span, last));
                    ExprKind::Binary { first: Box::new(first), rest: binary }
                }
                Infix::Logic(op) | Infix::Slip(op) => {
                    others.insert(0, first);
                    others.push(last);
                    ExprKind::Logic(op, others)
                }
                Infix::Pipe => {
                    others.push(last);
                    ExprKind::Pipe(Box::new(first), others)
                }
                Infix::Is { negated } => ExprKind::Is(Box::new(first), Box::new(last), negated),
                Infix::Range { inclusive } => {
                    ExprKind::Range { start: Some(Box::new(first)), end: Some(Box::new(last)), inclusive }
                }
            },
        };
        run.last = self.expr(start, end, kind);
        run.start = start;
        run
    }
}
