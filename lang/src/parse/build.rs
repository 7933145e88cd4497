//! Makes the nodes of the tree for the grammar, and measures how deeply they are nested.

use quipu_code::span::Span;

use super::operators::{Frame, Infix};
use super::parts::{Braces, Item, Members, ParamPart, Pat, PatItem, Piece, Segment};
use super::target::{target, update_target};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::token::{
    Findings, LEAST_MAGNITUDE, Number, bytes_value, number_value, plain_text_value, string_value, text_value, too_deep,
};

/// Braces that have been parsed, waiting for their statement.
struct Waiting<'s> {
    start: u32,
    depth: u32,
    braces: Option<Braces<'s>>,
}

/// The state that the actions of the grammar share.
pub struct Builder<'s> {
    text: &'s str,
    /// What has been found wrong so far.
    pub findings: Findings,
    /// The doc comment before the statement being parsed.
    pub doc: Option<Box<str>>,
    /// The operators that wait for their right operands: those of the run being read, on top of those of the runs
    /// around it.
    pub frames: Vec<Frame<'s>>,
    /// The statement that the grammar has recognised last. It lies here and not on the parser's stack, whose entries
    /// are all as large as the largest.
    form: StatementKind<'s>,
    /// What the last run of the grammar gave.
    piece: Option<Piece<'s>>,
    /// Start and depth of every finished node that is not part of another one yet, from left to right. A node takes
    /// over all that begin at or behind its own start; those are its parts, as it was finished after them.
    depths: Vec<(u32, u32)>,
    /// The braces of the statements being read, from left to right.
    waiting: Vec<Waiting<'s>>,
    /// Literals of 2^63 that no minus sign has been found for yet.
    unsigned: Vec<Span>,
    /// Whether the statement has been reported as nested too deeply.
    is_too_deep: bool,
}

/// Where the state stood before a statement.
#[derive(Clone, Copy)]
pub struct Mark {
    depths: usize,
}

impl<'s> Builder<'s> {
    /// A builder for a text.
    pub fn new(text: &'s str, findings: Findings) -> Builder<'s> {
        Builder {
            text,
            findings,
            doc: None,
            frames: Vec::new(),
            form: StatementKind::Error,
            piece: None,
            depths: Vec::new(),
            waiting: Vec::new(),
            unsigned: Vec::new(),
            is_too_deep: false,
        }
    }

    /// The source at a span.
    pub fn slice(&self, span: Span) -> &'s str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    // Depth

    /// Begins a statement.
    pub fn mark(&self) -> Mark {
        Mark { depths: self.depths.len() }
    }

    /// Forgets what an attempt at a statement left behind.
    pub fn begin_again(&mut self, mark: Mark) {
        self.depths.truncate(mark.depths);
        self.unsigned.clear();
        self.frames.clear();
        self.piece = None;
    }

    /// Ends a statement; gives its depth.
    pub fn finish_statement(&mut self, mark: Mark) -> u32 {
        self.is_too_deep = false;
        for span in std::mem::take(&mut self.unsigned) {
            self.findings.push(
                Diagnostic::error("Q0105", span, "integer out of range")
                    .label("only a minus sign directly before it makes this an int"),
            );
        }
        self.depths.drain(mark.depths.min(self.depths.len())..).map(|(_, depth)| depth).max().unwrap_or(0)
    }

    /// Counts the node that begins at `start` and is just being made. False if it is nested too deeply.
    fn nest(&mut self, start: u32, end: u32) -> bool {
        let mut depth = 0;
        while let Some((_, part)) = self.depths.pop_if(|(begin, _)| *begin >= start) {
            depth = depth.max(part);
        }
        let fits = depth < MAX_DEPTH;
        self.depths.push((start, if fits { depth + 1 } else { 0 }));
        if !fits {
            self.report_depth(Span::new(start, end));
        }
        fits
    }

    /// Reports what is nested too deeply, once for a statement.
    pub fn report_depth(&mut self, span: Span) {
        if !std::mem::replace(&mut self.is_too_deep, true) {
            // Only its beginning: the whole may be the whole file.
            let first = self.slice(span).chars().next().map_or(0, |first| first.len_utf8() as u32);
            self.findings.push(too_deep(Span::new(span.start, span.start + first)));
        }
    }

    // Braces

    /// How many braces wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Forgets the braces that no statement took.
    pub fn forget_waiting(&mut self, from: usize) {
        self.waiting.truncate(from);
    }

    /// Keeps the parsed content of braces for the statement around them.
    pub fn wait(&mut self, start: u32, depth: u32, braces: Braces<'s>) {
        self.waiting.push(Waiting { start, depth, braces: Some(braces) });
    }

    fn take_braces(&mut self, start: u32) -> Option<Braces<'s>> {
        let index = self.waiting.binary_search_by_key(&start, |waiting| waiting.start).ok()?;
        let waiting = self.waiting.get_mut(index)?;
        let braces = waiting.braces.take();
        self.depths.push((start, waiting.depth));
        braces
    }

