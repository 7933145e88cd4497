//! From the resolved tree to checked code objects: the deterministic, unoptimised lowering that hashes rest on.
//!
//! ```text
//!   tree ──resolve──> places, free variables ──┐
//!     └────────────────────────────────────────┴──compile──> Body ──Code::check──> Code
//! ```
//!
//! Nothing here may depend on the names of functions, parameters, locals or free variables: they go into the debug
//! information only. An instruction is written where its source stands, expressions straight into the register where
//! the value is wanted. What makes code fast happens when it is prepared, never here.

mod unit;
mod constants;
mod register;
mod builder;
mod emit;
mod function;
mod types;
mod statement;
mod assign;
mod loops;
mod defer;
mod expr;
mod operator;
mod branch;
mod call;
mod literal;
mod matching;
mod pattern;
mod prune;
mod names;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quipu_code::span::{Source, Span};

use crate::ast::{Import, StatementKind};
use crate::diagnostic::{Diagnostic, Severity};
use crate::parse::Parsed;
use crate::resolve::{BindingId, BindingKind, Resolution, resolve};

pub use crate::resolve::{Arity, Export, ExportKind, Interface, NativeInfo, Natives, Outer};
pub use unit::{ImportRequest, Imported, Unit};

use emit::Compiler;

/// Trees deeper than this are compiled on a stack of their own.
const DEEP: u32 = 48;

/// Bytes of that stack; enough for a tree of the greatest depth without optimisation.
const DEEP_STACK: usize = 16 << 20;

/// The import statements of a parsed source in the order of the source. Only those at the top level count; others are
/// errors.
pub fn imports(parsed: &Parsed<'_>) -> Vec<ImportRequest> {
    let statements = parsed.module.body.statements.iter();
    let imports = statements.filter_map(|statement| match &statement.kind {
        StatementKind::Import(import) => Some(import),
        _ => None,
    });
    imports.map(request).collect()
}

/// Where something is deferred at the top level of a parsed source, first.
pub fn deferred_at_top(parsed: &Parsed<'_>) -> Option<Span> {
    let mut statements = parsed.module.body.statements.iter();
    statements.find(|statement| matches!(statement.kind, StatementKind::Defer(_))).map(|statement| statement.span)
}

fn request(import: &Import<'_>) -> ImportRequest {
    ImportRequest { module: import.module.to_string(), is_path: import.is_path, span: import.module_span }
}

