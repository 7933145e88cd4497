//! Puts the library together: what the machine needs, and the names that the compiler needs.

use std::collections::HashMap;
use std::sync::Arc;

use quipu_lang::resolve::{Arity, NativeInfo, Natives};
use quipu_vm::NativeDef;
#[cfg(feature = "actor")]
use quipu_vm::host::HostType;
use quipu_vm::library::{Library, Module};

use crate::entry::Entry;
use crate::grant::{Capabilities, Grant};
use crate::module::{DECLARATIONS, Declaration};
use crate::{bytes, core, fiber, fs, function, io, list, map, os, pack, random, range, regex, set, source, tuple};

/// The natives that are methods: the type's name and its table.
pub(crate) const METHODS: &[(&str, &[Entry])] = &[
    ("str", crate::str::METHODS),
    ("bytes", bytes::METHODS),
    ("tuple", tuple::METHODS),
    ("range", range::METHODS),
    ("list", list::METHODS),
    ("map", map::METHODS),
    ("set", set::METHODS),
    ("function", function::METHODS),
    ("fiber", fiber::METHODS),
];

/// The natives that stand for themselves: built-in functions, conversions, and those that only library code sees.
const PLAIN: &[&[Entry]] = &[
    core::NATIVES,
    core::CONVERSIONS,
    core::INTERNALS,
    list::INTERNALS,
    random::INTERNALS,
    fs::INTERNALS,
    io::INTERNALS,
    os::INTERNALS,
    regex::INTERNALS,
    pack::INTERNALS,
    #[cfg(feature = "actor")]
    crate::actor::INTERNALS,
];

/// About as many natives as there are, so that the table grows once.
const ABOUT: usize = 400;

/// The library of a host that grants this much.
pub fn library(grant: &Grant) -> Library {
    let mut library = Library::default();
    library.natives.reserve(ABOUT);
    library.natives.extend(natives(grant));
    for module in granted(grant.capabilities) {
        for constant in module.constants {
            library.constants.insert(format!("{}.{}", module.name, constant.name), constant.value.clone());
        }
    }
    #[cfg(feature = "actor")]
    if grant.capabilities.has(crate::grant::Capability::Net) {
        library.classes.push(Arc::new(crate::actor::Connected::class().into_host_class()));
    }
    for (ty, methods) in METHODS {
        let prefix = format!("{ty}.");
        library.methods.extend(methods.iter().map(|entry| (*ty, entry.name(), entry.define(&prefix, true, grant))));
    }
    library.conversions = core::CONVERSIONS.iter().map(|entry| (entry.name(), entry.name())).collect();
    for (index, compiled) in source::compiled().iter().enumerate() {
        if compiled.module.is_none_or(|name| granted(grant.capabilities).any(|module| module.name == name)) {
            let names = compiled.exports.iter().map(|export| compiled.provided(export.name)).collect();
            library.modules.push(Module { code: source::code_of, index, names });
        }
    }
    library
}

/// The names that the library of a host that grants this much provides to programs.
pub fn names(grant: &Grant) -> Names {
    Names::of(&library(grant))
}

/// Every name that any host's library provides, those for the library itself included.
#[cfg(test)]
pub(crate) fn names_of_everything() -> Names {
    let mut names = Names::inside();
    for compiled in source::compiled() {
        compiled.exports.iter().for_each(|export| names.add(export.name, None));
    }
    names
}

/// The standard modules that are there with these capabilities.
fn granted(capabilities: Capabilities) -> impl Iterator<Item = &'static Declaration> {
    DECLARATIONS.iter().filter(move |module| module.capability.is_none_or(|needed| capabilities.has(needed)))
}

/// The natives in Rust that are no methods, by name.
fn natives(grant: &Grant) -> impl Iterator<Item = (String, Arc<NativeDef>)> {
    let capabilities = grant.capabilities;
    let there = move |entry: &&Entry| entry.needs.is_none_or(|needed| capabilities.has(needed));
    let plain = PLAIN.iter().copied().flatten().filter(there).map(|entry| entry.define("", false, grant));
    let members = granted(capabilities).flat_map(move |module| {
        let prefix = format!("{}.", module.name);
        (module.natives)().into_iter().filter(there).map(move |entry| entry.define(&prefix, false, grant))
    });
    plain.chain(members).map(|def| (def.name.clone(), def))
}