    /// The block that begins at `start`.
    pub fn take_block(&mut self, start: u32) -> Block<'s> {
        match self.take_braces(start) {
            Some(Braces::Block(block)) => block,
            _ => Block { statements: Vec::new(), span: Span::new(start, start) },
        }
    }

    /// The methods in the braces that begin at `start`.
    pub fn take_methods(&mut self, start: u32) -> Vec<Function<'s>> {
        match self.take_braces(start) {
            Some(Braces::Methods(methods)) => methods,
            _ => Vec::new(),
        }
    }

    // Nodes

    /// An expression with parts.
    pub fn expr(&mut self, start: u32, end: u32, kind: ExprKind<'s>) -> Expr<'s> {
        let kind = if self.nest(start, end) { kind } else { ExprKind::Error };
        Expr { kind, span: Span::new(start, end) }
    }

    /// An expression without parts.
    pub fn leaf(&mut self, start: u32, end: u32, kind: ExprKind<'s>) -> Expr<'s> {
        Expr { kind, span: Span::new(start, end) }
    }

    /// A name.
    pub fn ident(&mut self, start: u32, end: u32) -> Ident<'s> {
        let span = Span::new(start, end);
        Ident { name: self.slice(span), span }
    }

    // Statements

    /// Takes what the last run of the grammar gave.
    pub fn take_piece(&mut self) -> Option<Piece<'s>> {
        self.piece.take()
    }

    fn take_form(&mut self) -> StatementKind<'s> {
        std::mem::replace(&mut self.form, StatementKind::Error)
    }

    /// The piece is a statement, of the form recognised last.
    pub fn statement_piece(&mut self, start: u32, end: u32) {
        let kind = self.take_form();
        self.piece = Some(Piece::Statement(Statement { kind, span: Span::new(start, end) }));
    }

    /// The piece is a method.
    pub fn method_piece(&mut self, function: Box<Function<'s>>) {
        self.piece = Some(Piece::Method(function));
    }

    /// The piece is an arm, and its body of the form recognised last.
    pub fn arm_piece(&mut self, start: u32, end: u32, pattern: Pat<'s>, guard: Option<Expr<'s>>, body_start: u32) {
        let body = Box::new(Statement { kind: self.take_form(), span: Span::new(body_start, end) });
        self.piece = Some(Piece::Arm(Arm { pattern: pattern.into(), guard, body, span: Span::new(start, end) }));
    }

    /// `defer e`.
    pub fn defer(&mut self, value: Expr<'s>) {
        self.form = StatementKind::Defer(value);
    }

    /// `break` or `continue`.
    pub fn jump(&mut self, kind: StatementKind<'s>) {
        self.form = kind;
    }

    /// A statement that is an expression; a loop is a statement of its own, and an error is no more than that.
    pub fn expression_statement(&mut self, value: Expr<'s>) {
        self.form = match value.kind {
            ExprKind::Error => StatementKind::Error,
            // Only the block around a loop begins where its statement does.
            ExprKind::Block(mut block) if matches!(block.statements.as_slice(), [one] if one.span == block.span) => {
                block.statements.pop().map_or(StatementKind::Error, |statement| statement.kind)
            }
            kind => StatementKind::Expr(Expr { kind, span: value.span }),
        };
    }

    /// `t = e`.
    pub fn assign(&mut self, start: u32, end: u32, left: Expr<'s>, value: Expr<'s>) {
        let target = target(left, Span::new(start, end), &mut self.findings);
        self.form = StatementKind::Assign { target, value };
    }

    /// `t op= e`.
    pub fn update(&mut self, start: u32, end: u32, left: Expr<'s>, op: UpdateOp, op_span: Span, value: Expr<'s>) {
        let target = update_target(left, Span::new(start, end), &mut self.findings);
        self.form = StatementKind::Update { target, op, op_span, value };
    }

    /// `let` or `var`.
    pub fn binding(&mut self, mutable: bool, pattern: Pat<'s>, value: Expr<'s>) {
        let doc = self.doc.take();
        self.form = StatementKind::Let { mutable, pattern: pattern.into(), value, exported: false, doc };
    }

    /// `export` before the declaration recognised last.
    pub fn export(&mut self, export: Span) {
        match &mut self.form {
            StatementKind::Let { exported, mutable, pattern, .. } => {
                *exported = true;
                if *mutable {
                    let fault = Diagnostic::error("Q0110", export, "a `var` cannot be exported");
                    self.findings.push(
                        fault
                            .also(pattern.span, "this could change behind the importer's back")
                            .help("export a `let`, or functions that read and set it"),
                    );
                }
            }
            StatementKind::Fn { exported, .. } | StatementKind::Type { exported, .. } => *exported = true,
            _ => {}
        }
    }

    /// `while`.
    pub fn while_loop(&mut self, start: u32, condition: Expr<'s>, body: Block<'s>) -> Expr<'s> {
        let span = Span::new(start, body.span.end);
        self.loop_expr(span, StatementKind::While { condition, body })
    }

    /// `for`.
    pub fn for_loop(&mut self, start: u32, pattern: Pat<'s>, iterable: Expr<'s>, body: Block<'s>) -> Expr<'s> {
        let span = Span::new(start, body.span.end);
        self.loop_expr(span, StatementKind::For { pattern: pattern.into(), iterable, body })
    }

    /// A loop where an expression stands is a block of it alone, whose value is nil.
    fn loop_expr(&mut self, span: Span, kind: StatementKind<'s>) -> Expr<'s> {
        if !self.nest(span.start, span.end) {
            return Expr { kind: ExprKind::Error, span };
        }
        let block = Block { statements: vec![Statement { kind, span }], span };
        Expr { kind: ExprKind::Block(Box::new(block)), span }
    }

    /// `fn name(..) ..`.
    pub fn function(
        &mut self,
        start: u32,
        end: u32,
        name: Ident<'s>,
        params: Vec<ParamPart<'s>>,
        body: FunctionBody<'s>,
    ) -> Box<Function<'s>> {
        let span = Span::new(start, end);
        let (params, body) = if self.nest(start, end) {
            (params.into_iter().map(Param::from).collect(), body)
        } else {
            (Vec::new(), FunctionBody::Block(Block { statements: Vec::new(), span }))
        };
        Box::new(Function { name: Some(name), params, body, span, doc: self.doc.take() })
    }

    /// An `fn` statement.
    pub fn fn_declaration(&mut self, function: Box<Function<'s>>) {
        self.form = StatementKind::Fn { function, exported: false };
    }

    /// A `type` statement.
    pub fn type_declaration(
        &mut self,
        start: u32,
        end: u32,
        name: Ident<'s>,
        fields: Option<Vec<(Ident<'s>, Option<Box<Expr<'s>>>)>>,
        methods: Option<Vec<Function<'s>>>,
    ) {
        if !self.nest(start, end) {
            self.form = StatementKind::Error;
            return;
        }
        let fields = fields.unwrap_or_default().into_iter();
        let declaration = TypeDeclaration {
            name,
            fields: fields.map(|(name, default)| (name, default.map(|value| *value))).collect(),
            methods: methods.unwrap_or_default(),
            doc: self.doc.take(),
            span: Span::new(start, end),
        };
        self.form = StatementKind::Type { declaration: Box::new(declaration), exported: false };
    }

    /// `import`.
    pub fn import(&mut self, module_span: Span, is_path: bool, members: Members<'s>) {
        let written = self.slice(module_span);
        let module = if is_path { string_value(written) } else { written.into() };
        let (alias, members) = match members {
            Members::Picked(members) => (None, members),
            Members::All(Some((word, alias))) => {
                self.check_as(word, alias);
                (Some(alias), Vec::new())
            }
            Members::All(None) => (Some(self.module_alias(module_span, is_path)), Vec::new()),
        };
        self.form = StatementKind::Import(Import { module, is_path, module_span, alias, members });
    }

    /// `a as b` among the members of an import.
    pub fn member(&mut self, name: Ident<'s>, word: Ident<'s>, alias: Ident<'s>) -> (Ident<'s>, Ident<'s>) {
        self.check_as(word, alias);
        (name, alias)
    }

    fn check_as(&mut self, word: Ident<'s>, alias: Ident<'s>) {
        if word.name != "as" {
            let fault = Diagnostic::error("Q0110", word.span, format!("unexpected name `{}`", word.name));
            self.findings.push(fault.safe_patch(format!("write `as {}` to rename", alias.name), word.span, "as"));
        }
    }

    /// The name that a module gets when the import gives none.
    fn module_alias(&mut self, module_span: Span, is_path: bool) -> Ident<'s> {
        if !is_path {
            return Ident { name: self.slice(module_span), span: module_span };
        }
        let written = self.slice(module_span);
        let inner = written.trim_end_matches(['"', '#']);
        let last = inner.rfind(['/', '"']).map_or(0, |before| before + 1);
        let name = &inner[last..];
        let name = name.strip_suffix(".qp").unwrap_or(name);
        let start = module_span.start + last as u32;
        if !is_name(name) {
            self.findings.push(
                Diagnostic::error("Q0110", module_span, "this module needs a name here")
                    .label("the last part of the path is no name")
                    .help("add `as` and a name"),
            );
        }
        Ident { name, span: Span::new(start, start + name.len() as u32) }
    }

    // Expressions

    /// `c = d` where a condition stands.
    pub fn assignment_as_condition(
        &mut self,
        start: u32,
        end: u32,
        left: Expr<'s>,
        op_span: Span,
        right: Expr<'s>,
    ) -> Expr<'s> {
        let fault = Diagnostic::error("Q0110", op_span, "unexpected `=` in a condition");
        self.findings.push(fault.safe_patch("write `==` to compare", op_span, "=="));
        self.expr(start, end, ExprKind::Binary { first: Box::new(left), rest: vec![(BinaryOp::Eq, op_span, right)] })
    }

    /// A function without a name.
    pub fn closure(&mut self, start: u32, end: u32, params: Vec<ParamPart<'s>>, body: FunctionBody<'s>) -> Expr<'s> {
        let params = params.into_iter().map(Param::from).collect();
        let function = Function { name: None, params, body, span: Span::new(start, end), doc: None };
        self.expr(start, end, ExprKind::Function(Box::new(function)))
    }

    /// The first call, index or member behind an operand.
    pub fn first_postfix(&mut self, base: Expr<'s>, op: Postfix<'s>, span: Span) -> Expr<'s> {
        Expr { kind: ExprKind::Postfix { base: Box::new(base), ops: vec![(op, span)] }, span }
    }

    /// One more call, index or member; a call of a member is a method call.
    pub fn next_postfix(&mut self, mut chain: Expr<'s>, op: Postfix<'s>, span: Span) -> Expr<'s> {
        chain.span = span;
        let ExprKind::Postfix { ops, .. } = &mut chain.kind else { return chain };
        let op = match (op, ops.last()) {
            (Postfix::Call(arguments), Some(&(Postfix::Field(name), _))) => {
                ops.pop();
                Postfix::Method(name, arguments)
            }
            (Postfix::Call(arguments), Some(&(Postfix::SafeField(name), _))) => {
                ops.pop();
                Postfix::SafeMethod(name, arguments)
            }
            (op, _) => op,
        };
        ops.push((op, span));
        chain
    }

    /// A postfix chain that nothing more is added to.
    pub fn postfix(&mut self, chain: Expr<'s>) -> Expr<'s> {
        self.expr(chain.span.start, chain.span.end, chain.kind)
    }

    /// `..b` or `..` inside an index.
    pub fn range_to(&mut self, start: u32, end: u32, op: Infix, last: Option<Expr<'s>>) -> Expr<'s> {
        let inclusive = op == Infix::Range { inclusive: true };
        if inclusive && last.is_none() {
            self.report_endless(Span::new(start, end));
        }
        self.expr(start, end, ExprKind::Range { start: None, end: last.map(Box::new), inclusive })
    }

    /// Reports `..=` without an end.
    pub fn report_endless(&mut self, span: Span) {
        let fault = Diagnostic::error("Q0110", span, "`..=` needs an end");
        self.findings.push(fault.help("write `..` for the rest"));
    }

    /// A number.
    pub fn number(&mut self, start: u32, end: u32) -> Expr<'s> {
        let span = Span::new(start, end);
        let kind = match number_value(self.slice(span)) {
            Number::Float(value) => ExprKind::Float(value),
            Number::Int(LEAST_MAGNITUDE) => {
                self.unsigned.push(span);
                ExprKind::Int(i64::MIN)
            }
            Number::Int(magnitude) => ExprKind::Int(magnitude as i64),
        };
        Expr { kind, span }
    }

    /// The least int, if this negates the literal 2^63.
    pub fn negated_least(&mut self, op: UnaryOp, operand: &Expr<'s>) -> Option<ExprKind<'s>> {
        if op != UnaryOp::Neg || !matches!(operand.kind, ExprKind::Int(i64::MIN)) {
            return None;
        }
        let index = self.unsigned.iter().rposition(|&span| span == operand.span)?;
        self.unsigned.remove(index);
        Some(ExprKind::Int(i64::MIN))
    }

    /// A minus sign with a number in a pattern.
    pub fn negative(&mut self, start: u32, end: u32, number: Expr<'s>) -> Expr<'s> {
        let kind = match number.kind {
            ExprKind::Float(value) => ExprKind::Float(-value),
            ExprKind::Int(value) => {
                self.negated_least(UnaryOp::Neg, &number).unwrap_or(ExprKind::Int(value.wrapping_neg()))
            }
            other => other,
        };
        Expr { kind, span: Span::new(start, end) }
    }

    /// A string without interpolation.
    pub fn string(&mut self, start: u32, end: u32) -> Expr<'s> {
        let span = Span::new(start, end);
        Expr { kind: ExprKind::Str(string_value(self.slice(span))), span }
    }

    /// A bytes literal.
    pub fn bytes(&mut self, start: u32, end: u32) -> Expr<'s> {
        let span = Span::new(start, end);
        Expr { kind: ExprKind::Bytes(bytes_value(self.slice(span))), span }
    }

    /// A string with interpolation.
    pub fn interpolation(&mut self, start: u32, end: u32, segments: Vec<Segment<'s>>) -> Expr<'s> {
        let is_multi_line = self.slice(Span::new(start, end)).starts_with("\"\"\"");
        let mut texts = Vec::new();
        if is_multi_line {
            let written: Vec<&str> = segments
                .iter()
                .filter_map(|segment| match segment {
                    Segment::Text(span) => Some(self.slice(*span)),
                    Segment::Hole(_) | Segment::Formatted(..) => None,
                })
                .collect();
            texts = text_value(&written);
            texts.reverse();
        }
        let mut parts = Vec::with_capacity(segments.len());
        for segment in segments {
            match segment {
                Segment::Hole(value) => parts.push(Part::Expr(value)),
                Segment::Formatted(value, spec) => {
                    let spec = self.slice(Span::new(spec.start + 1, spec.end));
                    parts.push(Part::Formatted(value, spec));
                }
                Segment::Text(span) => {
                    let text = texts.pop().unwrap_or_else(|| plain_text_value(self.slice(span)));
                    if !text.is_empty() {
                        parts.push(Part::Text(text));
                    }
                }
            }
        }
        self.expr(start, end, ExprKind::Interpolation(parts))
    }

    /// `(a, b)`.
    pub fn tuple(&mut self, start: u32, end: u32, first: Expr<'s>, mut rest: Vec<Expr<'s>>) -> Expr<'s> {
        rest.insert(0, first);
        self.expr(start, end, ExprKind::Tuple(rest))
    }

    /// The key of a map entry that begins at `start`; a bare name is a string.
    pub fn key(&mut self, start: u32, key: Expr<'s>) -> Expr<'s> {
        match key.kind {
            // The span of a name in parentheses begins behind them.
            ExprKind::Name(name) if key.span.start == start => self.name_as_key(name),
            _ => key,
        }
    }

    /// A name that stands for its text.
    pub fn name_as_key(&mut self, name: Ident<'s>) -> Expr<'s> {
        Expr { kind: ExprKind::Str(name.name.into()), span: name.span }
    }

    /// `[..]`: a map if it has a pair, else a list.
    pub fn list_or_map(&mut self, start: u32, end: u32, items: Vec<Item<'s>>) -> Expr<'s> {
        if !items.iter().any(|item| matches!(item, Item::Pair(..))) {
            let elements = items
                .into_iter()
                .filter_map(|item| match item {
                    Item::Value(value) => Some(Element { spread: false, value }),
                    Item::Spread(value) => Some(Element { spread: true, value }),
                    Item::Pair(..) => None,
                })
                .collect();
            return self.expr(start, end, ExprKind::List(elements));
        }
        let mut elements = Vec::with_capacity(items.len());
        let mut is_reported = false;
        for item in items {
            match item {
                Item::Pair(key, value) => elements.push(MapElement::Pair(key, value)),
                Item::Spread(value) => elements.push(MapElement::Spread(value)),
                Item::Value(value) => {
                    if !is_reported && !matches!(value.kind, ExprKind::Error) {
                        is_reported = true;
                        self.report_mixture(value.span);
                    }
                }
            }
        }
        self.expr(start, end, ExprKind::Map(elements))
    }

    fn report_mixture(&mut self, span: Span) {
        let fault = Diagnostic::error("Q0110", span, "a map entry needs a key and a value");
        self.findings.push(fault.label("expected `:` behind this").note("the other entries make this a map"));
    }

    /// `match`.
    pub fn match_arms(&mut self, start: u32, end: u32, subject: Expr<'s>, arms_start: u32) -> Expr<'s> {
        let arms = match self.take_braces(arms_start) {
            Some(Braces::Arms(arms)) => arms,
            _ => Vec::new(),
        };
        self.expr(start, end, ExprKind::Match { subject: Box::new(subject), arms })
    }

    /// `try` and `catch`.
    pub fn try_catch(
        &mut self,
        start: u32,
        end: u32,
        body: Block<'s>,
        pattern: Pat<'s>,
        handler: Block<'s>,
    ) -> Expr<'s> {
        let kind =
            ExprKind::Try { body: Box::new(body), pattern: Box::new(pattern.into()), handler: Box::new(handler) };
        self.expr(start, end, kind)
    }

    // Patterns

    /// A pattern with parts.
    pub fn pattern(&mut self, start: u32, end: u32, kind: PatternKind<'s>) -> Pat<'s> {
        let kind = if self.nest(start, end) { kind } else { PatternKind::Error };
        self.leaf_pattern(start, end, kind)
    }

    /// A pattern without parts.
    pub fn leaf_pattern(&mut self, start: u32, end: u32, kind: PatternKind<'s>) -> Pat<'s> {
        Pat::Other(Box::new(Pattern { kind, span: Span::new(start, end) }))
    }

    /// `p | q`.
    pub fn or_pattern(&mut self, start: u32, end: u32, alternatives: Vec<Pat<'s>>) -> Pat<'s> {
        self.pattern(start, end, PatternKind::Or(patterns(alternatives)))
    }

    /// `p is T`.
    pub fn typed_pattern(&mut self, start: u32, end: u32, pattern: Pat<'s>, type_path: Expr<'s>) -> Pat<'s> {
        let pattern = Pattern::from(pattern);
        if !matches!(pattern.kind, PatternKind::Bind(_) | PatternKind::Ignore | PatternKind::Error) {
            let title = "only a name or `_` can stand before `is` in a pattern";
            self.findings.push(Diagnostic::error("Q0110", pattern.span, title));
        }
        self.pattern(start, end, PatternKind::Is(Box::new(pattern), Box::new(type_path)))
    }

    /// `4..10`.
    pub fn range_pattern(&mut self, start: u32, end: u32, first: Expr<'s>, op: Infix, last: Expr<'s>) -> Pat<'s> {
        let inclusive = op == Infix::Range { inclusive: true };
        let kind = match (&first.kind, &last.kind) {
            (&ExprKind::Int(start), &ExprKind::Int(end)) => PatternKind::Range { start, end, inclusive },
            _ => {
                let title = "a range in a pattern has integers at its ends";
                let fault = Diagnostic::error("Q0110", Span::new(start, end), title);
                self.findings.push(fault.help("bind a name and compare in a guard"));
                PatternKind::Error
            }
        };
        self.leaf_pattern(start, end, kind)
    }

    /// `(p, q)`.
    pub fn tuple_pattern(&mut self, start: u32, end: u32, first: Pat<'s>, mut rest: Vec<Pat<'s>>) -> Pat<'s> {
        rest.insert(0, first);
        self.pattern(start, end, PatternKind::Tuple(patterns(rest)))
    }

    /// `T(p, q)`.
    pub fn instance_pattern(&mut self, start: u32, end: u32, type_path: Expr<'s>, fields: Vec<Pat<'s>>) -> Pat<'s> {
        self.pattern(start, end, PatternKind::Instance(Box::new(type_path), patterns(fields)))
    }

    /// `[..]` as a pattern: of a map if it has a pair, else of a list.
    pub fn list_or_map_pattern(&mut self, start: u32, end: u32, items: Vec<PatItem<'s>>) -> Pat<'s> {
        let kind = if items.iter().any(|item| matches!(item, PatItem::Pair(..))) {
            self.map_pattern(items)
        } else {
            self.list_pattern(items)
        };
        self.pattern(start, end, kind)
    }

    fn map_pattern(&mut self, items: Vec<PatItem<'s>>) -> PatternKind<'s> {
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            match item {
                PatItem::Pair(pair) => entries.push((pair.0, pair.1.into())),
                PatItem::Value(pattern) => self.report_mixture(pattern.span()),
                PatItem::Rest(span, _) => {
                    let fault = Diagnostic::error("Q0110", span, "a map pattern has no rest");
                    self.findings.push(fault.note("it matches every map that has at least these keys"));
                }
            }
        }
        PatternKind::Map(entries)
    }

    fn list_pattern(&mut self, items: Vec<PatItem<'s>>) -> PatternKind<'s> {
        let mut before = Vec::with_capacity(items.len());
        let mut after = Vec::new();
        let mut rest: Option<(Span, Option<Ident<'s>>)> = None;
        for item in items {
            match item {
                PatItem::Value(pattern) if rest.is_none() => before.push(pattern.into()),
                PatItem::Value(pattern) => after.push(pattern.into()),
                PatItem::Rest(span, name) => match rest {
                    None => rest = Some((span, name.filter(|name| name.name != "_"))),
                    Some((first, _)) => self.findings.push(
                        Diagnostic::error("Q0110", span, "a pattern takes the rest once").also(first, "here already"),
                    ),
                },
                PatItem::Pair(..) => {}
            }
        }
        PatternKind::List { before, rest: rest.map(|(_, name)| name), after }
    }

    /// `g.Point` as the type of a pattern.
    pub fn path(&mut self, start: u32, end: u32, name: Ident<'s>, steps: Vec<Ident<'s>>) -> Expr<'s> {
        let base = Expr { kind: ExprKind::Name(name), span: name.span };
        if steps.is_empty() {
            return base;
        }
        let ops = steps.into_iter().map(|step| (Postfix::Field(step), Span::new(start, step.span.end))).collect();
        self.expr(start, end, ExprKind::Postfix { base: Box::new(base), ops })
    }
}

fn patterns<'s>(parts: Vec<Pat<'s>>) -> Vec<Pattern<'s>> {
    parts.into_iter().map(Pattern::from).collect()
}

/// Whether a text is a name that no keyword takes.
fn is_name(text: &str) -> bool {
    let mut scratch = Findings::default();
    matches!(crate::token::lex(text, &mut scratch).as_slice(),
        [token] if token.kind == crate::token::Kind::Name && token.span.end as usize == text.len())
}
