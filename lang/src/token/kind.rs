//! The kinds of token, each with its spelling.

use logos::{Filter, Lexer, Logos};

/// What a token is. The lexer makes the kinds that have a spelling here; the others come from their neighbourhood.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(skip r"[ \t\r]+")]
#[repr(u8)]
pub enum Kind {
    /// A line end; after [`lay_out`](super::lay_out), one that ends a statement.
    #[token("\n")]
    Newline,
    /// A `##` comment.
    #[regex(r"#[^\n]*", doc_comment, allow_greedy = true)]
    Doc,
    /// Text that is no token, already reported; also stands for a part that was given up.
    Error,
    /// A string that its line or the file cuts off, already reported; never leaves the layout.
    Cut,

    /// A name.
    #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*")]
    Name,
    /// An integer literal.
    #[regex(r"[0-9][0-9A-Za-z_]*")]
    Int,
    /// A float literal.
    #[regex(r"[0-9][0-9A-Za-z_]*\.[0-9][0-9A-Za-z_]*")]
    #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?[eE][+-][0-9A-Za-z_]*")]
    Float,
    /// A string without interpolation, with its quotes.
    #[regex(r#""[^"\\$\r\n]*""#)]
    Str,
    /// `b"..."`; the lexer completes it.
    #[token("b\"")]
    Bytes,
    /// The beginning of `r"..."`; never leaves the lexer.
    #[regex(r##"r#*""##)]
    RawOpen,
    /// The quote or quotes that begin a string with interpolation.
    #[token("\"")]
    StrOpen,
    /// The beginning of a multi-line string; never leaves the lexer.
    #[token("\"\"\"")]
    MultiOpen,
    /// Text between quotes and interpolations, as written.
    StrText,
    /// `${`.
    HoleOpen,
    /// What stands between `:` and `}` in `${e:spec}`.
    Spec,
    /// The `}` that ends `${`.
    HoleClose,
    /// The quote or quotes that end a string with interpolation.
    StrClose,

    #[token("let")]
    /// `let`
    Let,
    #[token("var")]
    /// `var`
    Var,
    #[token("fn")]
    /// `fn`
    Fn,
    #[token("type")]
    /// `type`
    Type,
    #[token("import")]
    /// `import`
    Import,
    #[token("export")]
    /// `export`
    Export,
    #[token("if")]
    /// `if`
    If,
    #[token("else")]
    /// `else`
    Else,
    #[token("while")]
    /// `while`
    While,
    #[token("for")]
    /// `for`
    For,
    #[token("in")]
    /// `in`
    In,
    #[token("break")]
    /// `break`
    Break,
    #[token("continue")]
    /// `continue`
    Continue,
    #[token("return")]
    /// `return` with an operand
    Return,
    #[token("match")]
    /// `match`
    Match,
    #[token("try")]
    /// `try`
    Try,
    #[token("catch")]
    /// `catch`
    Catch,
    #[token("throw")]
    /// `throw`
    Throw,
    #[token("yield")]
    /// `yield` with an operand
    Yield,
    #[token("defer")]
    /// `defer`
    Defer,
    #[token("and")]
    /// `and`
    And,
    #[token("or")]
    /// `or`
    Or,
    #[token("not")]
    /// `not`
    Not,
    #[token("is")]
    /// `is`
    Is,
    #[token("true")]
    /// `true`
    True,
    #[token("false")]
    /// `false`
    False,
    #[token("nil")]
    /// `nil`
    Nil,
    /// `return` without an operand
    ReturnAlone,
    /// `yield` without an operand
    YieldAlone,
    /// `not in`
    NotIn,
    /// `is not`
    IsNot,

    #[token("(")]
    /// `(`
    ParenOpen,
    #[token(")")]
    /// `)`
    ParenClose,
    #[token("[")]
    /// `[`
    SquareOpen,
    #[token("]")]
    /// `]`
    SquareClose,
    #[token("{")]
    /// The `{` of a block of statements
    BlockOpen,
    /// The `{` of a `match`
    ArmsOpen,
    /// The `{` of a `type`
    MethodsOpen,
    /// The `{` of an `import`
    MembersOpen,
    #[token("}")]
    /// The `}` of a block, `match` or `type`
    BraceClose,
    /// The `}` of an `import`
    MembersClose,
    /// A block that has been parsed; made by the parser
    Block,
    /// The arms of a `match` that have been parsed; made by the parser
    Arms,
    /// The methods of a `type` that have been parsed; made by the parser
    Methods,
    /// Begins the tokens of a statement; made by the parser
    OfStatement,
    /// Begins the tokens of an arm; made by the parser
    OfArm,
    /// Begins the tokens of a method; made by the parser
    OfMethod,

    #[token(",")]
    /// `,`
    Comma,
    #[token(";")]
    /// `;`
    Semicolon,
    #[token(":")]
    /// `:`
    Colon,
    #[token(".")]
    /// `.`
    Dot,
    #[token("?.")]
    /// `?.`
    SafeDot,
    #[token("..")]
    /// `..`
    DotDot,
    #[token("..=")]
    /// `..=`
    DotDotEqual,
    #[token("=>")]
    /// `=>`
    Arrow,

