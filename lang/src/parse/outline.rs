//! Writes a tree as compact s-expressions, one statement a line: what tests of the grammar compare.

use crate::ast::*;

/// The outline of a module: a line for each of its statements.
pub fn outline(module: &Module<'_>) -> String {
    let lines: Vec<String> = module.body.statements.iter().map(statement).collect();
    lines.join("\n")
}

fn list<T>(head: &str, parts: &[T], part: impl Fn(&T) -> String) -> String {
    let mut out = format!("({head}");
    for one in parts {
        out.push(' ');
        out.push_str(&part(one));
    }
    out.push(')');
    out
}

fn statement(statement: &Statement<'_>) -> String {
    let mark = |exported: bool| if exported { "export " } else { "" };
    let noted = |doc: &Option<Box<str>>| doc.as_ref().map_or_else(String::new, |text| format!(" ##{text:?}"));
    match &statement.kind {
        StatementKind::Let { mutable, pattern: p, value, exported, doc } => {
            let word = if *mutable { "var" } else { "let" };
            format!("({}{word}{} {} {})", mark(*exported), noted(doc), pattern(p), expr(value))
        }
        StatementKind::Fn { function: f, exported } => format!("{}{}", mark(*exported), function(f)),
        StatementKind::Type { declaration, exported } => {
            let fields: Vec<String> = declaration
                .fields
                .iter()
                .map(|(name, default)| match default {
                    Some(value) => format!("{}={}", name.name, expr(value)),
                    None => name.name.to_string(),
                })
                .collect();
            let head = format!(
                "{}type{} {} ({})",
                mark(*exported),
                noted(&declaration.doc),
                declaration.name.name,
                fields.join(" ")
            );
            list(&head, &declaration.methods, function)
        }
        StatementKind::Import(import) => {
            let module = if import.is_path { format!("{:?}", import.module) } else { import.module.to_string() };
            match &import.alias {
                Some(alias) => format!("(import {module} as {})", alias.name),
                None => list(&format!("import {module}"), &import.members, |(outer, inner)| {
                    format!("{}:{}", outer.name, inner.name)
                }),
            }
        }
        StatementKind::Assign { target: to, value } => format!("(= {} {})", target(to), expr(value)),
        StatementKind::Update { target: to, op, value, .. } => {
            let op = match op {
                UpdateOp::Binary(op) => binary_op(*op),
                UpdateOp::Coalesce => "??",
            };
            format!("({op}= {} {})", target(to), expr(value))
        }
        StatementKind::Defer(value) => format!("(defer {})", expr(value)),
        StatementKind::While { condition, body } => format!("(while {} {})", expr(condition), block(body)),
        StatementKind::For { pattern: p, iterable, body } => {
            format!("(for {} {} {})", pattern(p), expr(iterable), block(body))
        }
        StatementKind::Break => "break".into(),
        StatementKind::Continue => "continue".into(),
        StatementKind::Expr(value) => expr(value),
        StatementKind::Error => "ERROR".into(),
    }
}

fn block(block: &Block<'_>) -> String {
    let lines: Vec<String> = block.statements.iter().map(statement).collect();
    format!("{{{}}}", lines.join("; "))
}

fn function(function: &Function<'_>) -> String {
    let params: Vec<String> = function
        .params
        .iter()
        .map(|param| {
            let dots = if param.rest { ".." } else { "" };
            let default = param.default.as_ref().map_or_else(String::new, |value| format!("={}", expr(value)));
            format!("{dots}{}{default}", pattern(&param.pattern))
        })
        .collect();
    let name = function.name.map_or_else(String::new, |name| format!(" {}", name.name));
    let doc = function.doc.as_ref().map_or_else(String::new, |text| format!(" ##{text:?}"));
    let body = match &function.body {
        FunctionBody::Block(body) => block(body),
        FunctionBody::Expr(body) => expr(body),
    };
    format!("(fn{doc}{name} ({}) {body})", params.join(" "))
}

fn target(target: &Target<'_>) -> String {
    match &target.kind {
        TargetKind::Name(name) => name.name.into(),
        TargetKind::Index(object, index) => format!("(index {} {})", expr(object), expr(index)),
        TargetKind::Field(object, name) => format!("(field {} {})", expr(object), name.name),
        TargetKind::Tuple(parts) => list("tuple", parts, self::target),
        TargetKind::List(parts) => list("list", parts, self::target),
        TargetKind::Ignore => "_".into(),
        TargetKind::Error => "ERROR".into(),
    }
}

fn spread(is_spread: bool, value: &Expr<'_>) -> String {
    format!("{}{}", if is_spread { ".." } else { "" }, expr(value))
}

