//! An engine is what programs can rely on, shared by any number of sessions; a session is one machine and its modules.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use quipu_code::Code;
use quipu_code::span::Source;
use quipu_lang::compile::{ExportKind, Imported, Interface};
use quipu_lang::diagnostic::Diagnostics;
use quipu_stdlib::{Capabilities, Grant, Names};
use quipu_vm::bounds::within;
use quipu_vm::host::{FromValue, Host, IntoArguments};
use quipu_vm::library::Library;
use quipu_vm::{Cx, Failure, Fault, Interrupt, Limits, Root, Run, Scope, Stats, Vm};

use crate::error::Error;
use crate::load::{CompiledModule, Files, Input, LoadError, Loader, Program, Resolver, StandardModule};
use crate::texts::Texts;

/// The library and the modules that programs can rely on. Immutable, cheap to clone, and shared between threads.
///
/// # Examples
/// ```
/// use quipu::{Engine, Input, Limits};
///
/// let engine = Engine::new();
/// let program = engine.compile(&Input::text("sum.qp", "[1, 2, 3].sum()"))?;
/// for _ in 0..2 {
///     let mut session = engine.session(Limits::default())?;
///     let sum = session.run_program(&program)?.value;
///     assert_eq!(session.repr(&sum)?, "6");
/// }
/// # Ok::<(), quipu::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    library: Arc<Library>,
    names: Arc<Names>,
    /// Modules that the host provides.
    modules: Arc<HashMap<String, Arc<Interface>>>,
    capabilities: Capabilities,
    resolver: Arc<dyn Resolver>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn made(
        library: Library,
        names: impl FnOnce(&Library) -> Names,
        modules: HashMap<String, Arc<Interface>>,
        capabilities: Capabilities,
        resolver: Arc<dyn Resolver>,
        texts: &Texts,
    ) -> Engine {
        let (names, modules) = (Arc::new(names(&library)), Arc::new(modules));
        texts.know(names.clone(), modules.clone(), capabilities);
        Engine { names, library: Arc::new(library), modules, capabilities, resolver }
    }

    /// An engine whose programs only compute and print. Modules that they import by path are files;
    /// [`FilesBelow`](crate::load::FilesBelow) keeps those in one folder.
    pub fn new() -> Engine {
        Engine::granting(&Grant::pure())
    }

    /// An engine whose programs may reach what is granted.
    pub fn granting(grant: &Grant) -> Engine {
        let (library, texts) = library(grant);
        Engine::made(library, Names::of, HashMap::new(), grant.capabilities, Arc::new(Files), &texts)
    }

    /// The same engine with other modules.
    #[must_use]
    pub fn with_resolver(mut self, resolver: impl Resolver + 'static) -> Engine {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Compiles a program and all it imports without running anything. Gives the warnings.
    ///
    /// # Errors
    /// The program cannot be read, or it or what it imports does not compile.
    pub fn check(&self, input: &Input) -> Result<Vec<Diagnostics>, Error> {
        Ok(self.compile(input)?.warnings)
    }

    /// Compiles a program and all it imports, and says all that is wrong with it.
    ///
    /// # Errors
    /// The program cannot be read, or it or what it imports does not compile: all that was found.
    pub fn compile(&self, input: &Input) -> Result<Program, Error> {
        self.load_beside(input, &|_| None)
    }

    /// A machine alone: for functions that come in images. It knows no sources and no modules.
    ///
    /// # Errors
    /// As [`Vm::new`].
    pub fn vm(&self, limits: Limits) -> Result<Vm, Error> {
        Vm::new(self.library.clone(), limits).map_err(Error::Failed)
    }

    /// A machine for programs of this engine.
    ///
    /// # Errors
    /// As [`Vm::new`].
    pub fn session(&self, limits: Limits) -> Result<Session, Error> {
        let vm = self.vm(limits)?;
        Ok(Session { engine: self.clone(), vm, loaded: HashMap::new(), sources: HashMap::new() })
    }

    fn load_beside(&self, input: &Input, known: &dyn Fn(&str) -> Option<Arc<Interface>>) -> Result<Program, Error> {
        self.with_loader(known, |loader| loader.load(input))
    }

    fn with_loader(
        &self,
        known: &dyn Fn(&str) -> Option<Arc<Interface>>,
        load: impl FnOnce(&Loader<'_>) -> Result<Program, LoadError>,
    ) -> Result<Program, Error> {
        let loader = Loader {
            resolver: &*self.resolver,
            natives: &*self.names,
            standard: &|name| match self.modules.get(name) {
                Some(module) => StandardModule::Granted(module.clone()),
                None => standard(name, self.capabilities),
            },
            standard_names: &|| {
                quipu_stdlib::modules().map(str::to_owned).chain(self.modules.keys().cloned()).collect()
            },
            known,
        };
        load(&loader).map_err(Error::from)
    }
}

/// A standard module for programs with these capabilities.
pub(crate) fn standard(name: &str, capabilities: Capabilities) -> StandardModule {
    match quipu_stdlib::module(name, capabilities) {
        None => StandardModule::Unknown,
        Some(module) => match module.refused {
            Some(capability) => StandardModule::Refused(module.interface, capability.name()),
            None => StandardModule::Granted(module.interface),
        },
    }
}

/// The library of programs that are granted this much, and the compiler in it, which has yet to know what there is.
pub(crate) fn library(grant: &Grant) -> (Library, Arc<Texts>) {
    let texts = Arc::new(Texts::default());
    let mut grant = grant.clone();
    grant.compiler.get_or_insert_with(|| texts.clone());
    #[cfg(feature = "actor")]
    grant.dialer.get_or_insert_with(|| Arc::new(quipu_actor::client::Dialer));
    (quipu_stdlib::library(&grant), texts)
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

/// One machine with the modules that it has run. Each module runs once in a session.
///
/// It has what hosts do all the time, and as a [`Host`] what is done with values; [`vm`](Session::vm) is the machine.
///
/// # Examples
/// ```
/// use quipu::{Engine, Host, Input};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let greet = session.run(&Input::text("greet.qp", "|name| \"hello, ${name}\""))?;
/// let said: String = session.invoke(&greet, ("ann",))?;
/// assert_eq!(said, "hello, ann");
/// # Ok::<(), quipu::Error>(())
/// ```
pub struct Session {
    engine: Engine,
    vm: Vm,
    /// Modules that have run, by id.
    loaded: HashMap<String, Loaded>,
    /// Every source that was run, by name.
    sources: HashMap<Arc<str>, Source>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("vm", &self.vm).finish_non_exhaustive()
    }
}

struct Loaded {
    interface: Arc<Interface>,
    /// What its main code returned: the last value, then the exports.
    result: Root,
}

impl Session {
    /// Runs a program, after those modules it imports that have not run yet, and gives its last value.
    ///
    /// # Errors
    /// As [`Engine::compile`]; what the program or a module throws, or a limit.
    pub fn run(&mut self, input: &Input) -> Result<Root, Error> {
        self.run_whole(input).map(|ran| ran.value)
    }

    /// The same, with the values of its exports.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_whole(&mut self, input: &Input) -> Result<Evaluation, Error> {
        match self.import(input)? {
            Some(program) => self.ran(&program),
            None => Ok(self.nothing()),
        }
    }

    /// Runs a program as `vm` does: if it exports a function `main`, its top level calls that at its end, with the list of these
    /// words or with nothing, as it has one parameter or none. Gives the last value of the top level.
    ///
    /// ```
    /// use quipu::{Engine, Input};
    ///
    /// let mut session = Engine::new().session(Default::default())?;
    /// let program = Input::text("add.qp", "var sum = 0\nexport fn main(words) { for w in words { sum += int(w) } }\n|| sum");
    /// let sum = session.run_main(&program, &["1", "2"])?;
    /// assert_eq!(session.vm().call(&sum, &[]).map(|sum| session.repr(&sum))??, "3");
    /// # Ok::<(), quipu::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::run`]; the program exports a `main` that is no such function.
    pub fn run_main(&mut self, input: &Input, words: &[impl AsRef<str>]) -> Result<Root, Error> {
        let loaded = &self.loaded;
        let known = |id: &str| Some(loaded.get(id)?.interface.clone());
        let mut modules = self.engine.with_loader(&known, |loader| loader.load_main(input))?.modules;
        let Some(program) = modules.pop() else { return Ok(self.vm.nil()) };
        self.run_modules(&modules)?;
        let main = self.instantiate(&program)?;
        let result: Root = match program.unit.main.body().required {
            0 => self.vm.call(&main, &[])?,
            _ => {
                let words: Vec<String> = words.iter().map(|word| word.as_ref().to_owned()).collect();
                self.vm.invoke(&main, (words,))?
            }
        };
        Ok(self.vm.tuple_item(&result, 0).unwrap_or_else(|| self.vm.nil()))
    }

    /// Runs a program that was compiled before, by this engine, and may be run in any number of sessions. Of the modules
    /// that it imports, those run that have not run here yet.
    ///
    /// # Errors
    /// What the program or a module throws, or a limit.
    pub fn run_program(&mut self, program: &Program) -> Result<Evaluation, Error> {
        let Some((main, modules)) = program.modules.split_last() else { return Ok(self.nothing()) };
        self.run_modules(modules)?;
        self.ran(main)
    }

    fn nothing(&mut self) -> Evaluation {
        Evaluation { value: self.vm.nil(), exports: Vec::new(), main: None }
    }

    /// Runs a program whose imports have run.
    fn ran(&mut self, program: &CompiledModule) -> Result<Evaluation, Error> {
        let main = self.instantiate(program)?;
        let result = self.vm.call(&main, &[])?;
        let value = self.vm.tuple_item(&result, 0).unwrap_or_else(|| self.vm.nil());
        let slots = program.interface.exports.iter().filter_map(|export| match export.kind {
            ExportKind::Slot(slot) => Some((export.name.clone(), slot)),
            ExportKind::Native(_) | ExportKind::Refused(_) => None,
        });
        let item = |(name, slot): (String, u32)| Some((name, self.vm.tuple_item(&result, slot as usize + 1)?));
        Ok(Evaluation { value, exports: slots.filter_map(item).collect(), main: Some(program.unit.main.clone()) })
    }

    /// Begins a program after running the modules that it imports; [`Vm::step`] lets it go on. At its end it gives a
    /// tuple: its last value, then its exports.
    ///
    /// # Errors
    /// As [`Session::run`], for what happens before the program's first instruction.
    pub fn start(&mut self, input: &Input) -> Result<Run, Error> {
        let main = match self.import(input)? {
            Some(program) => self.instantiate(&program)?,
            // There is always a program; an empty one is one too.
            None => self.vm.nil(),
        };
        Ok(self.vm.start(&main, &[])?)
    }

    /// The machine: values by hand, calls in steps, images, figures.
    pub fn vm(&mut self) -> &mut Vm {
        &mut self.vm
    }

    /// Lends data of the host to programs while something is done, as [`Vm::scope`] does.
    pub fn scope<'s, 'env, R>(&'s mut self, action: impl FnOnce(&mut Scope<'s, 'env>) -> R) -> R {
        self.vm.scope(action)
    }

    /// Does something within limits of its own, as [`Vm::with_limits`] does: for a single call.
    ///
    /// ```
    /// use quipu::{Engine, Host, Input, Limits, Stop};
    ///
    /// let mut session = Engine::new().session(Limits::default())?;
    /// let wait = session.run(&Input::text("wait.qp", "|turns| { for _ in 0..turns {}; turns }"))?;
    /// for (turns, outcome) in [(10, Ok(10)), (1_000_000, Err(Some(Stop::Fuel))), (20, Ok(20))] {
    ///     let limits = Limits { fuel: Some(1_000), ..Limits::default() };
    ///     let result: Result<i64, _> = session.with_limits(limits, |session| session.invoke(&wait, (turns,)));
    ///     assert_eq!(result.map_err(|failure| failure.stop()), outcome);
    /// }
    /// # Ok::<(), quipu::Error>(())
    /// ```
    pub fn with_limits<R>(&mut self, limits: Limits, action: impl FnOnce(&mut Session) -> R) -> R {
        within(self, Session::vm, limits, action)
    }

    /// Sets new limits for all that follows; fuel counts from now.
    pub fn set_limits(&mut self, limits: Limits) {
        self.vm.set_limits(limits);
    }

    /// A handle that stops this session from another thread.
    pub fn interrupt_handle(&self) -> Interrupt {
        self.vm.interrupt_handle()
    }

    /// Where the output of programs goes; nowhere by default.
    pub fn set_output(&mut self, output: impl Write + Send + 'static) {
        self.vm.set_output(Box::new(output));
    }

    /// A value as source, as `repr` gives it.
    ///
    /// # Errors
    /// A limit that is hit on the way.
    pub fn repr(&mut self, value: &Root) -> Result<String, Failure> {
        self.vm.repr(value)
    }

    /// What this session has used.
    pub fn stats(&self) -> Stats {
        self.vm.stats()
    }

    /// What a part of the host keeps for this session; natives find it with [`Cx::extension`].
    pub fn extension<T: Default + Send + 'static>(&mut self) -> &mut T {
        self.vm.extension()
    }

    /// An error with the lines of the programs that this session has run, as text: an [`Error`], or the [`Failure`] of a
    /// call.
    #[cfg(feature = "report")]
    pub fn report(&self, error: &impl crate::report::Reported) -> String {
        let reports = error.reports(&|name| self.source(name).cloned());
        let texts: Vec<String> = reports.iter().map(|report| crate::report::text(report, false)).collect();
        if texts.is_empty() { error.to_string() } else { texts.join("\n") }
    }

    /// The source that was run under a name, as traces show it.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// Compiles a program, runs what it imports and has not run yet, and gives the program itself. It is no module: it
    /// may be run again.
    fn import(&mut self, input: &Input) -> Result<Option<CompiledModule>, Error> {
        let loaded = &self.loaded;
        let mut modules = self.engine.load_beside(input, &|id| Some(loaded.get(id)?.interface.clone()))?.modules;
        let program = modules.pop();
        self.run_modules(&modules)?;
        Ok(program)
    }

    /// Runs modules in this order, but for those that have run. One that was compiled anew since is another one.
    fn run_modules(&mut self, modules: &[CompiledModule]) -> Result<(), Error> {
        for module in modules {
            let known = self.loaded.get(&module.location.id);
            if known.is_some_and(|loaded| Arc::ptr_eq(&loaded.interface, &module.interface)) {
                continue;
            }
            let main = self.instantiate(module)?;
            let result = self.vm.call(&main, &[])?;
            let loaded = Loaded { interface: module.interface.clone(), result };
            self.loaded.insert(module.location.id.clone(), loaded);
        }
        Ok(())
    }

    /// The main function of a module whose imports have run.
    fn instantiate(&mut self, module: &CompiledModule) -> Result<Root, Error> {
        self.sources.insert(module.source.name().clone(), module.source.clone());
        let mut captures = Vec::with_capacity(module.unit.imports.len());
        for imported in &module.unit.imports {
            let value = match *imported {
                Imported::Export { import, slot } => {
                    let from = module.imports.get(import as usize).and_then(Option::as_ref);
                    let from = from.and_then(|id| self.loaded.get(id));
                    from.and_then(|from| self.vm.tuple_item(&from.result, slot as usize + 1))
                }
                // There are no variables around a file.
                Imported::Outer(_) => None,
            };
            // The compiler lists only exports of interfaces that the loader gave it, and those modules have run.
            captures.push(value.unwrap_or_else(|| self.vm.nil()));
        }
        Ok(self.vm.instantiate(&module.unit.main, &captures)?)
    }
}

impl Host for Session {
    fn enter<R>(&mut self, action: impl for<'v> FnOnce(&mut Cx<'v>) -> Result<R, Fault<'v>>) -> Result<R, Failure> {
        self.vm.enter(action)
    }

    fn invoke<A: IntoArguments, R: FromValue>(&mut self, function: &Root, arguments: A) -> Result<R, Failure> {
        self.vm.invoke(function, arguments)
    }
}

/// What a program has come to.
///
/// # Examples
/// ```
/// use quipu::{Engine, Host, Input};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let ran = session.run_whole(&Input::text("lib.qp", "export fn twice(x) = 2 * x\n7"))?;
/// assert_eq!(session.get::<i64>(&ran.value)?, 7);
/// let (name, twice) = &ran.exports[0];
/// assert_eq!((name.as_str(), session.invoke::<_, i64>(twice, (4,))?), ("twice", 8));
/// # Ok::<(), quipu::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Evaluation {
    /// Its last value.
    pub value: Root,
    /// Its exports, by name.
    pub exports: Vec<(String, Root)>,
    /// Its code; none only if there was no program.
    pub main: Option<Code>,
}
