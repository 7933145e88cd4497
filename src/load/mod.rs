//! From a program to compiled modules: finds what it imports, each module once, and compiles dependencies first.

mod resolver;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use quipu_code::closest;
use quipu_code::span::{Source, Span};
use quipu_lang::compile::{
    ImportRequest, Interface, Natives, Outer, Unit, compile, compile_program, compile_text, deferred_at_top, imports,
};
use quipu_lang::diagnostic::{Diagnostic, Diagnostics, Severity};
use quipu_lang::parse::parse;
use quipu_vm::host::caught;

pub use resolver::{Files, FilesBelow, Location, Memory, Resolver, read_program};

/// How deep imports may be nested: the loader recurses over them.
const MAX_DEPTH: usize = 200;

/// What is to be run.
///
/// # Examples
/// ```
/// use quipu::{Engine, Input};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let missing = session.run(&Input::file("no/such/file.qp")).unwrap_err();
/// assert!(missing.to_string().starts_with("cannot read `no/such/file.qp`"));
/// // A text has a name, too: errors and traces show it.
/// let wrong = session.run(&Input::text("<prompt>", "1 +")).unwrap_err();
/// assert!(wrong.to_string().starts_with("<prompt>:1:"));
/// # Ok::<(), quipu::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Input {
    /// A source that the resolver finds under this path.
    File(String),
    /// A text.
    Text {
        /// The name that diagnostics and traces show; imports are relative to it as to a path.
        name: String,
        /// The program.
        text: String,
    },
}

impl Input {
    /// A source that the resolver finds, which is a file unless the engine has another resolver.
    pub fn file(path: impl Into<String>) -> Input {
        Input::File(path.into())
    }

    /// A text under a name such as `<stdin>`.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Input {
        Input::Text { name: name.into(), text: text.into() }
    }

    /// The name that diagnostics and traces show.
    pub fn name(&self) -> &str {
        match self {
            Input::File(name) | Input::Text { name, .. } => name,
        }
    }
}

/// A program with the modules that it needs and that were not loaded before.
#[derive(Debug)]
#[non_exhaustive]
pub struct Program {
    /// Every module after those that it imports; the program itself is the last one.
    pub modules: Vec<CompiledModule>,
    /// What is probably a mistake, by source.
    pub warnings: Vec<Diagnostics>,
}

/// A compiled module.
#[derive(Debug)]
pub struct CompiledModule {
    /// Where it comes from.
    pub location: Location,
    /// Its text.
    pub source: Source,
    /// Its code and interface.
    pub unit: Unit,
    /// The interface once more, shared with the importers.
    pub interface: Arc<Interface>,
    /// For each import statement the id of the module; `None` for standard modules, whose members are natives.
    pub imports: Vec<Option<String>>,
}

/// Why a program cannot be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The program itself cannot be read; the name says which.
    Unreadable(String, io::Error),
    /// It or something it imports does not compile. Modules come before their importers.
    Invalid(Vec<Diagnostics>),
}

/// What the loader needs of its host.
pub struct Loader<'h> {
    /// Finds sources.
    pub resolver: &'h dyn Resolver,
    /// Natives that programs may name.
    pub natives: &'h dyn Natives,
    /// Standard modules by name.
    pub standard: &'h dyn Fn(&str) -> StandardModule,
    /// Names of standard modules, for suggestions.
    pub standard_names: &'h dyn Fn() -> Vec<String>,
    /// Modules that were loaded before, by id.
    pub known: &'h dyn Fn(&str) -> Option<Arc<Interface>>,
}

/// A standard module, as its host has it.
#[derive(Debug)]
pub enum StandardModule {
    /// It is there and gives this.
    Granted(Arc<Interface>),
    /// The host does not grant it. It would give this, and needs this capability.
    Refused(Arc<Interface>, &'static str),
    /// There is none with this name.
    Unknown,
}

impl std::fmt::Debug for Loader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").finish_non_exhaustive()
    }
}

