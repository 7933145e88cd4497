//! The syntax tree: what the parser makes and the resolver and compiler read. Names borrow from the source text.
//!
//! Chains of operators of one level, chains of postfix forms and `else if` ladders are flat lists, so that the tree
//! is only as deep as the source is nested: at most [`MAX_DEPTH`] nodes.

use quipu_code::span::Span;

/// Nesting that the parser accepts; deeper source is an error (`Q0112`), so passes over the tree may recurse.
pub const MAX_DEPTH: u32 = 200;

/// A name and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ident<'s> {
    /// The text of the name.
    pub name: &'s str,
    /// Where it stands.
    pub span: Span,
}

/// A whole source file.
#[derive(Debug)]
pub struct Module<'s> {
    /// The statements at the top level.
    pub body: Block<'s>,
}

/// Statements between braces, or a file. Its value is the last statement's when that is an expression.
#[derive(Debug)]
pub struct Block<'s> {
    /// The statements in order.
    pub statements: Vec<Statement<'s>>,
    /// From brace to brace.
    pub span: Span,
}

/// A statement with its place.
#[derive(Debug)]
pub struct Statement<'s> {
    /// Which.
    pub kind: StatementKind<'s>,
    /// The whole statement.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Debug)]
pub enum StatementKind<'s> {
    /// `let p = e` or `var p = e`.
    Let {
        /// Whether it was `var`.
        mutable: bool,
        /// What is bound.
        pattern: Pattern<'s>,
        /// The value.
        value: Expr<'s>,
        /// Whether `export` stands before it.
        exported: bool,
        /// The text of the `##` comment before it, one line each, without the marks.
        doc: Option<Box<str>>,
    },
    /// `fn name(..) { }` or `fn name(..) = e` as a statement.
    Fn {
        /// The function; its `name` is set.
        function: Box<Function<'s>>,
        /// Whether `export` stands before it.
        exported: bool,
    },
    /// `type T(..) { .. }`.
    Type {
        /// The declaration.
        declaration: Box<TypeDeclaration<'s>>,
        /// Whether `export` stands before it.
        exported: bool,
    },
    /// `import ..`.
    Import(Import<'s>),
    /// `t = e`; `(a, b) = e`; `[a[i], b.f] = e`.
    Assign {
        /// Where to.
        target: Target<'s>,
        /// What.
        value: Expr<'s>,
    },
    /// `t op= e`.
    Update {
        /// Where to; never a tuple or list of targets.
        target: Target<'s>,
        /// Which operation.
        op: UpdateOp,
        /// Where the operator stands.
        op_span: Span,
        /// The right operand.
        value: Expr<'s>,
    },
    /// `defer e`: evaluated when the block around it is left.
    Defer(Expr<'s>),
    /// `while c { }`.
    While {
        /// The condition.
        condition: Expr<'s>,
        /// What is repeated.
        body: Block<'s>,
    },
    /// `for p in e { }`.
    For {
        /// What each element is bound to.
        pattern: Pattern<'s>,
        /// What is looped over.
        iterable: Expr<'s>,
        /// What is repeated.
        body: Block<'s>,
    },
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// An expression; `return`, `throw` and `yield` are expressions too.
    Expr(Expr<'s>),
    /// Something that did not parse; an error has been reported for it.
    Error,
}

/// The operations of `op=`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpdateOp {
    /// An arithmetic or bit operator.
    Binary(BinaryOp),
    /// `??=`.
    Coalesce,
}

/// What can stand left of `=`.
#[derive(Debug)]
pub struct Target<'s> {
    /// Which.
    pub kind: TargetKind<'s>,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of assignment target.
#[derive(Debug)]
pub enum TargetKind<'s> {
    /// `x = ..`.
    Name(Ident<'s>),
    /// `a[i] = ..`.
    Index(Box<Expr<'s>>, Box<Expr<'s>>),
    /// `a.f = ..`.
    Field(Box<Expr<'s>>, Ident<'s>),
    /// `(a, b) = ..`.
    Tuple(Vec<Target<'s>>),
    /// `[a, b] = ..`.
    List(Vec<Target<'s>>),
    /// `_` inside a tuple or list of targets: assigns nothing.
    Ignore,
    /// Something that cannot be assigned to; an error has been reported for it.
    Error,
}

/// `import m`, `import "./m" as g`, `import "./m" { a, b as c }`.
#[derive(Debug)]
pub struct Import<'s> {
    /// A standard module's name or a relative path, escapes taken out.
    pub module: Box<str>,
    /// Whether it was a string, that is, a path.
    pub is_path: bool,
    /// Where the module's name stands.
    pub module_span: Span,
    /// The name the module is known by here: `as g`, the standard module's name, or the path's last part.
    /// None when members are picked with braces.
    pub alias: Option<Ident<'s>>,
    /// The members picked with braces: the exported name, and the name it has here.
    pub members: Vec<(Ident<'s>, Ident<'s>)>,
}

/// A function: `fn` declaration, `fn` expression, closure bars, or method.
#[derive(Debug)]
pub struct Function<'s> {
    /// The name of an `fn` declaration or method.
    pub name: Option<Ident<'s>>,
    /// The parameters in order; at most the last one is a rest parameter.
    pub params: Vec<Param<'s>>,
    /// What it does.
    pub body: FunctionBody<'s>,
    /// From `fn` or `|` to the end of the body.
    pub span: Span,
    /// The text of the `##` comment before it.
    pub doc: Option<Box<str>>,
}

impl Function<'_> {
    /// Whether it is called on instances if it is a method: its first parameter is called `self`.
    pub fn takes_self(&self) -> bool {
        let first = self.params.first();
        first.is_some_and(|param| matches!(param.pattern.kind, PatternKind::Bind(name) if name.name == "self"))
    }
}

