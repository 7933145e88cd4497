//! The module `code`: what functions consist of, as data, and functions from texts.

use quipu_code::{Code, Constant, FreeKind, Role, listing, steps};
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::expected;
use crate::entry::{Entry, hosted, native};
use crate::grant::Capability;

pub(crate) const NATIVES: &[Entry] = &[
    hosted(
        "compile(text, names = [:])",
        "A function of no arguments that runs a text and gives its last value; `names` are the variables around the text.",
        crate::compile::compile,
    )
    .needing(Capability::Compile),
    native(
        "arity(f)",
        "A map of how many arguments a function requires, how many may follow, and whether any number may.",
        |cx, args| {
            let code = of(cx, args[0])?;
            arity(cx, &code)
        },
    ),
    native("params(f)", "The names of a function's parameters.", |cx, args| {
        let code = of(cx, args[0])?;
        params(cx, &code)
    }),
    native(
        "free(f)",
        "The variables that a function takes from outside, in order: maps of `name` and `kind`, \"value\" or \"cell\".",
        |cx, args| {
            let code = of(cx, args[0])?;
            free(cx, &code)
        },
    ),
    native("constants(f)", "The constants in a function's code, names of members and natives included.", |cx, args| {
        let code = of(cx, args[0])?;
        constants(cx, &code)
    }),
    native(
        "natives(f)",
        "The names of what a function uses of the host and the library, those of functions inside of it too.",
        |cx, args| {
            let code = of(cx, args[0])?;
            natives(cx, &code)
        },
    ),
    native("instructions(f)", "A function's instructions: maps of `at`, `op`, `operands` and `line`.", |cx, args| {
        let code = of(cx, args[0])?;
        instructions(cx, &code)
    }),
    native("children(f)", "What `describe` gives for the functions inside of a function.", |cx, args| {
        let code = of(cx, args[0])?;
        children(cx, &code)
    }),
    native("describe(f)", "All that is known of a function's code, as a map.", |cx, args| {
        let code = of(cx, args[0])?;
        describe(cx, &code)
    }),
    native("listing(f)", "The instructions of a function and those inside of it, as text for people.", |cx, args| {
        let code = of(cx, args[0])?;
        cx.work(20 + code.body().words.len())?;
        cx.str(&listing(&code, None))
    }),
];

fn of<'v>(cx: &mut Cx<'v>, function: Value<'v>) -> Result<Code, Fault<'v>> {
    match function.view() {
        View::Closure(closure) => Ok(closure.code().clone()),
        View::Native(found) => {
            let name = found.name();
            Err(cx.fail_here(ErrorKind::Type, format!("`{name}` is provided by the host, so it has no code")))
        }
        _ => Err(expected(cx, "a function", function)),
    }
}

/// A map with these entries.
fn map<'v>(cx: &mut Cx<'v>, entries: &[(&str, Value<'v>)]) -> Outcome<'v> {
    let map = cx.map();
    for &(key, value) in entries {
        let key = cx.str(key)?;
        map.insert(cx, key, value)?;
    }
    Ok(map.into())
}

/// A list of what is made from each of these.
fn list<'v, T>(
    cx: &mut Cx<'v>,
    items: impl IntoIterator<Item = T>,
    mut make: impl FnMut(&mut Cx<'v>, T) -> Outcome<'v>,
) -> Outcome<'v> {
    let items = items.into_iter().map(|item| make(cx, item)).collect::<Result<Vec<Value<'v>>, Fault<'v>>>()?;
    cx.work(1 + items.len())?;
    Ok(cx.list(items)?.into())
}

fn arity<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    let body = code.body();
    let (required, optional) = (Value::int(body.required.into()), Value::int(body.optional.into()));
    map(cx, &[("required", required), ("optional", optional), ("rest", Value::bool(body.rest))])
}

fn params<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    let names = code.debug().map_or(&[][..], |debug| &debug.params);
    list(cx, 0..code.body().params() as usize, |cx, index| match names.get(index) {
        Some(name) => cx.str(name),
        // The names were stripped.
        None => cx.str(&format!("_{index}")),
    })
}

fn free<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    let names = code.debug().map_or(&[][..], |debug| &debug.free);
    list(cx, code.body().free.iter().enumerate(), |cx, (index, kind)| {
        let name = match names.get(index) {
            Some(name) => cx.str(name)?,
            None => Value::NIL,
        };
        let kind = cx.str(match kind {
            FreeKind::Value => "value",
            FreeKind::Cell => "cell",
        })?;
        map(cx, &[("name", name), ("kind", kind)])
    })
}

fn constants<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    list(cx, &code.body().constants, |cx, constant| match constant {
        Constant::Int(int) => Ok(Value::int(*int)),
        Constant::Float(bits) => Ok(Value::float(f64::from_bits(*bits))),
        Constant::Str(text) => cx.str(text),
        Constant::Bytes(bytes) => cx.bytes(bytes),
    })
}

fn natives<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    let mut names = Vec::new();
    let mut waiting = vec![code];
    while let Some(code) = waiting.pop() {
        let body = code.body();
        cx.work(1 + body.words.len() / 16)?;
        for word in &body.words {
            for &(field, role) in word.op().map_or(&[][..], |op| op.operands()) {
                if let (Role::Native, Some(Constant::Str(name))) =
                    (role, body.constants.get(word.field(field) as usize))
                {
                    names.push(&**name);
                }
            }
        }
        waiting.extend(&body.children);
    }
    names.sort_unstable();
    names.dedup();
    list(cx, names, |cx, name| cx.str(name))
}

fn instructions<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    list(cx, steps(code), |cx, step| {
        let (op, operands) = (cx.str(step.op)?, cx.str(&step.operands)?);
        let line = step.line.map_or(Value::NIL, |line| Value::int(line.into()));
        map(cx, &[("at", Value::int(step.at.into())), ("op", op), ("operands", operands), ("line", line)])
    })
}

fn children<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    // Code nests at most 255 deep.
    list(cx, &code.body().children, |cx, child| describe(cx, child))
}

fn describe<'v>(cx: &mut Cx<'v>, code: &Code) -> Outcome<'v> {
    cx.work(15)?;
    let debug = code.debug();
    let text = |cx: &mut Cx<'v>, text: Option<&str>| match text {
        Some(text) => cx.str(text),
        None => Ok(Value::NIL),
    };
    let entries = [
        ("name", text(cx, debug.map(|debug| &*debug.name))?),
        ("file", text(cx, debug.map(|debug| &*debug.file))?),
        ("line", debug.map_or(Value::NIL, |debug| Value::int(debug.line.into()))),
        ("doc", text(cx, debug.and_then(|debug| debug.doc.as_deref()))?),
        ("hash", cx.str(&code.hash().to_string())?),
        ("arity", arity(cx, code)?),
        ("params", params(cx, code)?),
        ("free", free(cx, code)?),
        ("registers", Value::int(code.body().registers.into())),
        ("constants", constants(cx, code)?),
        ("natives", natives(cx, code)?),
        ("instructions", instructions(cx, code)?),
        ("children", children(cx, code)?),
    ];
    map(cx, &entries)
}
