//! Puts the library together: what the machine needs, and the names that the compiler needs.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use foldhash::fast::FixedState;
use quipu_lang::resolve::{Arity, NativeInfo, Natives};
use quipu_vm::NativeDef;
#[cfg(feature = "net")]
use quipu_vm::host::HostType;
use quipu_vm::library::{Library, LibraryModule, Provided, StandardLibrary, split};

use crate::entry::{Entry, Parameters};
use crate::grant::{Capabilities, Capability, Grant};
use crate::module::{DECLARATIONS, Declaration};
use crate::source::Compiled;
use crate::{bytes, core, fiber, function, list, map, pack, random, range, set, source, tuple};

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
pub(crate) const PLAIN: &[&[Entry]] = &[
    core::NATIVES,
    core::CONVERSIONS,
    core::INTERNALS,
    list::INTERNALS,
    random::INTERNALS,
    crate::image::INTERNALS,
    #[cfg(feature = "fs")]
    crate::fs::INTERNALS,
    #[cfg(feature = "io")]
    crate::io::INTERNALS,
    #[cfg(feature = "os")]
    crate::os::INTERNALS,
    #[cfg(feature = "regex")]
    crate::regex::INTERNALS,
    pack::INTERNALS,
    #[cfg(feature = "net")]
    crate::actor::INTERNALS,
];

/// The library of a host that grants this much.
pub fn library(grant: &Grant) -> Library {
    #[cfg(feature = "net")]
    let classes = match grant.capabilities.has(Capability::Net) {
        true => vec![Arc::new(crate::actor::Connected::class().into_host_class())],
        false => Vec::new(),
    };
    #[cfg(not(feature = "net"))]
    let classes = Vec::new();
    Library { classes, standard: Some(Box::new(Shelf::new(grant))), ..Library::default() }
}

/// The standard library. Nothing of it is made before somebody asks; then the tables are gone through, which are short.
struct Shelf {
    grant: Grant,
    /// Natives that hold on to something of the host, such as what was read of its input: all machines share each of them.
    hosted: Mutex<HashMap<String, Arc<NativeDef>>>,
}

impl Shelf {
    fn new(grant: &Grant) -> Shelf {
        Shelf { grant: grant.clone(), hosted: Mutex::default() }
    }

    /// The definition of a native. `of` is the module or type that it belongs to; a type's takes `self` as well.
    fn define(&self, entry: &Entry, of: &str, is_method: bool) -> Arc<NativeDef> {
        let prefix = if of.is_empty() { String::new() } else { [of, "."].concat() };
        if !entry.is_hosted() {
            return entry.define(&prefix, is_method, &self.grant);
        }
        let mut hosted = self.hosted.lock().unwrap_or_else(PoisonError::into_inner);
        let name = [&prefix, entry.name()].concat();
        hosted.entry(name).or_insert_with(|| entry.define(&prefix, is_method, &self.grant)).clone()
    }

    /// The modules that are there.
    fn modules(&self) -> impl Iterator<Item = &'static Declaration> {
        let capabilities = self.grant.capabilities;
        DECLARATIONS.iter().filter(move |module| module.capability.is_none_or(|needed| capabilities.has(needed)))
    }

    /// The files in the language that are there, with their indexes.
    fn files(&self) -> impl Iterator<Item = (usize, &'static Compiled)> {
        let is_there =
            |file: &&Compiled| file.module.is_none_or(|name| self.modules().any(|module| module.name == name));
        source::compiled().iter().enumerate().filter(move |(_, file)| is_there(file))
    }

    fn is_there(&self, entry: &Entry) -> bool {
        entry.needs.is_none_or(|needed| self.grant.capabilities.has(needed))
    }

    fn member(&self, module: &'static Declaration, name: &str) -> Option<Provided> {
        let member = |file: &&(usize, &Compiled)| {
            file.1.module == Some(module.name) && file.1.exports.iter().any(|export| export.name == name)
        };
        if let Some((index, _)) = self.files().find(|file| member(&file)) {
            return Some(Provided::Module(index));
        }
        if let Some(constant) = module.constants.iter().find(|constant| constant.name == name) {
            return Some(Provided::Constant(constant.value.clone()));
        }
        let entry = (module.natives)().into_iter().find(|entry| entry.name() == name && self.is_there(entry))?;
        Some(Provided::Native(self.define(entry, module.name, false)))
    }

    /// The file that exports a method, or with no type a function that is no member of a module.
    fn exporting(&self, type_name: &str, name: &str) -> Option<Provided> {
        let exports = |file: &Compiled| file.exports.iter().any(|export| split(export.name) == (type_name, name));
        let (index, _) = self.files().find(|(_, file)| file.module.is_none() && exports(file))?;
        Some(Provided::Module(index))
    }
}