/// The body of a function.
#[derive(Debug)]
pub enum FunctionBody<'s> {
    /// `{ .. }`.
    Block(Block<'s>),
    /// `= e` or the expression behind closure bars.
    Expr(Box<Expr<'s>>),
}

/// A parameter.
#[derive(Debug)]
pub struct Param<'s> {
    /// What the argument is bound to.
    pub pattern: Pattern<'s>,
    /// `= e`, evaluated at each call that leaves the argument out.
    pub default: Option<Expr<'s>>,
    /// Whether `..` stands before it: it takes the remaining arguments as a list.
    pub rest: bool,
    /// The whole parameter.
    pub span: Span,
}

/// `type T(fields) { methods }`.
#[derive(Debug)]
pub struct TypeDeclaration<'s> {
    /// The type's name.
    pub name: Ident<'s>,
    /// The fields in order with their defaults.
    pub fields: Vec<(Ident<'s>, Option<Expr<'s>>)>,
    /// The methods in order; each has a name.
    pub methods: Vec<Function<'s>>,
    /// The text of the `##` comment before it.
    pub doc: Option<Box<str>>,
    /// The whole declaration.
    pub span: Span,
}

/// An expression with its place.
#[derive(Debug)]
pub struct Expr<'s> {
    /// Which.
    pub kind: ExprKind<'s>,
    /// The whole expression, brackets around it not included.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug)]
