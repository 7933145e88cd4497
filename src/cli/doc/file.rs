//! The documentation of a file: what its `##` comments say.

use std::path::Path;
use std::process::ExitCode;

use quipu::code::span::{Source, Span};
use quipu::lang::ast::{Function, PatternKind, StatementKind};
use quipu::lang::diagnostic::{Diagnostics, Severity};
use quipu::lang::parse::parse;
use quipu::load::read_program;
use quipu::report::Report;
use quipu::stdlib::manual::{Item, Kind, Page, split_comment};

use super::super::ending::Exit;
use super::super::terminal::Terminal;

/// The page of a file. `Ok(Err(code))` after errors that were reported.
pub(super) fn page(path: &str, terminal: &Terminal) -> Result<Result<Page, ExitCode>, String> {
    let unreadable = |error: String| format!("cannot read `{path}`: {error}");
    let bytes = read_program(Path::new(path)).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let source = Source::new(path, text);
    let parsed = parse(&source);
    if parsed.diagnostics.iter().any(|found| found.severity == Severity::Error) {
        let found = Diagnostics { source: source.clone(), list: parsed.diagnostics };
        terminal.report(&Report::diagnostics(&found).collect::<Vec<_>>());
        return Ok(Err(Exit::Compile.into()));
    }
    let mut items = Vec::new();
    for statement in &parsed.module.body.statements {
        match &statement.kind {
            StatementKind::Fn { function, exported } if *exported || function.doc.is_some() => {
                items.extend(function_item(function, "", &source));
            }
            StatementKind::Type { declaration, exported } if *exported || declaration.doc.is_some() => {
                let name = declaration.name.name;
                let mut fields = Vec::new();
                for (field, default) in &declaration.fields {
                    fields.push(match default {
                        Some(default) => format!("{} = {}", field.name, slice(&source, default.span)),
                        None => field.name.to_owned(),
                    });
                }
                let signature = format!("{name}({})", fields.join(", "));
                items.push(item(name.to_owned(), signature, declaration.doc.as_deref()));
                let documented = declaration.methods.iter().filter(|method| method.doc.is_some());
                items.extend(documented.filter_map(|method| function_item(method, name, &source)));
            }
            StatementKind::Let { pattern, exported, doc, .. } if *exported || doc.is_some() => {
                if let PatternKind::Bind(ident) = &pattern.kind {
                    items.push(item(ident.name.to_owned(), ident.name.to_owned(), doc.as_deref()));
                }
            }
            _ => {}
        }
    }
    let name = Path::new(path).file_stem().map_or(path.into(), |stem| stem.to_string_lossy());
    let summary = heading(source.text()).unwrap_or_else(|| format!("What `{path}` declares."));
    Ok(Ok(Page { kind: Kind::Module, name: name.into_owned(), summary, text: String::new(), items }))
}

/// The comment at the beginning of a file, if an empty line sets it off from what follows.
fn heading(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().skip_while(|line| line.starts_with("#!")).collect();
    let comment: Vec<&str> = lines.iter().map_while(|line| line.strip_prefix('#')).collect();
    let set_off = lines.get(comment.len()).is_none_or(|line| line.trim().is_empty());
    let comment: Vec<&str> = comment.iter().map(|line| line.trim_start_matches('#').trim()).collect();
    (set_off && !comment.is_empty()).then(|| comment.join(" "))
}

fn function_item(function: &Function<'_>, of: &str, source: &Source) -> Option<Item> {
    let name = function.name?.name;
    let params: Vec<&str> = function.params.iter().map(|param| slice(source, param.span)).collect();
    let params = match params.split_first() {
        Some((&"self", others)) if !of.is_empty() => others,
        _ => &params,
    };
    let before = if of.is_empty() { String::new() } else { format!("{of}.") };
    let signature = format!("{before}{name}({})", params.join(", "));
    Some(item(format!("{before}{name}"), signature, function.doc.as_deref()))
}

fn item(name: String, signature: String, doc: Option<&str>) -> Item {
    let (summary, text) = split_comment(doc.unwrap_or(""));
    Item { name, signature, summary, text, needs: None }
}

fn slice(source: &Source, span: Span) -> &str {
    source.text().get(span.start as usize..span.end as usize).unwrap_or("")
}
