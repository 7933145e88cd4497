//! The standard modules: what can be imported by name, and what each gives to its importers.
//!
//! Every member is something the library provides under the name `module.member`, be it written in Rust or in the
//! language. So a function that uses one keeps it by name in an image, and captures nothing.

use std::sync::Arc;

use quipu_code::span::Span;
use quipu_lang::resolve::{Arity, Export, ExportKind, Interface};

use crate::entry::{self, Entry};
use crate::grant::{Capabilities, Capability};
use crate::{base64, code, hex, image, json, math, pack, random, source};

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
    #[cfg(feature = "fs")]
    Declaration {
        name: "fs",
        doc: "Files, folders and paths.",
        capability: Some(Capability::Fs),
        natives: || crate::fs::NATIVES.iter().chain(crate::path::NATIVES).collect(),
        constants: &[],
    },
    #[cfg(feature = "regex")]
    Declaration {
        name: "regex",
        doc: "Regular expressions that take time in proportion to the text.",
        capability: None,
        natives: || crate::regex::NATIVES.iter().collect(),
        constants: &[],
    },
    Declaration {
        name: "bytes",
        doc: "Numbers in binary form.",
        capability: None,
        natives: || pack::NATIVES.iter().collect(),
        constants: &[],
    },
    Declaration {
        name: "hex",
        doc: "Bytes as hexadecimal digits.",
        capability: None,
        natives: || hex::NATIVES.iter().collect(),
        constants: &[],
    },
    Declaration {
        name: "base64",
        doc: "Bytes as text of 64 letters.",
        capability: None,
        natives: || base64::NATIVES.iter().collect(),
        constants: &[],
    },
    #[cfg(feature = "csv")]
    Declaration {
        name: "csv",
        doc: "Tables as text.",
        capability: None,
        natives: || crate::csv::NATIVES.iter().collect(),
        constants: &[],
    },
    #[cfg(feature = "os")]
    Declaration {
        name: "os",
        doc: "The process that the program runs in, and other processes.",
        capability: Some(Capability::Os),
        natives: || crate::os::NATIVES.iter().collect(),
        constants: &[],
    },
    #[cfg(feature = "io")]
    Declaration {
        name: "io",
        doc: "Standard input, output and error.",
        capability: Some(Capability::Io),
        natives: || crate::io::NATIVES.iter().collect(),
        constants: &[],
    },
    #[cfg(feature = "time")]
    Declaration {
        name: "time",
        doc: "Clocks, times of day and durations.",
        capability: Some(Capability::Time),
        natives: || crate::time::NATIVES.iter().collect(),
        constants: &[],
    },
    Declaration {
        name: "test",
        doc: "Tests, which `vm test` runs, and what they assert.",
        capability: None,
        natives: Vec::new,
        constants: &[],
    },
    #[cfg(feature = "net")]
    Declaration {
        name: "actor",
        doc: "Actors: values in other processes, and functions that are sent to them.",
        capability: Some(Capability::Net),
        natives: Vec::new,
        constants: &[],
    },
    Declaration {
        name: "code",
        doc: "What functions consist of, as data, and functions from texts.",
        capability: None,
        natives: || code::NATIVES.iter().collect(),
        constants: &[],
    },
];

/// A standard module as importers see it.
#[derive(Debug)]
pub struct StdModule {
    /// What it is for, in one sentence.
    pub doc: &'static str,
    /// What the host would have to grant for the module to be there.
    pub refused: Option<Capability>,
    /// Its members, those among them that are refused too.
    pub interface: Arc<Interface>,
}

/// The names of all standard modules.
pub fn modules() -> impl Iterator<Item = &'static str> {
    DECLARATIONS.iter().map(|module| module.name)
}

/// The standard module with this name, for programs with these capabilities.
pub fn module(name: &str, granted: Capabilities) -> Option<StdModule> {
    let module = DECLARATIONS.iter().find(|module| module.name == name)?;
    let refused = module.capability.filter(|&needed| !granted.has(needed));
    Some(StdModule { doc: module.doc, refused, interface: Arc::new(interface(module, granted)) })
}

fn interface(module: &Declaration, granted: Capabilities) -> Interface {
    let export = |name: &str, arity, doc: Option<&str>, needs: Option<Capability>| Export {
        name: name.to_string(),
        kind: match module.capability.into_iter().chain(needs).find(|&needed| !granted.has(needed)) {
            Some(needed) => ExportKind::Refused(needed.name()),
            None => ExportKind::Native(format!("{}.{name}", module.name)),
        },
        arity,
        doc: doc.map(str::to_string),
        span: Span::default(),
    };
    let mut exports: Vec<Export> = module.constants.iter().map(|c| export(c.name, None, Some(c.doc), None)).collect();
    for native in (module.natives)() {
        let parameters = native.parameters();
        let arity = Arity { required: parameters.required, optional: parameters.optional, rest: parameters.rest };
        exports.push(export(native.name(), Some(arity), Some(native.doc), native.needs));
    }
    for compiled in source::compiled().iter().filter(|compiled| compiled.module == Some(module.name)) {
        exports.extend(compiled.exports.iter().map(|e| {
            let arity = e.arity.map(|(required, optional, rest)| Arity { required, optional, rest });
            export(e.name, arity, e.doc, None)
        }));
    }
    Interface { exports }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_provided_under_the_modules() {
        let find = |module_name, member| {
            let interface = module(module_name, Capabilities::ALL)?.interface;
            Some(interface.exports[interface.find(member)?].kind.clone())
        };
        assert_eq!(find("math", "gcd"), Some(ExportKind::Native("math.gcd".into())));
        assert_eq!(find("math", "pi"), Some(ExportKind::Native("math.pi".into())));
        assert_eq!(find("iter", "of"), Some(ExportKind::Native("iter.of".into())));
        assert_eq!(find("os", "args"), Some(ExportKind::Native("os.args".into())));
        assert_eq!(find("math", "cosinus"), None);
        assert!(module("nowhere", Capabilities::ALL).is_none());
    }

    #[test]
    fn what_is_not_granted_is_marked_so() {
        let kind = |name, member| {
            let interface = module(name, Capabilities::PURE)?.interface;
            Some(interface.exports[interface.find(member)?].kind.clone())
        };
        assert_eq!(kind("os", "args"), Some(ExportKind::Refused("os")));
        assert_eq!(kind("image", "save"), Some(ExportKind::Refused("fs")));
        assert_eq!(kind("image", "dump"), Some(ExportKind::Native("image.dump".into())));
        let refused = |name| module(name, Capabilities::PURE).and_then(|module| module.refused);
        assert_eq!((refused("os"), refused("image")), (Some(Capability::Os), None));
    }

    #[test]
    fn no_member_stands_twice() {
        for module in DECLARATIONS {
            let interface = interface(module, Capabilities::ALL);
            for (i, export) in interface.exports.iter().enumerate() {
                assert_eq!(interface.find(&export.name), Some(i), "{}.{}", module.name, export.name);
                assert!(export.doc.is_some(), "{}.{} has no doc", module.name, export.name);
            }
        }
    }
}