impl Loader<'_> {
    /// Loads a program.
    ///
    /// # Errors
    /// The program cannot be read, or it or what it imports does not compile.
    pub fn load(&self, input: &Input) -> Result<Program, LoadError> {
        self.load_as(input, false)
    }

    /// Loads a program whose top level calls the function `main` that it exports, if it does: its main code then takes as many
    /// arguments as that.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_main(&self, input: &Input) -> Result<Program, LoadError> {
        self.load_as(input, true)
    }

    fn load_as(&self, input: &Input, calls_main: bool) -> Result<Program, LoadError> {
        let (location, bytes) = match input {
            Input::Text { name, text } => {
                (Location { id: format!("text:{name}"), name: name.clone() }, text.clone().into_bytes())
            }
            Input::File(path) => {
                let unreadable = |error| LoadError::Unreadable(path.clone(), error);
                let location = self.locate(None, path).map_err(unreadable)?;
                let location = location.ok_or_else(|| unreadable(io::ErrorKind::NotFound.into()))?;
                let bytes = caught(|| self.resolver.read_program(&location)).unwrap_or_else(|text| Err(panicked(text)));
                let bytes = bytes.map_err(unreadable)?;
                (location, bytes)
            }
        };
        let mut state = State::new(self);
        state.calls_main = calls_main;
        state.module(location, bytes);
        if state.found.iter().any(|found| found.list.iter().any(is_error)) {
            return Err(LoadError::Invalid(state.found));
        }
        Ok(Program { modules: state.modules, warnings: state.found })
    }

    /// Compiles a text that is no file, among variables. It imports modules of the library only, and exports nothing.
    ///
    /// # Errors
    /// All that was found.
    pub(crate) fn load_text(&self, source: &Source, outer: &[Outer<'_>]) -> Result<Unit, Vec<Diagnostic>> {
        let parsed = parse(source);
        let mut state = State::new(self);
        let (mut found, mut interfaces) = (Vec::new(), Vec::new());
        for request in imports(&parsed) {
            let imported = match request.is_path {
                true => Err(no_path_in_texts(&request).into()),
                false => state.import(&request),
            };
            match imported {
                Ok(imported) => {
                    found.extend(imported.refused);
                    interfaces.push(imported.interface);
                }
                Err(diagnostic) => {
                    found.push(*diagnostic);
                    interfaces.push(None);
                }
            }
        }
        let compiled = compile_text(&parsed, source, &interfaces, self.natives, outer);
        let unit = match compiled {
            Ok(unit) if !found.iter().any(is_error) => return Ok(unit),
            Ok(_) => Vec::new(),
            Err(errors) => errors,
        };
        found.extend(unit);
        found.sort_by_key(|diagnostic| diagnostic.primary.span);
        Err(found)
    }

    // The resolver is the host's: where it panics, it cannot read.

    fn locate(&self, importer: Option<&Location>, path: &str) -> io::Result<Option<Location>> {
        caught(|| self.resolver.locate(importer, path)).map_err(panicked)
    }

    fn read(&self, location: &Location) -> io::Result<Vec<u8>> {
        caught(|| self.resolver.read(location)).unwrap_or_else(|text| Err(panicked(text)))
    }

    fn candidates(&self, importer: Option<&Location>, path: &str) -> Vec<String> {
        caught(|| self.resolver.candidates(importer, path)).unwrap_or_default()
    }
}

fn panicked(text: String) -> io::Error {
    io::Error::other(format!("the resolver panicked: {text}"))
}

struct State<'l, 'h> {
    loader: &'l Loader<'h>,
    /// What the modules that are finished give; `None` for those with errors.
    done: HashMap<String, Option<Arc<Interface>>>,
    /// The modules being loaded: the program, what it imports, what that imports, and so on.
    open: Vec<Location>,
    modules: Vec<CompiledModule>,
    found: Vec<Diagnostics>,
    /// Whether the program calls the function `main` that it exports.
    calls_main: bool,
}

/// What an import statement leads to.
struct Imported {
    /// The module, unless it is a standard one.
    id: Option<String>,
    /// What it gives, unless there are errors in it.
    interface: Option<Arc<Interface>>,
    /// That the host does not grant it; what is named of it is reported too.
    refused: Option<Diagnostic>,
}

impl<'l, 'h> State<'l, 'h> {
    fn new(loader: &'l Loader<'h>) -> State<'l, 'h> {
        let (done, open, modules, found) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        State { loader, done, open, modules, found, calls_main: false }
    }

