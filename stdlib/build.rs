//! Compiles the library files that are written in Quipu, so that no process has to.
//!
//! Each becomes a table of what it exports and its code objects as bytes. The names that natives in Rust provide are not
//! known here; whatever a file does not declare is taken for one, and a test of the crate compiles the files again with
//! the names that there are.

#[path = "src/files.rs"]
mod files;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use files::{FILES, LEFT_OUT};
use quipu_code::span::Source;
use quipu_code::{Code, CodeHash};
use quipu_lang::ast::{Function, StatementKind};
use quipu_lang::compile::compile;
use quipu_lang::parse::{Parsed, parse};
use quipu_lang::resolve::{NativeInfo, Natives};

fn main() {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=doc");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names the folder"));
    let mut table = format!("static COMPILED: [Compiled; {}] = [\n", FILES.len());
    for (number, file) in FILES.iter().enumerate() {
        let source = Source::new(file.name, file.text);
        let parsed = parse(&source);
        let unit = compile(&parsed, &source, &[], &Anything(private(&parsed)), &[])
            .unwrap_or_else(|found| panic!("{}: {found:?}", file.name));
        let mut bytes = Vec::new();
        pack(&unit.main, &mut HashSet::new(), &mut bytes);
        let path = folder.join(format!("library{number}"));
        std::fs::write(&path, bytes).expect("the folder can be written to");
        let _ = write!(table, "Compiled {{ module: {:?}, exports: &[", file.module);
        for export in &unit.interface.exports {
            let arity = export.arity.map(|arity| (arity.required, arity.optional, arity.rest));
            let (name, doc) = (&export.name, &export.doc);
            let (signature, methods) = declared(&parsed, &source, name);
            let _ = write!(table, "Export {{ name: {name:?}, arity: {arity:?}, doc: {doc:?}, ");
            let _ = write!(table, "signature: {signature:?}, methods: &{methods:?} }},");
        }
        let _ = writeln!(table, "], bytes: include_bytes!({path:?}), code: OnceLock::new() }},");
    }
    table.push_str("];\n");
    table.push_str(&hashes());
    table.push_str(&manual());
    std::fs::write(folder.join("library.rs"), table).expect("the folder can be written to");
}

/// The names of all files, those that are left out included, and the hashes of their code.
fn hashes() -> String {
    let hash = |file: &files::File| {
        let source = Source::new(file.name, file.text);
        let parsed = parse(&source);
        let unit = compile(&parsed, &source, &[], &Anything(private(&parsed)), &[])
            .unwrap_or_else(|found| panic!("{}: {found:?}", file.name));
        format!("({:?}, CodeHash({:?})),", file.name, unit.main.hash().0)
    };
    let count = FILES.len() + LEFT_OUT.len();
    let mut lines: Vec<String> = FILES.iter().chain(LEFT_OUT).map(hash).collect();
    lines.sort();
    format!("pub(crate) static WRITTEN: [(&str, CodeHash); {count}] = [{}];\n", lines.concat())
}

/// How an export is called, and for a type the signatures and comments of its methods that have comments.
fn declared(parsed: &Parsed, source: &Source, name: &str) -> (String, Vec<(String, String)>) {
    let shown = |function: &Function| {
        let params: Vec<&str> = function
            .params
            .iter()
            .map(|param| &source.text()[param.span.start as usize..param.span.end as usize])
            .collect();
        let params = match params.split_first() {
            Some((&"self", others)) => others,
            _ => &params,
        };
        format!("{}({})", function.name.map_or("", |name| name.name), params.join(", "))
    };
    for statement in &parsed.module.body.statements {
        match &statement.kind {
            StatementKind::Fn { function, .. } if function.name.is_some_and(|found| found.name == name) => {
                return (shown(function), Vec::new());
            }
            StatementKind::Type { declaration, .. } if declaration.name.name == name => {
                let methods = declaration.methods.iter().filter_map(|f| Some((shown(f), f.doc.as_ref()?.to_string())));
                return (name.to_owned(), methods.collect());
            }
            _ => {}
        }
    }
    (name.to_owned(), Vec::new())
}

/// Whether the module that a page is about is a part of this build.
#[allow(clippy::match_like_matches_macro, reason = "a `matches!` would be longer where features are on")]
fn is_built(module: &str) -> bool {
    match module {
        "actor" => cfg!(feature = "net"),
        "csv" => cfg!(feature = "csv"),
        "fs" => cfg!(feature = "fs"),
        "io" => cfg!(feature = "io"),
        "os" => cfg!(feature = "os"),
        "regex" => cfg!(feature = "regex"),
        "time" => cfg!(feature = "time"),
        _ => true,
    }
}

/// The pages of the manual: the files in `doc` and in `doc/types`.
fn manual() -> String {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the folder")).join("doc");
    let mut table = String::new();
    for (name, folder) in [("PAGES", root.clone()), ("TYPE_PAGES", root.join("types"))] {
        let entries = std::fs::read_dir(&folder).expect("the folder is a part of the crate");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
        files.retain(|file| file.file_stem().is_some_and(|stem| is_built(&stem.to_string_lossy())));
        files.sort();
        let _ = writeln!(table, "static {name}: [(&str, &str); {}] = [", files.len());
        for file in files {
            let stem = file.file_stem().expect("it has a name").to_string_lossy();
            let _ = writeln!(table, "({stem:?}, include_str!({file:?})),");
        }
        table.push_str("];\n");
    }
    table
}

/// The names that a file keeps to itself.
fn private(parsed: &Parsed) -> HashSet<String> {
    let names = parsed.module.body.statements.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Fn { function, exported: false } => Some(function.name?.name.to_string()),
        _ => None,
    });
    names.collect()
}

/// Every name but some.
struct Anything(HashSet<String>);

impl Natives for Anything {
    fn find(&self, name: &str) -> Option<NativeInfo> {
        (!self.0.contains(name)).then(NativeInfo::default)
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Writes a code object and all below it, children first: bytes and debug information, each behind its length.
fn pack(code: &Code, written: &mut HashSet<CodeHash>, to: &mut Vec<u8>) {
    if !written.insert(code.hash()) {
        return;
    }
    code.body().children.iter().for_each(|child| pack(child, written, to));
    for part in [code.encode(), code.encode_debug().unwrap_or_default()] {
        to.extend_from_slice(&u32::try_from(part.len()).expect("library files are small").to_le_bytes());
        to.extend_from_slice(&part);
    }
}