impl StandardLibrary for Shelf {
    fn find(&self, name: &str) -> Option<Provided> {
        if let Some((module, member)) = name.split_once('.') {
            let module = self.modules().find(|declared| declared.name == module)?;
            return self.member(module, member);
        }
        if let Some(export) = self.exporting("", name) {
            return Some(export);
        }
        let entry = PLAIN.iter().copied().flatten().find(|entry| entry.name() == name && self.is_there(entry))?;
        Some(Provided::Native(self.define(entry, "", false)))
    }

    fn find_method(&self, type_name: &str, name: &str) -> Option<Provided> {
        let (_, methods) = METHODS.iter().find(|(of, _)| *of == type_name).unwrap_or(&("", &[]));
        if let Some(entry) = methods.iter().find(|entry| entry.name() == name) {
            return Some(Provided::Native(self.define(entry, type_name, true)));
        }
        self.exporting(type_name, name)
    }

    fn converts(&self, type_name: &str) -> bool {
        core::CONVERSIONS.iter().any(|entry| entry.name() == type_name)
    }

    fn module(&self, index: usize) -> Option<LibraryModule> {
        let file = source::compiled().get(index)?;
        let names = file.exports.iter().map(|export| file.provided(export.name)).collect();
        Some(LibraryModule { code: file.code().clone(), names })
    }

    fn names(&self) -> Vec<String> {
        let written = self.files().flat_map(|(_, file)| file.exports.iter().map(|export| file.provided(export.name)));
        let written = written.filter(|name| split(name).0.is_empty());
        let plain = PLAIN.iter().copied().flatten().filter(|entry| self.is_there(entry));
        let members = self.modules().flat_map(|module| {
            let natives = (module.natives)().into_iter().filter(|entry| self.is_there(entry)).map(Entry::name);
            let constants = module.constants.iter().map(|constant| constant.name);
            natives.chain(constants).map(|member| [module.name, ".", member].concat()).collect::<Vec<_>>()
        });
        written.chain(plain.map(|entry| entry.name().to_owned())).chain(members).collect()
    }

    fn methods_of(&self, type_name: &str) -> Vec<&'static str> {
        let native = METHODS.iter().filter(|(of, _)| *of == type_name).flat_map(|(_, methods)| *methods);
        let written = self.files().filter(|(_, file)| file.module.is_none()).flat_map(|(_, file)| file.exports);
        let written = written.map(|export| split(export.name)).filter(|&(of, _)| of == type_name && !of.is_empty());
        native.map(Entry::name).chain(written.map(|(_, name)| name)).collect()
    }

    fn names_of_foreign(&self, name: &str) -> &'static [&'static str] {
        crate::foreign::names(name)
    }

    fn advice_on_callback(&self, function: &str, takes: Option<usize>) -> Option<String> {
        crate::foreign::callback(function, takes)
    }

    fn advice_on_nothing(&self, method: &str) -> Option<String> {
        crate::foreign::nothing(method)
    }
}

/// What is missing where a capability is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lacking {
    /// The capability.
    pub capability: Capability,
    /// What programs would have by it, or the module if it is only seen inside of the library.
    pub names: Vec<String>,
}