    #[token("|")]
    /// `|` as an operator or between patterns
    Bar,
    /// The `|` that begins the parameters of a closure
    BarOpen,
    /// The `|` that ends the parameters of a closure
    BarClose,
    #[token("||")]
    /// `||` as a closure without parameters
    BarsEmpty,
    /// `||` where an operator stands: a slip for `or`
    OrSlip,
    #[token("&&")]
    /// A slip for `and`
    AndSlip,
    #[token("!")]
    /// A slip for `not`
    NotSlip,
    #[token("|>")]
    /// `|>`
    Pipe,
    #[token("??")]
    /// `??`
    Coalesce,
    #[token("==")]
    /// `==`
    Equal,
    #[token("!=")]
    /// `!=`
    NotEqual,
    #[token("<")]
    /// `<`
    Less,
    #[token("<=")]
    /// `<=`
    LessEqual,
    #[token(">")]
    /// `>`
    Greater,
    #[token(">=")]
    /// `>=`
    GreaterEqual,
    #[token("^")]
    /// `^`
    Caret,
    #[token("&")]
    /// `&`
    Ampersand,
    #[token("<<")]
    /// `<<`
    ShiftLeft,
    #[token(">>")]
    /// `>>`
    ShiftRight,
    #[token("+")]
    /// `+`
    Plus,
    #[token("-")]
    /// `-`
    Minus,
    #[token("*")]
    /// `*`
    Star,
    #[token("/")]
    /// `/`
    Slash,
    #[token("//")]
    /// `//`
    SlashSlash,
    #[token("%")]
    /// `%`
    Percent,
    #[token("~")]
    /// `~`
    Tilde,
    #[token("**")]
    /// `**`
    StarStar,

    #[token("=")]
    /// `=`
    Assign,
    #[token("+=")]
    /// `+=`
    PlusAssign,
    #[token("-=")]
    /// `-=`
    MinusAssign,
    #[token("*=")]
    /// `*=`
    StarAssign,
    #[token("/=")]
    /// `/=`
    SlashAssign,
    #[token("//=")]
    /// `//=`
    SlashSlashAssign,
    #[token("%=")]
    /// `%=`
    PercentAssign,
    #[token("**=")]
    /// `**=`
    StarStarAssign,
    #[token("&=")]
    /// `&=`
    AmpersandAssign,
    #[token("|=")]
    /// `|=`
    BarAssign,
    #[token("^=")]
    /// `^=`
    CaretAssign,
    #[token("<<=")]
    /// `<<=`
    ShiftLeftAssign,
    #[token(">>=")]
    /// `>>=`
    ShiftRightAssign,
    #[token("??=")]
    /// `??=`
    CoalesceAssign,
}

/// Two marks make a doc comment; a line of more of them is a rule across the page.
fn doc_comment(lexer: &mut Lexer<'_, Kind>) -> Filter<()> {
    let text = lexer.slice().as_bytes();
    if text.get(1) == Some(&b'#') && text.get(2) != Some(&b'#') { Filter::Emit(()) } else { Filter::Skip }
}

impl Kind {
    /// Whether a newline or an operator can come after this token: it ends an operand, or stands alone.
    pub fn ends_operand(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Name | Int
                | Float
                | Str
                | Bytes
                | StrClose
                | True
                | False
                | Nil
                | ParenClose
                | SquareClose
                | BraceClose
                | MembersClose
                | HoleClose
                | ReturnAlone
                | YieldAlone
                | Break
                | Continue
                | Error
        )
    }

    /// Whether this token, at the start of a line, can only go on with what stands before it.
    pub fn continues(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Dot | SafeDot
                | DotDot
                | DotDotEqual
                | Arrow
                | Comma
                | Colon
                | Else
                | Catch
                | And
                | Or
                | AndSlip
                | In
                | NotIn
                | Is
                | IsNot
                | Pipe
                | Coalesce
                | Equal
                | NotEqual
                | Less
                | LessEqual
                | Greater
                | GreaterEqual
                | Caret
                | Ampersand
                | ShiftLeft
                | ShiftRight
                | Plus
                | Star
                | Slash
                | SlashSlash
                | Percent
                | StarStar
                | BraceClose
                | ParenClose
                | SquareClose
        ) || self.assigns()
    }

    /// Whether this is `=` or one of the `op=`.
    pub fn assigns(self) -> bool {
        (self as u8) >= Kind::Assign as u8
    }

    /// Whether this is a word of the language.
    pub fn is_keyword(self) -> bool {
        (Kind::Let as u8..=Kind::Nil as u8).contains(&(self as u8))
    }

    /// Whether an operand can begin with this token, as the lexer made it.
    pub fn begins_operand(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Name | Int
                | Float
                | Str
                | Bytes
                | StrOpen
                | Fn
                | If
                | Match
                | Try
                | Throw
                | Return
                | Yield
                | Not
                | NotSlip
                | True
                | False
                | Nil
                | ParenOpen
                | SquareOpen
                | BlockOpen
                | Bar
                | BarsEmpty
                | Minus
                | Tilde
                | Error
                | Cut
        )
    }
}
