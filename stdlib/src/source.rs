//! The part of the library that is written in Quipu: what the build script has compiled, read when it is first needed.
//!
//! `export fn list__map(self, f)` is method `map` of lists; other exports are built-in functions, or members of the
//! module that the file belongs to. Names that begin with `_` are for the library itself. Files name one another's
//! exports as natives, so their order does not matter.

use std::collections::HashMap;
use std::sync::OnceLock;

use quipu_code::{Code, CodeHash};

/// A compiled library file.
pub(crate) struct Compiled {
    /// The module whose members it exports.
    pub module: Option<&'static str>,
    /// What it exports, in order.
    pub exports: &'static [Export],
    /// Its code objects, children first.
    bytes: &'static [u8],
    code: OnceLock<Code>,
}

/// What a library file exports.
pub(crate) struct Export {
    pub name: &'static str,
    /// Required and optional arguments, and whether more may follow.
    pub arity: Option<(u8, u8, bool)>,
    pub doc: Option<&'static str>,
    /// How it is called.
    pub signature: &'static str,
    /// Signatures and comments of a type's methods.
    pub methods: &'static [(&'static str, &'static str)],
}

include!(concat!(env!("OUT_DIR"), "/library.rs"));

impl Compiled {
    /// The name under which the library provides an export.
    pub fn provided(&self, export: &str) -> String {
        match self.module {
            Some(module) => [module, ".", export].concat(),
            None => export.to_owned(),
        }
    }

    /// Its main code.
    pub fn code(&self) -> &Code {
        self.code.get_or_init(|| {
            // These bytes are a part of this program.
            unpack(self.bytes).expect("the build script has packed code")
        })
    }
}

/// The pages about built-in functions and modules, by name.
pub(crate) fn pages() -> &'static [(&'static str, &'static str)] {
    &PAGES
}

/// The pages about built-in types.
pub(crate) fn type_pages() -> &'static [(&'static str, &'static str)] {
    &TYPE_PAGES
}

/// All library files.
pub(crate) fn compiled() -> &'static [Compiled] {
    &COMPILED
}

fn unpack(mut bytes: &[u8]) -> Option<Code> {
    let mut known: HashMap<CodeHash, Code> = HashMap::new();
    let mut last = None;
    while !bytes.is_empty() {
        let code = Code::decode(part(&mut bytes)?, |hash| known.get(hash).cloned()).ok()?;
        let debug = part(&mut bytes)?;
        let code = if debug.is_empty() { code } else { code.decode_debug(debug).ok()? };
        known.insert(code.hash(), code.clone());
        last = Some(code);
    }
    last
}

/// The part that begins with its length.
fn part<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    use quipu_code::span::Source;
    use quipu_lang::ast::StatementKind;
    use quipu_lang::compile::compile;
    use quipu_lang::parse::parse;

    use crate::files::FILES;
    use crate::library::Inside;

    #[test]
    fn the_build_script_has_compiled_what_the_names_there_are_allow() {
        let sources: Vec<Source> = FILES.iter().map(|file| Source::new(file.name, file.text)).collect();
        let parsed: Vec<_> = sources.iter().map(parse).collect();
        let mut names = Inside::rust();
        for (file, parsed) in FILES.iter().zip(&parsed) {
            for statement in &parsed.module.body.statements {
                if let (None, StatementKind::Fn { function, exported: true }) = (file.module, &statement.kind) {
                    names.add(function.name.map_or("", |name| name.name));
                }
            }
        }
        for (((file, source), parsed), compiled) in FILES.iter().zip(&sources).zip(&parsed).zip(compiled()) {
            let unit =
                compile(parsed, source, &[], &names, &[]).unwrap_or_else(|found| panic!("{}: {found:?}", file.name));
            assert_eq!(unit.main.hash(), compiled.code().hash(), "{}", file.name);
        }
    }

    #[test]
    fn no_two_functions_have_the_same_code() {
        // They would share one name in traces.
        fn visit(code: &Code) {
            for site in &code.body().closures {
                assert!(site.own_debug.0.is_none(), "{:?}", site.own_debug);
            }
            code.body().children.iter().for_each(visit);
        }
        for file in FILES {
            let source = Source::new(file.name, file.text);
            let unit = compile(&parse(&source), &source, &[], &Inside::everything(), &[]);
            unit.iter().for_each(|unit| visit(&unit.main));
        }
    }

    #[test]
    fn library_code_captures_nothing_from_outside_its_file() {
        for compiled in compiled() {
            assert!(compiled.code().body().free.is_empty());
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
