//! A host for tests of the front end: natives by name, and modules from files.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quipu_code::span::{Source, Span};
use quipu_lang::compile::{Arity, Export, ExportKind, Interface, NativeInfo, Natives, Unit, compile, imports};
use quipu_lang::diagnostic::Diagnostic;
use quipu_lang::parse::parse;

/// The built-in functions with their arguments: required, optional, and whether any number may follow.
const NATIVES: &[(&str, u8, u8, bool)] = &[
    ("print", 0, 0, true),
    ("write", 0, 0, true),
    ("str", 1, 0, false),
    ("repr", 1, 0, false),
    ("int", 1, 0, false),
    ("float", 1, 0, false),
    ("bool", 1, 0, false),
    ("bytes", 1, 0, false),
    ("list", 0, 1, false),
    ("tuple", 0, 1, false),
    ("map", 0, 1, false),
    ("set", 0, 1, false),
    ("type_of", 1, 0, false),
    ("len", 1, 0, false),
    ("range", 1, 2, false),
    ("min", 0, 0, true),
    ("max", 0, 0, true),
    ("abs", 1, 0, false),
    ("round", 1, 1, false),
    ("floor", 1, 0, false),
    ("ceil", 1, 0, false),
    ("sum", 1, 0, false),
    ("chr", 1, 0, false),
    ("ord", 1, 0, false),
    ("same", 2, 0, false),
    ("assert", 1, 1, false),
    ("error", 1, 1, false),
    ("fiber", 1, 0, false),
    ("hash", 1, 0, false),
    ("code_hash", 1, 0, false),
    ("atomic", 1, 0, false),
    ("function", 1, 0, false),
    ("type", 1, 0, false),
    ("nil", 1, 0, false),
];

/// Members of the standard modules.
const MODULES: &[(&str, &[&str])] = &[
    (
        "math",
        &[
            "pi", "e", "inf", "nan", "sqrt", "sin", "cos", "tan", "atan", "atan2", "exp", "log", "log2", "log10",
            "floor", "ceil", "gcd", "isqrt",
        ],
    ),
    ("iter", &["of", "map", "filter", "take", "drop", "zip", "enumerate", "chain", "chunks", "flat_map", "repeat"]),
    ("image", &["dump", "load", "versions", "upgrade"]),
    ("os", &["args", "exit"]),
    ("json", &["parse", "stringify"]),
    ("random", &["seed"]),
    ("code", &["compile"]),
    ("regex", &["compile"]),
];

/// The natives of a host that grants nothing.
pub struct Host;

impl Natives for Host {
    fn find(&self, name: &str) -> Option<NativeInfo> {
        let &(_, required, optional, rest) = NATIVES.iter().find(|native| native.0 == name)?;
        Some(NativeInfo { arity: Some(Arity { required, optional, rest }) })
    }

    fn names(&self) -> Vec<&str> {
        NATIVES.iter().map(|native| native.0).collect()
    }

    fn modules(&self) -> Vec<&str> {
        MODULES.iter().map(|module| module.0).collect()
    }
}

/// A host that has whatever is asked for, so that unknown names do not keep a text from being compiled.
pub struct Anything;

impl Natives for Anything {
    fn find(&self, _: &str) -> Option<NativeInfo> {
        Some(NativeInfo::default())
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Compiles a text that imports standard modules only.
pub fn compile_text(text: &str) -> Result<Unit, Vec<Diagnostic>> {
    compile_text_for(text, &Host)
}

/// Compiles a text for a host of its own.
pub fn compile_text_for(text: &str, natives: &dyn Natives) -> Result<Unit, Vec<Diagnostic>> {
    compile_source(&Source::new("test.qp", text), None, &mut Vec::new(), natives)
}

/// Compiles a file and, before it, what it imports.
pub fn compile_file(path: &Path) -> (Source, Result<Unit, Vec<Diagnostic>>) {
    let text = std::fs::read_to_string(path).unwrap();
    let source = Source::new(path.file_name().unwrap().to_str().unwrap(), text);
    let unit = compile_source(&source, Some(path), &mut vec![path.to_owned()], &Host);
    (source, unit)
}

fn compile_source(
    source: &Source,
    path: Option<&Path>,
    around: &mut Vec<PathBuf>,
    natives: &dyn Natives,
) -> Result<Unit, Vec<Diagnostic>> {
    let parsed = parse(source);
    let mut errors = Vec::new();
    let mut interfaces = Vec::new();
    for import in imports(&parsed) {
        let found = match path {
            Some(path) if import.is_path => module_file(&path.with_file_name(&import.module), around),
            _ => standard_module(&import.module).ok_or("Q0208"),
        };
        if let Err(code) = found {
            errors.push(Diagnostic::error(code, import.span, "the module cannot be loaded"));
        }
        interfaces.push(found.ok().map(Arc::new));
    }
    match compile(&parsed, source, &interfaces, natives, &[]) {
        Ok(unit) if errors.is_empty() => Ok(unit),
        Ok(_) => Err(errors),
        Err(more) => {
            errors.extend(more);
            Err(errors)
        }
    }
}

fn module_file(path: &Path, around: &mut Vec<PathBuf>) -> Result<Interface, &'static str> {
    let path: PathBuf = path.with_extension("qp").components().collect();
    let text = std::fs::read_to_string(&path).map_err(|_| "Q0208")?;
    let path = path.canonicalize().map_err(|_| "Q0208")?;
    if around.iter().any(|other| other.canonicalize().is_ok_and(|other| other == path)) {
        return Err("Q0209");
    }
    around.push(path.clone());
    let source = Source::new(path.to_str().unwrap(), text);
    let unit = compile_source(&source, Some(&path), around, &Host);
    around.pop();
    unit.map(|unit| unit.interface).map_err(|errors| errors[0].code)
}

fn standard_module(name: &str) -> Option<Interface> {
    let (_, members) = MODULES.iter().find(|module| module.0 == name)?;
    let export = |member: &&str| Export {
        name: member.to_string(),
        kind: ExportKind::Native(format!("{name}.{member}")),
        arity: None,
        doc: None,
        span: Span::default(),
    };
    Some(Interface { exports: members.iter().map(export).collect() })
}