pub enum ExprKind<'s> {
    /// `nil`.
    Nil,
    /// `true` and `false`.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string without interpolation, escapes taken out.
    Str(Box<str>),
    /// `b"..."`.
    Bytes(Box<[u8]>),
    /// A string with interpolation.
    Interpolation(Vec<Part<'s>>),
    /// A name.
    Name(Ident<'s>),
    /// `(a, b)`, `(a,)`, `()`.
    Tuple(Vec<Expr<'s>>),
    /// `[a, ..b]`; also a literal of spreads alone.
    List(Vec<Element<'s>>),
    /// `[k: v, ..m]`, `[:]`.
    Map(Vec<MapElement<'s>>),
    /// `{ .. }`. A loop in the place of an expression is a block of it alone, with the same span.
    Block(Box<Block<'s>>),
    /// `if c { } else if d { } else { }`: the conditions with their blocks in order.
    If {
        /// Condition and block of `if` and of every `else if`.
        branches: Vec<(Expr<'s>, Block<'s>)>,
        /// The last `else`.
        otherwise: Option<Box<Block<'s>>>,
    },
    /// `match v { .. }`.
    Match {
        /// What is looked at.
        subject: Box<Expr<'s>>,
        /// The arms in order.
        arms: Vec<Arm<'s>>,
    },
    /// `try { } catch p { }`.
    Try {
        /// What may throw.
        body: Box<Block<'s>>,
        /// The name or pattern that the thrown value is bound to.
        pattern: Box<Pattern<'s>>,
        /// What runs then.
        handler: Box<Block<'s>>,
    },
    /// `|x| e`, `fn(x) { }`, `fn(x) = e`.
    Function(Box<Function<'s>>),
    /// `- ~ not`.
    Unary(UnaryOp, Span, Box<Expr<'s>>),
    /// Operators of one left-associative level, left to right, or a single `**` or comparison.
    Binary {
        /// The leftmost operand.
        first: Box<Expr<'s>>,
        /// Operator, its place, and right operand.
        rest: Vec<(BinaryOp, Span, Expr<'s>)>,
    },
    /// `a and b and c`, `a or b`, `a ?? b`: operands of one level; at least two.
    Logic(LogicOp, Vec<Expr<'s>>),
    /// `v is T` and, with `true`, `v is not T`.
    Is(Box<Expr<'s>>, Box<Expr<'s>>, bool),
    /// `a..b`, `a..=b`; ends may only be missing directly inside an index.
    Range {
        /// Where it begins.
        start: Option<Box<Expr<'s>>>,
        /// Where it ends.
        end: Option<Box<Expr<'s>>>,
        /// Whether the end is included.
        inclusive: bool,
    },
    /// `e` followed by calls, indexes and members, left to right.
    Postfix {
        /// What they are applied to.
        base: Box<Expr<'s>>,
        /// Each form with the span from the start of the base to its own end.
        ops: Vec<(Postfix<'s>, Span)>,
    },
    /// `x |> f |> g(y)`: the value, and the right operands in order. A right operand that is a call (its last postfix
    /// form) takes the value as its first argument; any other is called with the value alone.
    Pipe(Box<Expr<'s>>, Vec<Expr<'s>>),
    /// `yield e`.
    Yield(Option<Box<Expr<'s>>>),
    /// `throw e`.
    Throw(Box<Expr<'s>>),
    /// `return e`.
    Return(Option<Box<Expr<'s>>>),
    /// Something that did not parse; an error has been reported for it.
    Error,
}

/// One step of a postfix chain.
#[derive(Debug)]
pub enum Postfix<'s> {
    /// `f(args)`.
    Call(Vec<Argument<'s>>),
    /// `a[i]`; an index that is a range expression slices.
    Index(Expr<'s>),
    /// `a.f`, without a call behind it.
    Field(Ident<'s>),
    /// `a?.f`, without a call behind it.
    SafeField(Ident<'s>),
    /// `a.m(args)`.
    Method(Ident<'s>, Vec<Argument<'s>>),
    /// `a?.m(args)`.
    SafeMethod(Ident<'s>, Vec<Argument<'s>>),
}

/// An argument of a call.
#[derive(Debug)]
pub struct Argument<'s> {
    /// Whether `..` stands before it.
    pub spread: bool,
    /// The value.
    pub value: Expr<'s>,
}

/// An element of a list literal.
#[derive(Debug)]
pub struct Element<'s> {
    /// Whether `..` stands before it.
    pub spread: bool,
    /// The value.
    pub value: Expr<'s>,
}

/// An entry of a map literal.
#[derive(Debug)]
pub enum MapElement<'s> {
    /// `k: v`; a bare name is a `Str` key already.
    Pair(Expr<'s>, Expr<'s>),
    /// `..m`.
    Spread(Expr<'s>),
}

/// A piece of an interpolated string.
#[derive(Debug)]
pub enum Part<'s> {
    /// Text, escapes taken out.
    Text(Box<str>),
    /// `${e}`.
    Expr(Expr<'s>),
    /// `${e:spec}`: what the built-in function `format` gives, whatever is called so where it stands.
    Formatted(Expr<'s>, &'s str),
}

/// An arm of a `match`.
#[derive(Debug)]
pub struct Arm<'s> {
    /// What it matches.
    pub pattern: Pattern<'s>,
    /// `if e`.
    pub guard: Option<Expr<'s>>,
    /// What it does: an expression, assignment, `break` or `continue`.
    pub body: Box<Statement<'s>>,
    /// The whole arm.
    pub span: Span,
}

/// A pattern with its place.
#[derive(Debug)]
pub struct Pattern<'s> {
    /// Which.
    pub kind: PatternKind<'s>,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of pattern.
#[derive(Debug)]
pub enum PatternKind<'s> {
    /// `_`.
    Ignore,
    /// A name: always matches and binds.
    Bind(Ident<'s>),
    /// `p is T`: the value is of type T, and `p` (a name or `_`) matches it.
    Is(Box<Pattern<'s>>, Box<Expr<'s>>),
    /// A literal (`Nil`, `Bool`, `Int`, `Float`, `Str`, `Bytes`; a minus sign is part of the number).
    Literal(Box<Expr<'s>>),
    /// `4..10`, `4..=10`, `-2..2`.
    Range {
        /// First number.
        start: i64,
        /// Last number, or the one after it.
        end: i64,
        /// Whether `end` is included.
        inclusive: bool,
    },
    /// `(a, b)`.
    Tuple(Vec<Pattern<'s>>),
    /// `[a, ..rest, z]`; the rest may stand anywhere, once; `..` alone drops it.
    List {
        /// Patterns before the rest, or all.
        before: Vec<Pattern<'s>>,
        /// None: no rest. `Some(None)`: `..`. `Some(Some(name))`: `..name`.
        rest: Option<Option<Ident<'s>>>,
        /// Patterns after the rest.
        after: Vec<Pattern<'s>>,
    },
    /// `[k: p, ..]`: a map with at least these keys; keys are literals.
    Map(Vec<(Expr<'s>, Pattern<'s>)>),
    /// `Point(x, 0)`, `g.Point(x, 0)`: an instance of the type, its fields by position.
    Instance(Box<Expr<'s>>, Vec<Pattern<'s>>),
    /// `a | b | c`; binds no names.
    Or(Vec<Pattern<'s>>),
    /// Something that did not parse; an error has been reported for it.
    Error,
}

/// Operators with one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    /// `-`.
    Neg,
    /// `~`.
    BitNot,
    /// `not`.
    Not,
}

/// Operators with two operands that evaluate both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// Operators that look at the left operand first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogicOp {
    /// `and`.
    And,
    /// `or`.
    Or,
    /// `??`.
    Coalesce,
}