    /// Loads a module and all it needs. Gives its interface unless there are errors, which are noted.
    fn module(&mut self, location: Location, bytes: Vec<u8>) -> Option<Arc<Interface>> {
        let source = match text(bytes) {
            Ok(text) => Source::new(location.name.as_str(), text),
            Err(wrong) => {
                let (text, diagnostic) = *wrong;
                let source = Source::new(location.name.as_str(), text);
                self.found.push(Diagnostics { source, list: vec![diagnostic] });
                return None;
            }
        };
        let parsed = parse(&source);
        let mut diagnostics = Vec::new();
        let mut ids = Vec::new();
        let mut interfaces = Vec::new();
        self.open.push(location);
        for request in imports(&parsed) {
            match self.import(&request) {
                Ok(imported) => {
                    diagnostics.extend(imported.refused);
                    ids.push(imported.id);
                    interfaces.push(imported.interface);
                }
                Err(diagnostic) => {
                    diagnostics.push(*diagnostic);
                    ids.push(None);
                    interfaces.push(None);
                }
            }
        }
        let location = self.open.pop()?;
        // What a module that is imported does when it runs is not over before its importer is.
        if !self.open.is_empty()
            && let Some(span) = deferred_at_top(&parsed)
        {
            let error = Diagnostic::error("Q0221", span, "an imported module defers something at its top level");
            diagnostics.push(error.help("put it into a function, or export a function that does it at the end"));
        }
        let compiled = match self.calls_main && self.open.is_empty() {
            true => compile_program(&parsed, &source, &interfaces, self.loader.natives),
            false => compile(&parsed, &source, &interfaces, self.loader.natives, &[]),
        };
        let interface = match compiled {
            Ok(unit) => {
                diagnostics.extend(unit.warnings.iter().cloned());
                let interface = Arc::new(unit.interface.clone());
                let source = source.clone();
                self.modules.push(CompiledModule {
                    location,
                    source,
                    unit,
                    interface: interface.clone(),
                    imports: ids,
                });
                Some(interface)
            }
            Err(errors) => {
                diagnostics.extend(errors);
                None
            }
        };
        if !diagnostics.is_empty() {
            diagnostics.sort_by_key(|diagnostic| diagnostic.primary.span);
            self.found.push(Diagnostics { source, list: diagnostics });
        }
        interface
    }

    /// Loads what an import statement of the innermost open module asks for.
    fn import(&mut self, request: &ImportRequest) -> Result<Imported, Box<Diagnostic>> {
        let importer = self.open.last().cloned();
        let importer = importer.as_ref();
        if !request.is_path {
            return match (self.loader.standard)(&request.module) {
                StandardModule::Granted(interface) => {
                    Ok(Imported { id: None, interface: Some(interface), refused: None })
                }
                StandardModule::Refused(interface, capability) => {
                    let title = format!("this host does not grant the module `{}`", request.module);
                    let error = Diagnostic::error("Q0218", request.span, title);
                    let refused = error.note(format!("it needs the capability `{capability}`"));
                    Ok(Imported { id: None, interface: Some(interface), refused: Some(refused) })
                }
                StandardModule::Unknown => Err(self.no_standard_module(importer, request).into()),
            };
        }
        let path = &request.module;
        let relative = path.starts_with("./") || path.starts_with("../");
        let located = if relative { self.loader.locate(importer, path) } else { Ok(None) };
        let location = match located.and_then(|location| location.ok_or(io::ErrorKind::NotFound.into())) {
            Ok(location) => location,
            Err(error) => return Err(self.no_module(importer, request, error).into()),
        };
        if let Some(start) = self.open.iter().position(|open| open.id == location.id) {
            return Err(self.cycle(start, request).into());
        }
        if let Some(interface) = self.done.get(&location.id) {
            return Ok(Imported { id: Some(location.id), interface: interface.clone(), refused: None });
        }
        let id = location.id.clone();
        if let Some(interface) = (self.loader.known)(&id) {
            return Ok(Imported { id: Some(id), interface: Some(interface), refused: None });
        }
        if self.open.len() >= MAX_DEPTH {
            let title = format!("imports are nested more than {MAX_DEPTH} deep");
            return Err(Diagnostic::error("Q0112", request.span, title).into());
        }
        let bytes = match self.loader.read(&location) {
            Ok(bytes) => bytes,
            Err(error) => return Err(self.no_module(importer, request, error).into()),
        };
        let interface = self.module(location, bytes);
        self.done.insert(id.clone(), interface.clone());
        Ok(Imported { id: Some(id), interface, refused: None })
    }