/// Why a library that grants this much does not provide some of these names: none of those that have other reasons.
pub fn lacking<'n>(names: impl Iterator<Item = &'n str>, granted: Capabilities) -> Vec<Lacking> {
    let mut found: Vec<Lacking> = Vec::new();
    for name in names {
        let Some(capability) = capability_of(name).filter(|&needed| !granted.has(needed)) else { continue };
        let index = found.iter().position(|lacking| lacking.capability == capability).unwrap_or_else(|| {
            found.push(Lacking { capability, names: Vec::new() });
            found.len() - 1
        });
        if !name.starts_with('_') {
            found[index].names.push(format!("`{name}`"));
        }
    }
    for Lacking { capability, names } in &mut found {
        if names.is_empty() {
            names.push(format!("module `{}`", capability.module()));
        }
    }
    found
}

/// Whether a library has something under a name that code and images mention, types and their conversions included.
pub fn is_provided(library: &Library, name: &str) -> bool {
    core::TYPES.contains(&name.strip_prefix("type.").unwrap_or(name)) || library.find(name).is_some()
}

/// Why a name is not for what is loaded with a list of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It needs this capability, which is not on the list.
    Unlisted(Capability),
    /// It needs this capability, which is on the list and not the loading program's own.
    NotOwn(Capability),
    /// What it loads or compiles in turn would be bound to all that the machine provides.
    Loads,
    /// It is not of this library, and no capability stands for it.
    Foreign,
}

/// What a name is refused for to code that is loaded with a list of capabilities, into a machine that was granted some.
/// None if the code may have it: always when the list has all that were granted.
pub fn refusal(name: &str, listed: Capabilities, granted: Capabilities) -> Option<Refusal> {
    static ALL: LazyLock<Library> = LazyLock::new(|| library(&Grant::all(Vec::new())));
    if let Some(needed) = capability_of(name).filter(|&needed| !listed.and(granted).has(needed)) {
        return Some(if listed.has(needed) { Refusal::NotOwn(needed) } else { Refusal::Unlisted(needed) });
    }
    // Whoever has all that reaches outside has nothing to win by compiling.
    if granted.without(Capability::Compile).are_within(listed) {
        return None;
    }
    let loads =
        matches!(name, "image.load" | "image.open" | "code.compile") || capability_of(name) == Some(Capability::Net);
    match (loads, is_provided(&ALL, name)) {
        (true, _) => Some(Refusal::Loads),
        (_, false) => Some(Refusal::Foreign),
        _ => None,
    }
}

/// What a host has to grant for something to be provided under a name.
fn capability_of(name: &str) -> Option<Capability> {
    let Some((module, member)) = name.split_once('.') else {
        return PLAIN.iter().copied().flatten().find(|entry| entry.name() == name)?.needs;
    };
    let module = DECLARATIONS.iter().find(|declared| declared.name == module)?;
    let native = || (module.natives)().into_iter().find(|entry| entry.name() == member)?.needs;
    module.capability.or_else(native)
}

/// The names that the library of a host that grants this much provides to programs.
pub fn names(grant: &Grant) -> Names {
    Names::of(&library(grant))
}

/// The names that a library provides to a source, as the compiler asks for them.
pub struct Names {
    /// Those of the host.
    own: HashMap<String, NativeInfo>,
    /// Whether those of the standard library are there.
    standard: bool,
}

/// The functions and types of the standard library that every program sees.
static SEEN: LazyLock<HashMap<&'static str, NativeInfo, FixedState>> = LazyLock::new(|| {
    let arity = |entry: &Entry| {
        let Parameters { required, optional, rest } = entry.parameters();
        NativeInfo { arity: Some(Arity { required, optional, rest }) }
    };
    let written = source::compiled().iter().filter(|file| file.module.is_none()).flat_map(|file| file.exports);
    let natives = PLAIN.iter().copied().flatten().map(|entry| (entry.name(), arity(entry)));
    let unknown = |name| (name, NativeInfo::default());
    // A type's conversion says how it is called; what is written in the language takes the place of a native.
    let all = core::TYPES.iter().copied().map(unknown).chain(natives);
    all.chain(written.map(|export| unknown(export.name))).filter(|(name, _)| is_seen(name)).collect()
});

/// Most names are members, methods and the library's own.
fn is_seen(name: &str) -> bool {
    !name.starts_with('_') && !name.contains('.') && !name.contains("__")
}

