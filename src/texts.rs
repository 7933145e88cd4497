//! The compiler that programs have with the capability `compile`: texts among variables, with the modules of the library.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use quipu_code::span::Source;
use quipu_lang::compile::{Imported, Interface, Outer};
use quipu_lang::diagnostic::Diagnostic;
use quipu_stdlib::{Capabilities, Compile, CompiledText, Finding, Names};

use crate::engine::standard;
use crate::load::{Loader, Memory, StandardModule, is_error};

/// What texts are called in traces.
const NAME: &str = "<text>";

/// Compiles texts for the programs of one engine.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// It is handed to the library before there is an engine that has this.
    known: OnceLock<Known>,
}

#[derive(Debug)]
struct Known {
    names: Arc<Names>,
    modules: Arc<HashMap<String, Arc<Interface>>>,
    capabilities: Capabilities,
}

impl Texts {
    /// Says what texts may mention.
    pub(crate) fn know(
        &self,
        names: Arc<Names>,
        modules: Arc<HashMap<String, Arc<Interface>>>,
        capabilities: Capabilities,
    ) {
        // An engine is made once.
        let _ = self.known.set(Known { names, modules, capabilities });
    }
}

impl Compile for Texts {
    fn compile(&self, text: &str, names: &[&str]) -> Result<CompiledText, Vec<Finding>> {
        let Some(known) = self.known.get() else { return Err(Vec::new()) };
        let source = Source::new(NAME, text);
        let outer: Vec<Outer<'_>> = names.iter().map(|&name| Outer { name, mutable: false, arity: None }).collect();
        let loader = Loader {
            // A text has no place, so there is nothing beside it.
            resolver: &Memory::default(),
            natives: &*known.names,
            standard: &|name| match known.modules.get(name) {
                Some(module) => StandardModule::Granted(module.clone()),
                None => standard(name, known.capabilities),
            },
            standard_names: &|| {
                quipu_stdlib::modules().map(str::to_owned).chain(known.modules.keys().cloned()).collect()
            },
            known: &|_| None,
        };
        match loader.load_text(&source, &outer) {
            Ok(unit) => {
                let captures = unit.imports.iter().map(|imported| match *imported {
                    Imported::Outer(number) => number as usize,
                    // What the library exports is taken by its name.
                    Imported::Export { .. } => usize::MAX,
                });
                Ok(CompiledText { captures: captures.collect(), code: unit.main })
            }
            Err(found) => Err(findings(&source, &found)),
        }
    }
}

/// The errors among these, which are in the order of their places.
fn findings(source: &Source, found: &[Diagnostic]) -> Vec<Finding> {
    // A line may be as long as the text, so it is not gone through anew for each of them.
    let (mut at, mut line, mut column) = (0, 1, 1);
    let errors = found.iter().filter(|diagnostic| is_error(diagnostic));
    errors
        .map(|diagnostic| {
            let start = diagnostic.primary.span.start as usize;
            for letter in source.text().get(at..start).unwrap_or_default().chars() {
                (line, column) = if letter == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            at = at.max(start);
            Finding {
                code: diagnostic.code,
                message: diagnostic.title.clone(),
                line,
                column,
                help: diagnostic.help.as_ref().map(|help| help.text.clone()),
            }
        })
        .collect()
}
