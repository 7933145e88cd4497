//! The part of the library that is written in Quipu: its files, compiled once in a process.
//!
//! `export fn list__map(self, f)` is method `map` of lists; other exports are built-in functions, or members of the
//! module that the file belongs to. Names that begin with `_` are for the library itself. Files name one another's
//! exports as natives, so their order does not matter.

use std::sync::LazyLock;

use quipu_lang::ast::StatementKind;
use quipu_lang::code::Code;
use quipu_lang::compile::compile;
use quipu_lang::parse::parse;
use quipu_lang::resolve::Export;
use quipu_lang::span::Source;

use crate::library::Names;

/// A library file.
struct File {
    /// The name that traces show.
    name: &'static str,
    /// The module whose members it exports.
    module: Option<&'static str>,
    text: &'static str,
}

macro_rules! files {
    ($($name:literal $module:expr;)*) => {
        &[$(File { name: concat!("std/", $name), module: $module, text: include_str!($name) }),*]
    };
}

const FILES: &[File] = files! {
    "core.qp"  None;
    "list.qp"  None;
    "map.qp"   None;
    "set.qp"   None;
    "range.qp" None;
    "iter.qp"  Some("iter");
    "os.qp"    Some("os");
};

/// A compiled library file.
pub(crate) struct Compiled {
    /// The module whose members it exports.
    pub module: Option<&'static str>,
    /// Its main code.
    pub code: Code,
    /// What it exports, in order.
    pub exports: Vec<Export>,
}

impl Compiled {
    /// The name under which the library provides an export.
    pub fn provided(&self, export: &str) -> String {
        match self.module {
            Some(module) => format!("{module}.{export}"),
            None => export.to_string(),
        }
    }
}

/// All library files, compiled.
pub(crate) fn compiled() -> &'static [Compiled] {
    static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(compile_all);
    &COMPILED
}

fn compile_all() -> Vec<Compiled> {
    let sources: Vec<Source> = FILES.iter().map(|file| Source::new(file.name, file.text)).collect();
    let parsed: Vec<_> = sources.iter().map(parse).collect();
    let mut names = Names::inside();
    for (file, parsed) in FILES.iter().zip(&parsed) {
        for statement in &parsed.module.body.statements {
            if let (None, StatementKind::Fn { function, exported: true }) = (file.module, &statement.kind) {
                let name = function.name.map_or("", |name| name.name);
                names.add(name, None);
            }
        }
    }
    let units = FILES.iter().zip(&sources).zip(&parsed).map(|((file, source), parsed)| {
        // A library that does not compile is a mistake in this crate, which its tests find.
        let unit = compile(parsed, source, &[], &names).unwrap_or_else(|found| panic!("{}: {found:?}", file.name));
        Compiled { module: file.module, code: unit.main, exports: unit.interface.exports }
    });
    units.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_code_captures_nothing_from_outside_its_file() {
        for compiled in compiled() {
            assert!(compiled.code.body().free.is_empty());
        }
    }

    #[test]
    fn what_programs_see_has_a_doc() {
        for compiled in compiled() {
            for export in compiled.exports.iter().filter(|export| !export.name.starts_with('_')) {
                assert!(export.doc.is_some(), "{} has no doc", export.name);
            }
        }
    }
}