impl Names {
    /// The names that programs see; to be asked for anew when a host has added something of its own.
    pub fn of(library: &Library) -> Names {
        let natives = library.natives.values().map(|def| {
            let arity = Arity { required: def.required, optional: def.optional, rest: def.rest };
            (def.name.as_str(), NativeInfo { arity: Some(arity) })
        });
        let constants = library.constants.keys().map(String::as_str);
        let classes = library.classes.iter().map(|class| class.name());
        let others = constants.chain(classes).map(|name| (name, NativeInfo::default()));
        let own = natives.chain(others).filter(|(name, _)| is_seen(name));
        Names { own: own.map(|(name, info)| (name.to_owned(), info)).collect(), standard: library.standard.is_some() }
    }
}

impl Natives for Names {
    fn find(&self, name: &str) -> Option<NativeInfo> {
        self.own.get(name).or_else(|| SEEN.get(name).filter(|_| self.standard)).copied()
    }

    fn names(&self) -> Vec<&str> {
        let standard = SEEN.keys().copied().filter(|_| self.standard);
        self.own.keys().map(String::as_str).chain(standard).collect()
    }

    fn module_with(&self, member: &str) -> Option<&str> {
        let has = |module: &&Declaration| {
            let mut written = source::compiled().iter().filter(|file| file.module == Some(module.name));
            module.constants.iter().any(|constant| constant.name == member)
                || (module.natives)().into_iter().any(|entry| entry.name() == member)
                || written.any(|file| file.exports.iter().any(|export| export.name == member))
        };
        DECLARATIONS.iter().filter(|_| self.standard).find(has).map(|module| module.name)
    }

    fn modules(&self) -> Vec<&str> {
        crate::modules().filter(|_| self.standard).collect()
    }
}

/// The names that the files of the library see, whatever is granted.
#[cfg(test)]
pub(crate) struct Inside(HashMap<String, NativeInfo>);

#[cfg(test)]
impl Shelf {
    /// The natives that are no methods.
    fn natives(&self) -> Vec<Arc<NativeDef>> {
        let plain = PLAIN.iter().copied().flatten().filter(|entry| self.is_there(entry));
        let plain = plain.map(|entry| self.define(entry, "", false));
        let members = self.modules().flat_map(|module| {
            let there = (module.natives)().into_iter().filter(|entry| self.is_there(entry));
            there.map(|entry| self.define(entry, module.name, false)).collect::<Vec<_>>()
        });
        plain.chain(members).collect()
    }

    fn methods(&self) -> Vec<Arc<NativeDef>> {
        let methods = METHODS.iter().flat_map(|(of, methods)| methods.iter().map(move |entry| (of, entry)));
        methods.map(|(of, entry)| self.define(entry, of, true)).collect()
    }
}

#[cfg(test)]
impl Inside {
    /// Those of what is written in Rust, and of built-in types.
    pub fn rust() -> Inside {
        let shelf = Shelf::new(&Grant::all(Vec::new()));
        let mut names = Inside(HashMap::new());
        core::TYPES.iter().for_each(|name| names.add(name));
        for def in shelf.natives() {
            let arity = Arity { required: def.required, optional: def.optional, rest: def.rest };
            names.0.insert(def.name.clone(), NativeInfo { arity: Some(arity) });
        }
        names
    }

    /// All of them.
    pub fn everything() -> Inside {
        let mut names = Inside::rust();
        source::compiled().iter().flat_map(|file| file.exports).for_each(|export| names.add(export.name));
        names
    }

    pub fn add(&mut self, name: &str) {
        self.0.insert(name.to_owned(), NativeInfo::default());
    }
}

