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

use files::FILES;
use quipu_lang::ast::StatementKind;
use quipu_lang::code::{Code, CodeHash};
use quipu_lang::compile::compile;
use quipu_lang::parse::{Parsed, parse};
use quipu_lang::resolve::{NativeInfo, Natives};
use quipu_lang::span::Source;

fn main() {
    println!("cargo::rerun-if-changed=src");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names the folder"));
    let mut table = format!("static COMPILED: [Compiled; {}] = [\n", FILES.len());
    for (number, file) in FILES.iter().enumerate() {
        let source = Source::new(file.name, file.text);
        let parsed = parse(&source);
        let unit = compile(&parsed, &source, &[], &Anything(private(&parsed)))
            .unwrap_or_else(|found| panic!("{}: {found:?}", file.name));
        let mut bytes = Vec::new();
        pack(&unit.main, &mut HashSet::new(), &mut bytes);
        let path = folder.join(format!("library{number}"));
        std::fs::write(&path, bytes).expect("the folder can be written to");
        let _ = write!(table, "Compiled {{ module: {:?}, exports: &[", file.module);
        for export in &unit.interface.exports {
            let arity = export.arity.map(|arity| (arity.required, arity.optional, arity.rest));
            let _ = write!(table, "Export {{ name: {:?}, arity: {arity:?}, doc: {:?} }},", export.name, export.doc);
        }
        let _ = writeln!(table, "], bytes: include_bytes!({path:?}), code: OnceLock::new() }},");
    }
    table.push_str("];\n");
    std::fs::write(folder.join("library.rs"), table).expect("the folder can be written to");
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
