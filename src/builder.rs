//! What an engine is made of: the library, what the host adds to it, and where modules come from.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use quipu_code::span::Span;
use quipu_lang::compile::{ExportKind, Interface};
use quipu_lang::resolve::{Arity, Export};
use quipu_stdlib::{Capabilities, Grant, Names};
use quipu_vm::host::{HostClass, HostType, IntoNative};
use quipu_vm::library::Constant;
use quipu_vm::{Clock, NativeDef};

use crate::engine::Engine;
use crate::error::BuildError;
use crate::load::{Files, Resolver};

/// Puts an engine together.
///
/// Names of what the host provides are those that programs write: `log` is a function that every program sees, `geo.dist`
/// is member `dist` of the module that `import geo` gives. A member may have a version, `geo.dist@1`: programs do not
/// see it, but hashes and images do, so that an image is only bound to the version that it was made with.
///
/// # Examples
/// ```
/// use quipu::{Engine, Input};
///
/// let engine = Engine::builder()
///     .native("geo.dist@1", |x: f64, y: f64| x.hypot(y))
///     .constant("geo.ORIGIN", 0)
///     .build()?;
/// let mut session = engine.session(Default::default())?;
/// let far = session.run(&Input::text("far.qp", "import geo\ngeo.dist(3, 4) > geo.ORIGIN"))?;
/// assert_eq!(session.repr(&far)?, "true");
/// # Ok::<(), quipu::Error>(())
/// ```
pub struct Builder {
    grant: Grant,
    natives: Vec<NativeDef>,
    constants: Vec<(String, Constant)>,
    classes: Vec<HostClass>,
    clock: Option<Arc<dyn Clock>>,
    resolver: Arc<dyn Resolver>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("capabilities", &self.grant.capabilities).finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            grant: Grant::pure(),
            natives: Vec::new(),
            constants: Vec::new(),
            classes: Vec::new(),
            clock: None,
            resolver: Arc::new(Files),
        }
    }
}

impl Engine {
    /// What an engine is put together with.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Builder {
    /// What programs may reach beyond computing: nothing unless this says so.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Builder {
        self.grant.capabilities = capabilities;
        self
    }

    /// What `os.args` is, for programs that may ask.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Builder {
        self.grant.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// A function of the host. Its parameters and result are Rust types; see [`quipu_vm::host::convert`].
    #[must_use]
    pub fn native<M>(mut self, name: &str, function: impl IntoNative<M>) -> Builder {
        self.natives.push(function.into_native(name.to_owned()));
        self
    }

    /// A function of the host that has its result later: it gives a future. Only [`call_async`](quipu_vm::Vm::call_async)
    /// waits for it.
    #[cfg(feature = "async")]
    #[must_use]
    pub fn async_native<M>(mut self, name: &str, function: impl quipu_vm::host::IntoAsyncNative<M>) -> Builder {
        self.natives.push(function.into_async_native(name.to_owned()));
        self
    }

    /// A function of the host that works on values directly.
    #[must_use]
    pub fn define(mut self, native: NativeDef) -> Builder {
        self.natives.push(native.of_host());
        self
    }

    /// A constant that programs can name.
    #[must_use]
    pub fn constant(mut self, name: &str, value: impl Into<Constant>) -> Builder {
        self.constants.push((name.to_owned(), value.into()));
        self
    }

    /// A type of the host.
    #[must_use]
    pub fn class<T: HostType>(mut self) -> Builder {
        self.classes.push(T::class().into_host_class());
        self
    }

    /// The clock by which deadlines are kept: the system's unless this says so. Where there is none, in a browser, a host
    /// hands in its own.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use std::time::Duration;
    ///
    /// use quipu::vm::{Clock, Moment};
    /// use quipu::{Engine, Input, Limits, Stop};
    ///
    /// /// A second goes by whenever somebody looks.
    /// #[derive(Default, Debug)]
    /// struct Ticks(Mutex<Duration>);
    ///
    /// impl Clock for Ticks {
    ///     fn now(&self) -> Moment {
    ///         let mut time = self.0.lock().unwrap();
    ///         *time += Duration::from_secs(1);
    ///         Moment::after(*time)
    ///     }
    /// }
    ///
    /// let engine = Engine::builder().clock(Ticks::default()).build()?;
    /// let mut session = engine.session(Default::default())?;
    /// let deadline = session.vm().now() + Duration::from_secs(5);
    /// session.vm().set_limits(Limits { deadline: Some(deadline), ..Limits::default() });
    /// let stopped = session.run(&Input::text("spin.qp", "while true {}"));
    /// assert_eq!(stopped.unwrap_err().stop(), Some(Stop::Time));
    /// # Ok::<(), quipu::Error>(())
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Builder {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Where modules that are imported by path come from: files unless this says so.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Builder {
        self.resolver = Arc::new(resolver);
        self
    }

    /// The engine.
    ///
    /// # Errors
    /// A name that is none, or that something else has already.
    pub fn build(self) -> Result<Engine, BuildError> {
        let (mut library, texts) = crate::engine::library(&self.grant);
        library.clock = self.clock;
        let standard: Vec<&str> = quipu_stdlib::modules().collect();
        let mut modules: HashMap<String, Interface> = HashMap::new();
        let mut add = |name: &str, arity: Option<Arity>, taken: bool| -> Result<(), BuildError> {
            let (path, version) = name.split_once('@').map_or((name, None), |(path, version)| (path, Some(version)));
            let Some((module, member)) = path.split_once('.') else {
                if !is_name(path) || version.is_some() {
                    return Err(BuildError::Name(name.to_owned()));
                }
                return if taken { Err(BuildError::Taken(name.to_owned())) } else { Ok(()) };
            };
            if !is_name(module) || !is_name(member) || version.is_some_and(str::is_empty) {
                return Err(BuildError::Name(name.to_owned()));
            }
            let interface = modules.entry(module.to_owned()).or_insert_with(|| Interface { exports: Vec::new() });
            if standard.contains(&module) || interface.find(member).is_some() || taken {
                return Err(BuildError::Taken(path.to_owned()));
            }
            let kind = ExportKind::Native(name.to_owned());
            interface.exports.push(Export { name: member.to_owned(), kind, arity, doc: None, span: Span::default() });
            Ok(())
        };
        for native in self.natives {
            let arity = Arity { required: native.required, optional: native.optional, rest: native.rest };
            add(&native.name, Some(arity), library.find(&native.name).is_some())?;
            library.natives.insert(native.name.clone(), Arc::new(native));
        }
        for (name, value) in self.constants {
            add(&name, None, library.find(&name).is_some())?;
            library.constants.insert(name, value);
        }
        for class in self.classes {
            add(class.name(), None, library.find(class.name()).is_some())?;
            library.classes.push(Arc::new(class));
        }
        let modules = modules.into_iter().map(|(name, interface)| (name, Arc::new(interface))).collect();
        Ok(Engine::made(library, Names::of, modules, self.grant.capabilities, self.resolver, &texts))
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic()) && chars.all(|c| c.is_alphanumeric() || c == '_')
}