#[cfg(test)]
impl Natives for Inside {
    fn find(&self, name: &str) -> Option<NativeInfo> {
        self.0.get(name).copied()
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("standard", &self.standard).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use quipu_code::Code;

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
        let shelf = Shelf::new(&Grant::pure());
        for def in shelf.natives().into_iter().chain(shelf.methods()) {
            let Some(fallback) = def.fallback else { continue };
            let found = shelf.files().find_map(|(index, _)| {
                let module = shelf.module(index)?;
                let name = module.names.iter().find(|name| *name == fallback)?;
                let is_it = |child: &&Code| child.debug().is_some_and(|debug| debug.name == *name);
                module.code.body().children.iter().find(is_it).cloned()
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
        assert!(pure.find("os.exit").is_none() && pure.find("_io_read_line").is_none());
        assert!(Shelf::new(&Grant::pure()).names().iter().all(|name| !name.starts_with("os.")));
        assert!(library(&Grant::all(Vec::new())).find("os.exit").is_some());
    }

    #[test]
    fn what_lacks_is_told_by_capability_and_in_the_words_of_programs() {
        let names = ["print", "io.lines", "_io_read_line", "math.sin", "image.save", "_os_args", "geo.dist"];
        let told = |granted| -> Vec<(&str, String)> {
            let all = lacking(names.into_iter(), granted).into_iter();
            all.map(|lacking| (lacking.capability.name(), lacking.names.join(", "))).collect()
        };
        let told_of = |capability, names: &str| (capability, names.to_owned());
        let all = [told_of("io", "`io.lines`"), told_of("fs", "`image.save`"), told_of("os", "module `os`")];
        assert_eq!(told(Capabilities::PURE), all);
        assert_eq!(told(Capabilities::ALL.without(Capability::Fs)), all[1..2]);
    }

    #[test]
    fn what_is_loaded_with_a_list_has_no_way_around_it() {
        let (all, some) = (Capabilities::ALL, Capabilities::PURE.with(Capability::Fs).with(Capability::Net));
        let of = |name, listed| refusal(name, listed, all);
        for name in
            ["print", "error", "str", "type.str", "math.sin", "math.pi", "iter.of", "min", "image.dump", "_list_sort"]
        {
            assert_eq!(of(name, Capabilities::PURE), None, "{name}");
        }
        assert_eq!(of("fs.read", Capabilities::PURE), Some(Refusal::Unlisted(Capability::Fs)));
        assert_eq!(of("fs.read", some), None);
        assert_eq!(refusal("fs.read", some, Capabilities::PURE), Some(Refusal::NotOwn(Capability::Fs)));
        // What these bring in is bound to everything.
        for name in ["image.load", "image.open"] {
            assert_eq!((of(name, some), of(name, all)), (Some(Refusal::Loads), None), "{name}");
        }
        assert_eq!(refusal("image.load", Capabilities::PURE, Capabilities::PURE), None);
        let without = all.without(Capability::Compile);
        assert_eq!(
            (of("image.load", without), of("code.compile", some)),
            (None, Some(Refusal::Unlisted(Capability::Compile)))
        );
        assert_eq!(of("code.compile", some.with(Capability::Compile)), Some(Refusal::Loads));
        assert_eq!(of("code.compile", without), Some(Refusal::Unlisted(Capability::Compile)));
        assert_eq!((of("db.drop", all), of("db.drop", some)), (None, Some(Refusal::Foreign)));
    }

    /// An image may name any function of the library that needs no capability, so none of these may reach one.
    #[test]
    fn what_needs_no_capability_uses_none() {
        use quipu_code::{Constant, Op};
        let shelf = Shelf::new(&Grant::all(Vec::new()));
        for (index, file) in shelf.files() {
            let module = file.module.and_then(|name| DECLARATIONS.iter().find(|declared| declared.name == name));
            if module.is_some_and(|module| module.capability.is_some()) {
                continue;
            }
            let mut waiting = vec![shelf.module(index).unwrap().code];
            while let Some(code) = waiting.pop() {
                let body = code.body();
                for word in body.words.iter().filter(|word| word.op() == Some(Op::GetNative)) {
                    let Some(Constant::Str(name)) = body.constants.get(word.x() as usize) else { panic!("no name") };
                    assert_eq!(capability_of(name), None, "{:?} uses {name}", file.module);
                    assert!(!matches!(&**name, "image.load" | "image.open"), "{:?} loads", file.module);
                }
                waiting.extend(body.children.iter().cloned());
            }
        }
    }

    #[test]
    fn no_method_stands_twice() {
        for of in core::TYPES {
            let names = library(&Grant::pure()).methods_of(of);
            let mut seen = std::collections::HashSet::new();
            assert!(names.iter().all(|name| seen.insert(name)), "{of}: {names:?}");
        }
    }
}
