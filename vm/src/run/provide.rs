//! What the library provides once a program asks for it: types, natives, the library's own code.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::guard::Unlimited;
use super::types::{builtin_name, builtin_tag, type_tag};
use quipu_code::Code;

use super::prepare::names_of_natives;
use crate::class::HostClass;
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::layout::{Method, Specials, TypeData};
use crate::heap::{Gc, Slot, Type, Value, View};
use crate::library::{Constant, Provided, split};
use crate::machine::Machine;
use crate::native::{Fault, NativeDef, Outcome};

/// Tags fit a table of this size.
const TAGS: usize = 32;

impl Machine {
    /// What the library provides under a name.
    ///
    /// # Errors
    /// Those of loading the library module it is in.
    pub(crate) fn provided<'v>(&mut self, name: &str) -> Result<Option<Value<'v>>, Fault<'v>> {
        self.strain();
        let slot = match self.natives.get(name) {
            Some(&slot) => Some(slot),
            None => self.provide_first(name)?,
        };
        // SAFETY: the table is a root, and nothing is taken out of it.
        Ok(slot.map(|slot| unsafe { slot.rebrand() }))
    }

    /// The same, or what stands for it where that is kept.
    ///
    /// # Errors
    /// As [`provided`](Self::provided).
    pub(crate) fn provided_or_unbound<'v>(&mut self, name: &str) -> Result<Option<Value<'v>>, Fault<'v>> {
        let found = self.provided(name)?;
        if found.is_some() || !self.keeps_unbound {
            return Ok(found);
        }
        let slot = self.unbound.get(name).copied().unwrap_or_else(|| self.unbound(name));
        // SAFETY: what is loaded or prepared refers to it before anything is collected.
        Ok(Some(unsafe { slot.rebrand() }))
    }

    /// What was made so far of what the library provides under a name, or stands for what it does not.
    pub(super) fn made(&self, name: &str) -> Option<Slot> {
        self.natives.get(name).or_else(|| self.unbound.get(name)).copied()
    }

    /// A native that stands for what the library does not provide: it is equal to that, has its hash, and goes into images as
    /// that, but it cannot be called.
    fn unbound(&mut self, name: &str) -> Slot {
        let mut def = NativeDef::new(name, 0, not_provided);
        def.rest = true;
        let slot = Value::from(self.heap.native(Arc::new(def))).slot();
        self.unbound.insert(name.into(), slot);
        slot
    }

    /// What the running function names, itself or in functions that it makes, and the library does not provide.
    fn not_provided(&self) -> Vec<String> {
        // SAFETY: while a native runs, the frame of who has called it is the running one; its closure is live, or null in
        // the lowest frame.
        let code = unsafe {
            let closure = if self.fp.is_null() { std::ptr::null_mut() } else { (*self.fp).closure };
            (!closure.is_null()).then(|| (*(*closure).code).code().clone())
        };
        let mut names: Vec<String> = Vec::new();
        let mut codes: Vec<Code> = code.into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(code) = codes.pop() {
            if !seen.insert(code.hash()) {
                continue;
            }
            for name in names_of_natives(code.body()) {
                if !self.provides(name) && !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
            codes.extend(code.body().children.iter().rev().cloned());
        }
        names
    }

    /// Whether the library provides something under a name.
    pub(crate) fn provides(&self, name: &str) -> bool {
        builtin_tag(name).is_some()
            || self.natives.contains_key(name)
            || self.library.find(conversion_of(name).unwrap_or(name)).is_some()
    }

    /// Makes the value that the library provides under a name.
    #[cold]
    fn provide_first<'v>(&mut self, name: &str) -> Result<Option<Slot>, Fault<'v>> {
        let library = self.library.clone();
        let slot = if let Some(tag) = builtin_tag(name) {
            self.add_type(tag, name)?
        } else {
            match library.find(conversion_of(name).unwrap_or(name)) {
                None => return Ok(None),
                Some(Provided::Native(def)) => Value::from(self.heap.native(def)).slot(),
                Some(Provided::Class(class)) => self.add_class(&class),
                Some(Provided::Constant(constant)) => match constant {
                    Constant::Nil => Value::NIL,
                    Constant::Bool(b) => Value::bool(b),
                    Constant::Int(i) => Value::int(i),
                    Constant::Float(f) => Value::float(f),
                    Constant::Str(s) => Value::from(self.heap.str(&s)),
                },
                Some(Provided::Module(module)) => {
                    self.load(module)?;
                    return Ok(self.natives.get(name).copied());
                }
            }
        };
        self.natives.insert(name.into(), slot);
        Ok(Some(slot))
    }

    /// Makes a built-in type. A call of it calls the library's function for that.
    fn add_type<'v>(&mut self, tag: u64, name: &str) -> Result<Slot, Fault<'v>> {
        let converts = self.library.standard.as_ref().is_some_and(|standard| standard.converts(name));
        let constructor = if converts { self.provided(&format!("type.{name}"))? } else { None };
        let name = self.interned(name);
        let ty = self.heap.ty(TypeData {
            name,
            builtin: tag,
            constructor: constructor.unwrap_or(Value::NIL).slot(),
            plain: false,
            fields: Box::new([]),
            methods: Box::new([]),
            special: Specials::default(),
            host: None,
            twin: None,
        });
        Ok(Value::from(ty).slot())
    }

    /// Makes the type of a class of the host.
    fn add_class(&mut self, class: &Arc<HostClass>) -> Slot {
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
        Value::from(ty).slot()
    }

    /// The type for a Rust type of the host.
    pub(crate) fn host_type<'v>(&mut self, of: TypeId) -> Option<Type<'v>> {
        let ty = match self.host_types.get(&of) {
            Some(&ty) => ty,
            None => {
                let library = self.library.clone();
                let class = library.classes.iter().find(|class| class.type_id() == of)?;
                let slot = self.add_class(class);
                self.natives.insert(class.name().into(), slot);
                *self.host_types.get(&of)?
            }
        };
        // SAFETY: types of the host are in the table of natives, so they live as long as the machine.
        Some(unsafe { Gc::from_ptr(ty) })
    }

    /// A method of a built-in type.
    ///
    /// # Errors
    /// Those of loading the library module it is in.
    pub(super) fn builtin_method(&mut self, value_tag: u64, name: Slot) -> Result<Option<Slot>, Fault<'static>> {
        let Some(text) = name.as_str() else { return Ok(None) };
        let of_type = type_tag(value_tag);
        match self.method_made(of_type, text) {
            Some(method) => Ok(Some(method)),
            None => self.provide_method(of_type, text),
        }
    }

    fn method_made(&self, of_type: u64, name: &str) -> Option<Slot> {
        self.methods.get(of_type as usize)?.get(name).copied()
    }

    /// Makes a method of a built-in type that is used for the first time.
    #[cold]
    fn provide_method(&mut self, of_type: u64, name: &str) -> Result<Option<Slot>, Fault<'static>> {
        let library = self.library.clone();
        match builtin_name(of_type).and_then(|type_name| library.find_method(type_name, name)) {
            Some(Provided::Native(def)) => {
                let native = Value::from(self.heap.native(def)).slot();
                self.add_method(of_type, name, native);
                Ok(Some(native))
            }
            Some(Provided::Module(module)) => {
                self.load(module)?;
                Ok(self.method_made(of_type, name))
            }
            _ => Ok(None),
        }
    }

    fn add_method(&mut self, of_type: u64, name: &str, function: Slot) {
        if self.methods.is_empty() {
            self.methods.resize_with(TAGS, HashMap::new);
        }
        self.methods[of_type as usize].insert(name.into(), function);
    }

    /// Whether a built-in type has a method.
    pub(crate) fn has_builtin_method(&self, value_tag: u64, name: &str) -> bool {
        let of_type = type_tag(value_tag);
        self.method_made(of_type, name).is_some()
            || builtin_name(of_type).is_some_and(|type_name| self.library.find_method(type_name, name).is_some())
    }

    /// The names of a built-in type's methods.
    pub(super) fn builtin_methods(&self, value_tag: u64) -> Vec<&'static str> {
        builtin_name(type_tag(value_tag)).map_or_else(Vec::new, |type_name| self.library.methods_of(type_name))
    }

    /// Runs a library module and files its exports. That costs no fuel, so that a program costs the same wherever and
    /// whenever it is run.
    #[cold]
    fn load<'v>(&mut self, module: usize) -> Result<(), Fault<'v>> {
        let library = self.library.clone();
        let Some(module) = library.standard.as_ref().and_then(|standard| standard.module(module)) else {
            return Ok(());
        };
        // SAFETY: the machine calls it at once, and keeps it while it runs.
        let main: Value<'v> = unsafe { self.close(&module.code, &[])?.rebrand() };
        let unlimited = Unlimited::begin(self);
        let outcome = unlimited.machine.call_back(main, &[]);
        drop(unlimited);
        if let View::Tuple(exports) = outcome?.view() {
            for (export, value) in module.names.iter().zip(exports.as_slice().iter().skip(1)) {
                self.file_export(export, value.slot());
            }
        }
        self.library_names.take();
        Ok(())
    }

    /// Files an export: as a method, the conversion to a type, or under its name.
    fn file_export(&mut self, export: &str, value: Slot) {
        match split(export) {
            ("", name) if builtin_tag(name).is_some() => {
                self.natives.insert(format!("type.{name}").into(), value);
            }
            ("", name) => {
                self.natives.insert(name.into(), value);
            }
            (type_name, method) => {
                if let Some(tag) = builtin_tag(type_name) {
                    self.add_method(tag, method, value);
                }
            }
        }
    }
}

/// How the call of an unbound native ends.
fn not_provided<'v>(cx: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
    let own = cx.machine.native().map(|native| native.name.clone()).unwrap_or_default();
    let mut names = cx.machine.not_provided();
    if !names.contains(&own) {
        names.insert(0, own);
    }
    cx.work(names.len())?;
    let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("cannot be called here: the host does not provide {}", shown.join(", "));
    let mut data = Vec::with_capacity(names.len());
    for name in &names {
        data.push(cx.str(name)?);
    }
    let data = cx.list(data)?;
    Err(cx.fail_with(ErrorKind::Capability, message, data.into()))
}

/// The type whose conversion function a name stands for: `type.int` for `int`, which is the type itself.
fn conversion_of(name: &str) -> Option<&str> {
    name.strip_prefix("type.").filter(|name| builtin_tag(name).is_some())
}