    fn cycle(&self, start: usize, request: &ImportRequest) -> Diagnostic {
        let mut names: Vec<&str> = self.open[start..].iter().map(|open| open.name.as_str()).collect();
        names.push(names[0]);
        Diagnostic::error("Q0209", request.span, format!("import cycle: {}", names.join(" -> ")))
            .label("this import closes the circle")
            .help("move what the modules share into one that imports none of them")
    }

    fn no_standard_module(&self, importer: Option<&Location>, request: &ImportRequest) -> Diagnostic {
        let ImportRequest { module: name, span, .. } = request;
        let diagnostic = Diagnostic::error("Q0208", *span, format!("there is no standard module `{name}`"));
        let names = (self.loader.standard_names)();
        if let Some(near) = closest(name, names.iter().map(String::as_str)) {
            return diagnostic.patch(format!("did you mean `{near}`?"), *span, near);
        }
        let path = format!("./{name}");
        if self.is_there(importer, &path) {
            return diagnostic.patch(
                "to import the file beside this one, write its path",
                *span,
                format!("\"{path}\""),
            );
        }
        diagnostic.note(format!("the standard modules are {}", names.join(", ")))
    }

    fn is_there(&self, importer: Option<&Location>, path: &str) -> bool {
        let location = self.loader.locate(importer, path).ok().flatten();
        location.is_some_and(|there| self.loader.read(&there).is_ok())
    }

    fn no_module(&self, importer: Option<&Location>, request: &ImportRequest, error: io::Error) -> Diagnostic {
        let ImportRequest { module: path, span, .. } = request;
        if error.kind() != io::ErrorKind::NotFound {
            let title = format!("the module `{path}` cannot be read");
            return Diagnostic::error("Q0208", *span, title).note(error.to_string());
        }
        let diagnostic = Diagnostic::error("Q0208", *span, format!("there is no module `{path}`"));
        let bare = path.strip_suffix(".qp").unwrap_or(path);
        let tidy =
            if bare.starts_with("./") || bare.starts_with("../") { bare.to_owned() } else { format!("./{bare}") };
        if (self.loader.standard_names)().iter().any(|name| name == bare) && !self.is_there(importer, &tidy) {
            let advice = format!("standard modules are imported without quotes: `import {bare}`");
            return diagnostic.patch(advice, *span, bare);
        }
        if tidy != *path && !path.starts_with('/') {
            return diagnostic.patch(
                "paths begin with `./` or `../` and leave out the `.qp`",
                *span,
                format!("\"{tidy}\""),
            );
        }
        let candidates = self.loader.candidates(importer, path);
        match closest(path, candidates.iter().map(String::as_str)) {
            Some(near) => diagnostic.patch(format!("did you mean `{near}`?"), *span, format!("\"{near}\"")),
            None => match self.loader.locate(importer, path).ok().flatten() {
                Some(location) => diagnostic.note(format!("looked for `{}`", location.name)),
                None => diagnostic,
            },
        }
    }
}

fn no_path_in_texts(request: &ImportRequest) -> Diagnostic {
    let title = "a text that is no file imports modules of the library only";
    Diagnostic::error("Q0208", request.span, title).help("hand it what it needs as a variable around it")
}

/// The bytes as text; if they are none, the readable part and what is wrong.
fn text(mut bytes: Vec<u8>) -> Result<String, Box<(String, Diagnostic)>> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let start = u32::try_from(at).unwrap_or(u32::MAX);
        let title = format!("the source is not UTF-8: byte {:#04x} at offset {at}", error.as_bytes()[at]);
        Box::new((text, Diagnostic::error("Q0107", Span::new(start, start.saturating_add(3)), title)))
    })
}

/// Whether a finding keeps a program from running.
pub(crate) fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}
