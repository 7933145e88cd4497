//! Making a machine: built-in types, the library's natives, and the library's own code run once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use quipu_lang::code::Code;

use super::machine::{Limits, Machine};
use super::types::{BUILTIN, type_tag};
use crate::cx::Cx;
use crate::heap::layout::{Method, Specials, TypeData};
use crate::heap::{Gc, Heap, Slot, Type, Value, View, tag};
use crate::host::class::HostClass;
use crate::library::{Constant, Library};
use crate::native::{Fault, NativeDef};

impl Machine {
    /// A machine with the built-in types and everything of a library.
    ///
    /// # Errors
    /// What the library's own code throws, or a limit that it hits.
    pub(crate) fn new(library: Arc<Library>, limits: Limits) -> Result<Machine, Fault<'static>> {
        let mut machine = Machine {
            handlers: super::dispatch::TABLE,
            stack_limit: std::ptr::null_mut(),
            frames_end: std::ptr::null_mut(),
            pc: std::ptr::null(),
            base: std::ptr::null_mut(),
            fp: std::ptr::null_mut(),
            fuel: 0,
            fiber: std::ptr::null_mut(),
            result: Value::NIL,
            stop: None,
            over: false,
            thrown: false,
            fault: None,
            stop_trace: None,
            heap: Heap::new(limits.heap, seed()),
            fuel_used: 0,
            slice: 0,
            limits,
            interrupt: Arc::new(AtomicBool::new(false)),
            stepping: super::step::Stepping::default(),
            account: None,
            nesting: 0,
            entered: 0,
            retrying: false,
            waiting: Vec::new(),
            codes: HashMap::new(),
            natives: HashMap::new(),
            methods: (0..32).map(|_| HashMap::new()).collect(),
            types: [std::ptr::null_mut(); 32],
            host_types: HashMap::new(),
            strings: HashMap::new(),
            roots: Vec::new(),
            free_roots: Vec::new(),
            dropped: Default::default(),
            last_trace: None,
            graph_hashes: HashMap::new(),
            library_names: std::cell::OnceCell::new(),
            library: library.clone(),
            extensions: HashMap::new(),
            output: Box::new(std::io::sink()),
        };
        machine.add_types();
        machine.add_natives(&library);
        for (index, module) in library.modules.iter().enumerate() {
            module.names.iter().for_each(|name| machine.provide(name, Value::raw(tag::ABSENT, index as u64)));
        }
        library.classes.iter().for_each(|class| machine.add_class(class));
        for (type_name, function) in &library.conversions {
            machine.set_conversion(type_name, function);
        }
        Ok(machine)
    }

    fn add_types(&mut self) {
        for (tag, name) in BUILTIN {
            let name_slot = self.interned(name);
            let ty = self.heap.ty(TypeData {
                name: name_slot,
                builtin: tag,
                constructor: Value::NIL,
                plain: false,
                fields: Box::new([]),
                methods: Box::new([]),
                special: Specials::default(),
                host: None,
            });
            self.types[tag as usize] = ty.as_ptr();
            self.natives.insert(name.into(), Value::from(ty).slot());
        }
    }

    fn add_natives(&mut self, library: &Library) {
        for (name, def) in &library.natives {
            // The name of a built-in type stays the type; the function of that name converts (`set_conversion`).
            let key: Box<str> = if self.natives.contains_key(name.as_str()) {
                format!("type.{name}").into()
            } else {
                name.as_str().into()
            };
            let native = Value::from(self.heap.native(def.clone())).slot();
            self.natives.insert(key, native);
        }
        for (name, constant) in &library.constants {
            let value = match constant {
                Constant::Nil => Value::NIL,
                Constant::Bool(b) => Value::bool(*b),
                Constant::Int(i) => Value::int(*i),
                Constant::Float(f) => Value::float(*f),
                Constant::Str(s) => Value::from(self.heap.str(s)),
            };
            self.natives.insert(name.as_str().into(), value);
        }
        for (type_name, name, def) in &library.methods {
            let native = Value::from(self.heap.native(def.clone())).slot();
            self.add_method(type_name, name, native);
        }
    }

    /// Makes the type of a class of the host, and files it under the class's name.
    fn add_class(&mut self, class: &Arc<HostClass>) {
        let name = self.interned(class.short_name()).slot();
        let ty = self.declare(name, Box::new([]));
        let native = |machine: &mut Machine, def: &Arc<NativeDef>| Value::from(machine.heap.native(def.clone())).slot();
        let constructor = class.constructor.as_ref().map_or(Value::NIL, |def| native(self, def));
        let methods = class.methods.iter().map(|(name, instance, def)| Method {
            name: self.interned(name).slot(),
            instance: *instance,
            closure: native(self, def),
        });
        let methods = methods.collect();
        self.complete(ty, constructor, methods);
        self.set_class(ty, class.clone());
        self.host_types.insert(class.type_id(), ty.as_ptr());
        self.natives.insert(class.name().into(), Value::from(ty).slot());
    }

    /// The type for a Rust type of the host.
    pub(crate) fn host_type<'v>(&self, of: std::any::TypeId) -> Option<Type<'v>> {
        // SAFETY: types of the host are in the table of natives, so they live as long as the machine.
        self.host_types.get(&of).map(|&ty| unsafe { Gc::from_ptr(ty) })
    }

    fn add_method(&mut self, type_name: &str, name: &str, function: Slot) {
        if let Some(&(tag, _)) = BUILTIN.iter().find(|(_, builtin)| *builtin == type_name) {
            self.methods[tag as usize].insert(name.into(), function);
        }
    }

    /// Files what the library provides under a name: as a method, the conversion to a type, or a native.
    fn provide(&mut self, name: &str, value: Slot) {
        match name.split_once("__") {
            Some((type_name, method)) if !type_name.is_empty() => self.add_method(type_name, method, value),
            _ => {
                let key: Box<str> = if BUILTIN.iter().any(|(_, builtin)| *builtin == name) {
                    format!("type.{name}").into()
                } else {
                    name.into()
                };
                self.natives.insert(key, value);
            }
        }
    }

    /// What the library provides under a name.
    ///
    /// # Errors
    /// Those of loading the library module it is in.
    pub(crate) fn provided<'v>(&mut self, name: &str) -> Result<Option<Value<'v>>, Fault<'v>> {
        let mut found = self.natives.get(name).copied();
        if let Some(Slot { tag: tag::ABSENT, .. }) = found {
            self.load_for(found)?;
            found = self.natives.get(name).copied();
        }
        // SAFETY: the table is a root, and nothing is taken out of it.
        Ok(found.map(|slot| unsafe { slot.rebrand() }))
    }

    /// A method of a built-in type.
    ///
    /// # Errors
    /// Those of loading the library module it is in.
    pub(super) fn builtin_method(&mut self, value_tag: u64, name: Slot) -> Result<Option<Slot>, Fault<'static>> {
        let Some(text) = name.as_str() else { return Ok(None) };
        let of_type = type_tag(value_tag) as usize;
        let found = self.methods.get(of_type).and_then(|methods| methods.get(text)).copied();
        if let Some(Slot { tag: tag::ABSENT, .. }) = found {
            self.load_for(found)?;
            return Ok(self.methods.get(of_type).and_then(|methods| methods.get(text)).copied());
        }
        Ok(found)
    }

    /// Whether a built-in type has a method.
    pub(crate) fn has_builtin_method(&self, value_tag: u64, name: &str) -> bool {
        self.methods.get(type_tag(value_tag) as usize).is_some_and(|methods| methods.contains_key(name))
    }

    /// Runs the library module that is to provide what has this stand-in, and files its exports. That costs no fuel, so
    /// that a program costs the same wherever and whenever it is run.
    #[cold]
    fn load_for<'v>(&mut self, stand_in: Option<Slot>) -> Result<(), Fault<'v>> {
        let library = self.library.clone();
        let Some(module) = stand_in.and_then(|slot| library.modules.get(slot.bits as usize)) else { return Ok(()) };
        // SAFETY: the machine calls it at once, and keeps it while it runs.
        let main: Value<'v> = unsafe { self.close(&(module.code)(module.index), &[]).rebrand() };
        let limits = self.limits.clone();
        let fuel = (self.fuel, self.slice, self.fuel_used);
        self.limits = Limits { fuel: None, deadline: None, ..limits.clone() };
        // What it takes counts, but it is only looked at when the program goes on.
        let heap = std::mem::replace(&mut self.heap.limit, usize::MAX);
        let outcome = self.call_back(main, &[]);
        self.heap.limit = heap;
        self.limits = limits;
        (self.fuel, self.slice, self.fuel_used) = fuel;
        if let View::Tuple(exports) = outcome?.view() {
            for (name, value) in module.names.iter().zip(exports.as_slice().iter().skip(1)) {
                self.provide(name, value.slot());
            }
        }
        self.library_names.take();
        Ok(())
    }

    fn set_conversion(&mut self, type_name: &str, function: &str) {
        let function = self
            .natives
            .get(format!("type.{function}").as_str())
            .or_else(|| self.natives.get(function))
            .copied()
            .unwrap_or(Value::NIL);
        if let Some(&(tag, _)) = BUILTIN.iter().find(|(_, builtin)| *builtin == type_name) {
            let ty = self.types[tag as usize];
            // SAFETY: built-in types live as long as the machine.
            unsafe { (*ty).data.constructor = function };
        }
    }

    /// A closure of code that has only value captures, as main code has.
    pub(crate) fn close(&mut self, code: &Code, captures: &[Slot]) -> Slot {
        let wanted = code.body().free.len();
        let prepared = self.prepared(code);
        let captures = captures.iter().copied().chain(std::iter::repeat(Value::NIL)).take(wanted);
        let captures: Vec<Slot> = captures.collect();
        // SAFETY: the code is prepared, kept by the closure, and gets as many captures as it lists. A capture that is
        // no cell where one is expected is noticed when it is used.
        Value::from(unsafe { self.heap.closure(prepared, captures.into_iter(), None) }).slot()
    }

    /// The machine as natives see it.
    pub(crate) fn cx_mut<'v>(&mut self) -> &mut Cx<'v> {
        // SAFETY: `Cx` is a transparent wrapper. The brand is the caller's: values it gets are used before the next
        // collection, or are protected by `call_back`.
        unsafe { &mut *(self as *mut Machine).cast::<Cx<'v>>() }
    }

    /// As `cx_mut`, from the pointer that handlers have.
    ///
    /// # Safety
    /// `vm` is valid and there is no other reference to the machine.
    #[inline(always)]
    pub(super) unsafe fn cx<'a, 'v>(vm: *mut Machine) -> &'a mut Cx<'v> {
        // SAFETY: the caller's word.
        unsafe { &mut *vm.cast::<Cx<'v>>() }
    }

    /// Moves the position out of the handlers' registers.
    #[inline(always)]
    pub(super) fn store(&mut self, pc: *const u64, base: *mut Slot, fp: *mut super::frame::Frame) {
        self.pc = pc;
        self.base = base;
        self.fp = fp;
    }
}

/// A seed for keyed hashes that differs between machines and processes.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(COUNTER.fetch_add(1, Ordering::Relaxed))
}