/// Resolves and compiles a parsed source. `interfaces[i]` belongs to its i-th import statement; None stands for a
/// module that could not be loaded, for which an error has been reported elsewhere: then there is no unit. `outer` are
/// variables around the text, none for a file.
///
/// The errors are all there are, those of the parser included, in the order of their places.
///
/// # Errors
/// All that is wrong with the source.
pub fn compile(
    parsed: &Parsed<'_>,
    source: &Source,
    interfaces: &[Option<Arc<Interface>>],
    natives: &dyn Natives,
    outer: &[Outer<'_>],
) -> Result<Unit, Vec<Diagnostic>> {
    lower(parsed, source, interfaces, natives, outer, Shape::Module)
}

/// The same for a text that is no module: its main function gives the value of the last statement alone, and it may export
/// nothing.
///
/// # Errors
/// All that is wrong with the text.
pub fn compile_text(
    parsed: &Parsed<'_>,
    source: &Source,
    interfaces: &[Option<Arc<Interface>>],
    natives: &dyn Natives,
    outer: &[Outer<'_>],
) -> Result<Unit, Vec<Diagnostic>> {
    lower(parsed, source, interfaces, natives, outer, Shape::Text)
}

/// The same for a program: if it exports a function `main`, its top level calls that at its end. The unit's main function then
/// takes as many arguments as that does: the list of words that the program was called with, or nothing.
///
/// # Errors
/// All that is wrong with the program; it exports a `main` that is nothing of the kind.
pub fn compile_program(
    parsed: &Parsed<'_>,
    source: &Source,
    interfaces: &[Option<Arc<Interface>>],
    natives: &dyn Natives,
) -> Result<Unit, Vec<Diagnostic>> {
    lower(parsed, source, interfaces, natives, &[], Shape::Program)
}

/// What a source is compiled to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Module,
    Program,
    Text,
}

/// The function `main` that a program exports, and whether it takes words.
fn main_of(resolution: &Resolution<'_>) -> Result<Option<(BindingId, bool)>, Box<Diagnostic>> {
    let exports = resolution.exports.iter().rev().map(|&(id, _)| (id, resolution.binding(id)));
    let Some((id, binding)) = exports.into_iter().find(|(_, binding)| binding.name.name == "main") else {
        return Ok(None);
    };
    match (binding.kind, binding.arity) {
        (BindingKind::Fn | BindingKind::Let, Some(arity)) if !arity.rest && arity.accepts(0) && arity.optional == 0 => {
            Ok(Some((id, false)))
        }
        (BindingKind::Fn | BindingKind::Let, Some(arity)) if !arity.rest && arity.required + arity.optional == 1 => {
            Ok(Some((id, true)))
        }
        _ => {
            let title = "the `main` of a program is a function of one parameter or none";
            let error = Diagnostic::error("Q0222", binding.name.span, title);
            Err(Box::new(
                error.help("it is given the list of words behind the program: `export fn main(words) { ... }`"),
            ))
        }
    }
}

fn lower(
    parsed: &Parsed<'_>,
    source: &Source,
    interfaces: &[Option<Arc<Interface>>],
    natives: &dyn Natives,
    outer: &[Outer<'_>],
    shape: Shape,
) -> Result<Unit, Vec<Diagnostic>> {
    let module = &parsed.module;
    let (resolution, found) = resolve(module, source, interfaces, natives, outer);
    let mut findings = parsed.diagnostics.clone();
    findings.extend(found);
    if shape == Shape::Text {
        let exports = resolution.exports.iter().map(|&(id, _)| resolution.binding(id).name);
        findings.extend(exports.map(|name| {
            let title = format!("`{}` is exported, but a text that is no file exports nothing", name.name);
            Diagnostic::error("Q0215", name.span, title).help("let the text end with what it gives")
        }));
    }
    let main = match shape {
        Shape::Program => main_of(&resolution).unwrap_or_else(|wrong| {
            findings.push(*wrong);
            None
        }),
        Shape::Module | Shape::Text => None,
    };
    findings.sort_by_key(|finding| finding.primary.span);
    let wrong = findings.iter().any(|finding| finding.severity == Severity::Error);
    if wrong || interfaces.iter().any(Option::is_none) {
        return Err(findings);
    }
    let interface = interface(&resolution);
    let depth = resolution.depth;
    let mut compiler = Compiler::new(source, resolution);
    let main = on_a_stack_for(depth, || match shape {
        Shape::Module | Shape::Program => compiler.main(module, main),
        Shape::Text => compiler.text(module),
    });
    match main {
        Some(main) if compiler.errors.is_empty() => {
            Ok(Unit { main, interface, imports: compiler.imported(), warnings: findings })
        }
        _ => Err(compiler.errors),
    }
}

/// What the module gives to those who import it. Of several exports with one name the last one counts.
fn interface(resolution: &Resolution<'_>) -> Interface {
    let exports = || resolution.exports.iter().zip(0..);
    let last: HashMap<&str, u32, RandomState> =
        exports().map(|(&(id, _), slot)| (resolution.binding(id).name.name, slot)).collect();
    let visible = exports().filter(|&(&(id, _), slot)| last[resolution.binding(id).name.name] == slot);
    let exports = visible.map(|(&(id, doc), slot)| {
        let binding = resolution.binding(id);
        Export {
            name: binding.name.name.into(),
            kind: ExportKind::Slot(slot),
            arity: binding.arity,
            doc: doc.map(String::from),
            span: binding.name.span,
        }
    });
    Interface { exports: exports.collect() }
}

/// Runs on the caller's stack, or on one of its own when the tree is deep and a thread can be had.
fn on_a_stack_for<T: Send>(depth: u32, mut work: impl FnMut() -> T + Send) -> T {
    if depth <= DEEP {
        return work();
    }
    let done = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, &mut work).ok()?;
        Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    done.unwrap_or_else(work)
}