/// The names that a library provides to a source, as the compiler asks for them.
pub struct Names(HashMap<String, NativeInfo>);

impl Names {
    /// The names that programs see; to be asked for anew when a host has added natives of its own.
    pub fn of(library: &Library) -> Names {
        // Most names are members, methods and the library's own: every process would file them for nothing.
        let is_seen = |name: &&str| !name.starts_with('_') && !name.contains('.') && !name.contains("__");
        let mut names = Names::new(library.natives.iter().filter(|(name, _)| is_seen(&name.as_str())));
        let written = library.modules.iter().flat_map(|module| &module.names).map(String::as_str);
        let classes = library.classes.iter().map(|class| class.name());
        for name in written.chain(library.constants.keys().map(String::as_str)).chain(classes).filter(is_seen) {
            names.add(name, None);
        }
        names
    }

    /// The names that the files of the library see, whatever is granted, but for those in these files.
    #[cfg(test)]
    pub(crate) fn inside() -> Names {
        Names::new(natives(&Grant::all(Vec::new())).collect::<HashMap<_, _>>().iter())
    }

    fn new<'n>(natives: impl Iterator<Item = (&'n String, &'n Arc<NativeDef>)>) -> Names {
        let mut names = Names(HashMap::new());
        for name in core::TYPES {
            names.add(name, None);
        }
        for (name, def) in natives {
            names.add(name, Some(Arity { required: def.required, optional: def.optional, rest: def.rest }));
        }
        names
    }

    pub(crate) fn add(&mut self, name: &str, arity: Option<Arity>) {
        self.0.insert(name.to_string(), NativeInfo { arity });
    }
}

impl Natives for Names {
    fn find(&self, name: &str) -> Option<NativeInfo> {
        self.0.get(name).copied()
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use quipu_lang::code::Code;

    #[test]
    fn programs_see_functions_and_types_and_nothing_else() {
        let names = names(&Grant::all(Vec::new()));
        let arity = |required, optional, rest| Some(Some(Arity { required, optional, rest }));
        assert_eq!(names.find("len").map(|info| info.arity), arity(1, 0, false));
        assert_eq!(names.find("print").map(|info| info.arity), arity(0, 0, true));
        assert_eq!(names.find("range").map(|info| info.arity), arity(1, 2, false));
        assert_eq!(names.find("function").map(|info| info.arity), Some(None));
        for hidden in ["_fail", "_list", "math.sin", "iter.of", "list__map", "_os_args"] {
            assert!(names.find(hidden).is_none(), "{hidden}");
        }
    }

    #[test]
    fn every_fallback_is_there_and_takes_the_same_arguments() {
        let library = library(&Grant::pure());
        let methods = library.methods.iter().map(|(_, _, def)| def);
        for def in library.natives.values().chain(methods) {
            let Some(fallback) = def.fallback else { continue };
            let found = library.modules.iter().find_map(|module| {
                let name = module.names.iter().find(|name| *name == fallback)?;
                let main = (module.code)(module.index);
                let is_it = |child: &&Code| child.debug().is_some_and(|debug| debug.name == *name);
                main.body().children.iter().find(is_it).cloned()
            });
            let code = found.unwrap_or_else(|| panic!("{} has no fallback {fallback}", def.name));
            let body = code.body();
            let least = def.required;
            let most = def.required + def.optional;
            let fits = body.required <= least && (body.rest || !def.rest && most <= body.required + body.optional);
            assert!(fits, "{} and {fallback}", def.name);
        }
    }

    #[test]
    fn what_is_not_granted_is_not_there() {
        let pure = library(&Grant::pure());
        assert!(!pure.natives.contains_key("os.exit"));
        assert!(pure.modules.iter().all(|module| !module.names.iter().any(|name| name.starts_with("os."))));
        assert!(library(&Grant::all(Vec::new())).natives.contains_key("os.exit"));
    }

    #[test]
    fn no_method_stands_twice() {
        let library = library(&Grant::pure());
        let mut seen = std::collections::HashSet::new();
        let rust = library.methods.iter().map(|(ty, name, _)| format!("{ty}__{name}"));
        let written = library.modules.iter().flat_map(|module| module.names.clone()).filter(|name| name.contains("__"));
        for name in rust.chain(written) {
            assert!(seen.insert(name.clone()), "{name}");
        }
    }
}