fn expr(e: &Expr<'_>) -> String {
    match &e.kind {
        ExprKind::Nil => "nil".into(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Str(text) => format!("{text:?}"),
        ExprKind::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        ExprKind::Interpolation(parts) => list("str", parts, |part| match part {
            Part::Text(text) => format!("{text:?}"),
            Part::Expr(value) => expr(value),
            Part::Formatted(value, spec) => format!("{}:{spec:?}", expr(value)),
        }),
        ExprKind::Name(name) => name.name.into(),
        ExprKind::Tuple(parts) => list("tuple", parts, expr),
        ExprKind::List(elements) => list("list", elements, |element| spread(element.spread, &element.value)),
        ExprKind::Map(elements) => list("map", elements, |element| match element {
            MapElement::Pair(key, value) => format!("{}:{}", expr(key), expr(value)),
            MapElement::Spread(value) => format!("..{}", expr(value)),
        }),
        ExprKind::Block(body) => block(body),
        ExprKind::If { branches, otherwise } => {
            let mut out = list("if", branches, |(condition, body)| format!("{} {}", expr(condition), block(body)));
            if let Some(body) = otherwise {
                out.pop();
                out.push_str(&format!(" else {})", block(body)));
            }
            out
        }
        ExprKind::Match { subject, arms } => list(&format!("match {}", expr(subject)), arms, |arm| {
            let guard = arm.guard.as_ref().map_or_else(String::new, |guard| format!(" if {}", expr(guard)));
            format!("({}{guard} => {})", pattern(&arm.pattern), statement(&arm.body))
        }),
        ExprKind::Try { body, pattern: p, handler } => {
            format!("(try {} {} {})", block(body), pattern(p), block(handler))
        }
        ExprKind::Function(f) => function(f),
        ExprKind::Unary(op, _, operand) => {
            let op = match op {
                UnaryOp::Neg => "-",
                UnaryOp::BitNot => "~",
                UnaryOp::Not => "not",
            };
            format!("({op} {})", expr(operand))
        }
        ExprKind::Binary { first, rest } => {
            list(&expr(first), rest, |(op, _, right)| format!("{} {}", binary_op(*op), expr(right)))
        }
        ExprKind::Logic(op, parts) => list(
            match op {
                LogicOp::And => "and",
                LogicOp::Or => "or",
                LogicOp::Coalesce => "??",
            },
            parts,
            expr,
        ),
        ExprKind::Is(value, kind, negated) => {
            format!("({} {} {})", if *negated { "is-not" } else { "is" }, expr(value), expr(kind))
        }
        ExprKind::Range { start, end, inclusive } => {
            let bound = |bound: &Option<Box<Expr<'_>>>| bound.as_ref().map_or_else(|| "*".into(), |value| expr(value));
            format!("({} {} {})", if *inclusive { "..=" } else { ".." }, bound(start), bound(end))
        }
        ExprKind::Postfix { base, ops } => list(&format!("post {}", expr(base)), ops, |(op, _)| postfix(op)),
        ExprKind::Pipe(value, steps) => list(&format!("pipe {}", expr(value)), steps, expr),
        ExprKind::Yield(None) => "(yield)".into(),
        ExprKind::Yield(Some(value)) => format!("(yield {})", expr(value)),
        ExprKind::Throw(value) => format!("(throw {})", expr(value)),
        ExprKind::Return(None) => "(return)".into(),
        ExprKind::Return(Some(value)) => format!("(return {})", expr(value)),
        ExprKind::Error => "ERROR".into(),
    }
}

fn postfix(op: &Postfix<'_>) -> String {
    let argument = |argument: &Argument<'_>| spread(argument.spread, &argument.value);
    match op {
        Postfix::Call(arguments) => list("call", arguments, argument),
        Postfix::Index(index) => format!("[{}]", expr(index)),
        Postfix::Field(name) => format!(".{}", name.name),
        Postfix::SafeField(name) => format!("?.{}", name.name),
        Postfix::Method(name, arguments) => list(&format!(".{}", name.name), arguments, argument),
        Postfix::SafeMethod(name, arguments) => list(&format!("?.{}", name.name), arguments, argument),
    }
}

fn pattern(p: &Pattern<'_>) -> String {
    match &p.kind {
        PatternKind::Ignore => "_".into(),
        PatternKind::Bind(name) => name.name.into(),
        PatternKind::Is(name, kind) => format!("(is {} {})", pattern(name), expr(kind)),
        PatternKind::Literal(value) => expr(value),
        PatternKind::Range { start, end, inclusive } => {
            format!("({} {start} {end})", if *inclusive { "..=" } else { ".." })
        }
        PatternKind::Tuple(parts) => list("tuple", parts, pattern),
        PatternKind::List { before, rest, after } => {
            let mut parts: Vec<String> = before.iter().map(pattern).collect();
            if let Some(name) = rest {
                parts.push(format!("..{}", name.map_or("", |name| name.name)));
            }
            parts.extend(after.iter().map(pattern));
            list("list", &parts, String::clone)
        }
        PatternKind::Map(entries) => list("map", entries, |(key, value)| format!("{}:{}", expr(key), pattern(value))),
        PatternKind::Instance(kind, fields) => list(&expr(kind), fields, pattern),
        PatternKind::Or(parts) => list("or", parts, pattern),
        PatternKind::Error => "ERROR".into(),
    }
}

fn binary_op(op: BinaryOp) -> &'static str {
    use BinaryOp::*;
    match op {
        Add => "+",
        Sub => "-",
        Mul => "*",
        Div => "/",
        FloorDiv => "//",
        Mod => "%",
        Pow => "**",
        BitAnd => "&",
        BitOr => "|",
        BitXor => "^",
        Shl => "<<",
        Shr => ">>",
        Eq => "==",
        Ne => "!=",
        Lt => "<",
        Le => "<=",
        Gt => ">",
        Ge => ">=",
        In => "in",
        NotIn => "not in",
    }
}
