//! The standard modules: what can be imported by name, and what each gives to its importers.
//!
//! Every member is something the library provides under the name `module.member`, be it written in Rust or in the
//! language. So a function that uses one keeps it by name in an image, and captures nothing.

use std::sync::{Arc, LazyLock};

use quipu_lang::resolve::{Arity, Export, ExportKind, Interface};
use quipu_lang::span::Span;

use crate::entry::{self, Entry};
use crate::grant::Capability;
use crate::{image, json, math, os, random, source};

/// How a standard module is declared.
pub(crate) struct Declaration {
    /// The name it is imported by.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub doc: &'static str,
    /// What the host must grant for it to be there.
    pub capability: Option<Capability>,
    /// Its members in Rust.
    pub natives: fn() -> Vec<&'static Entry>,
    /// Its constants.
    pub constants: &'static [entry::Value],
}

/// All standard modules. Members in the language are in the library file that names the module.
pub(crate) const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "iter",
        doc: "Lazy sequences over anything that can be looped over.",
        capability: None,
        natives: Vec::new,
        constants: &[],
    },
    Declaration {
        name: "image",
        doc: "Values as bytes and files that any process can load.",
        capability: None,
        natives: || image::NATIVES.iter().collect(),
        constants: &[],
    },
    Declaration {
        name: "json",
        doc: "JSON texts, read and written.",
        capability: None,
        natives: || json::NATIVES.iter().collect(),
        constants: &[],
    },
    Declaration {
        name: "math",
        doc: "Numbers: roots, logarithms, angles, divisors.",
        capability: None,
        natives: || math::natives().collect(),
        constants: math::CONSTANTS,
    },
    Declaration {
        name: "random",
        doc: "Random numbers from generators that can be seeded, copied and stored.",
        capability: None,
        natives: || random::NATIVES.iter().collect(),
        constants: &[],
    },
    Declaration {
        name: "os",
        doc: "The process that the program runs in.",
        capability: Some(Capability::Os),
        natives: || os::NATIVES.iter().collect(),
        constants: &[],
    },
];

/// A standard module as importers see it.
pub struct StdModule {
    /// The name it is imported by.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub doc: &'static str,
    /// What the host must grant for its members to be there.
    pub capability: Option<Capability>,
    /// Its members.
    pub interface: Arc<Interface>,
}

/// All standard modules, by name.
pub fn modules() -> &'static [StdModule] {
    static MODULES: LazyLock<Vec<StdModule>> = LazyLock::new(|| DECLARATIONS.iter().map(describe).collect());
    &MODULES
}

/// The standard module with this name.
pub fn module(name: &str) -> Option<&'static StdModule> {
    modules().iter().find(|module| module.name == name)
}

fn describe(module: &Declaration) -> StdModule {
    let export = |name: &str, arity, doc| Export {
        name: name.to_string(),
        kind: ExportKind::Native(format!("{}.{name}", module.name)),
        arity,
        doc,
        span: Span::default(),
    };
    let mut exports: Vec<Export> =
        module.constants.iter().map(|c| export(c.name, None, Some(c.doc.to_string()))).collect();
    for native in (module.natives)() {
        let parameters = native.parameters();
        let arity = Arity { required: parameters.required, optional: parameters.optional, rest: parameters.rest };
        exports.push(export(native.name(), Some(arity), Some(native.doc.to_string())));
    }
    for compiled in source::compiled().iter().filter(|compiled| compiled.module == Some(module.name)) {
        exports.extend(compiled.exports.iter().map(|e| {
            let arity = e.arity.map(|(required, optional, rest)| Arity { required, optional, rest });
            export(e.name, arity, e.doc.map(str::to_string))
        }));
    }
    StdModule {
        name: module.name,
        doc: module.doc,
        capability: module.capability,
        interface: Arc::new(Interface { exports }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_provided_under_the_modules() {
        let find = |module_name, member| {
            let interface = &module(module_name)?.interface;
            Some(interface.exports[interface.find(member)?].kind.clone())
        };
        assert_eq!(find("math", "gcd"), Some(ExportKind::Native("math.gcd".into())));
        assert_eq!(find("math", "pi"), Some(ExportKind::Native("math.pi".into())));
        assert_eq!(find("iter", "of"), Some(ExportKind::Native("iter.of".into())));
        assert_eq!(find("os", "args"), Some(ExportKind::Native("os.args".into())));
        assert_eq!(find("math", "cosinus"), None);
        assert!(module("nowhere").is_none());
    }

    #[test]
    fn no_member_stands_twice() {
        for module in modules() {
            for (i, export) in module.interface.exports.iter().enumerate() {
                assert_eq!(module.interface.find(&export.name), Some(i), "{}.{}", module.name, export.name);
                assert!(export.doc.is_some(), "{}.{} has no doc", module.name, export.name);
            }
        }
    }
}
