//! Types: making declared ones, finding members, and the type of any value.

use quipu_code::counted;
use quipu_code::{CaptureSource, ClosureSite, Code, Constant, Op, Word};

use crate::error::ErrorKind;
use crate::heap::layout::{ClosureObject, InstanceObject, Method, Specials, TypeData, TypeObject};
use crate::heap::{Gc, Slot, Special, Type, Value, View, name_of, tag};
use crate::machine::Machine;
use crate::native::Fault;

type Done = Result<(), Fault<'static>>;

/// The tag that stands for a value's built-in type: one for both bools, one for all functions.
pub(crate) fn type_tag(value_tag: u64) -> u64 {
    match value_tag {
        tag::FALSE => tag::TRUE,
        tag::NATIVE => tag::CLOSURE,
        // Nil's tag is 0, which would mean "declared".
        tag::NIL => tag::ABSENT,
        other => other,
    }
}

/// The tags that stand for built-in types.
const BUILTIN: [u64; 15] = [
    tag::ABSENT,
    tag::TRUE,
    tag::INT,
    tag::FLOAT,
    tag::STR,
    tag::BYTES,
    tag::TUPLE,
    tag::RANGE,
    tag::CLOSURE,
    tag::LIST,
    tag::MAP,
    tag::SET,
    tag::TYPE,
    tag::FIBER,
    tag::ERROR,
];

/// The tag that stands for the built-in type with this name.
pub(crate) fn builtin_tag(name: &str) -> Option<u64> {
    BUILTIN.iter().copied().find(|&tag| builtin_name(tag) == Some(name))
}

/// The name of the built-in type that a tag stands for.
pub(crate) fn builtin_name(builtin: u64) -> Option<&'static str> {
    BUILTIN.contains(&builtin).then(|| name_of(if builtin == tag::ABSENT { tag::NIL } else { builtin }))
}

/// What a value is, for messages: "a str", "nil", "an instance of Point".
pub(crate) fn describe(value: Value<'_>) -> String {
    match value.view() {
        View::Nil => "nil".into(),
        View::Absent => "nothing".into(),
        View::Int(_) => "an int".into(),
        View::Error(_) => "an error".into(),
        View::Instance(instance) => {
            // SAFETY: the instance and its type are live.
            let name = unsafe { (*(*instance.as_ptr()).ty).data.name };
            format!("an instance of {}", name.as_str().unwrap_or("?"))
        }
        View::Type(ty) => {
            // SAFETY: the type is live.
            let name = unsafe { (*ty.as_ptr()).data.name };
            format!("the type {}", name.as_str().unwrap_or("?"))
        }
        _ => format!("a {}", value.type_name()),
    }
}

impl TypeData {
    /// The method with this name; names are interned strings of the machine, or equal in content.
    pub fn method(&self, name: Slot) -> Option<Method> {
        let same = self.methods.iter().find(|method| method.name.is_identical(name));
        same.or_else(|| self.methods.iter().find(|method| same_text(method.name, name))).copied()
    }

    /// The index of the field with this name, if it is in the cells of instances.
    pub fn field(&self, name: Slot) -> Option<usize> {
        let same = self.fields.iter().position(|field| field.is_identical(name));
        same.or_else(|| self.fields.iter().position(|&field| same_text(field, name)))
    }

    /// The closure of a special method.
    pub fn special(&self, special: Special) -> Option<Slot> {
        let index = self.special.0[special as usize] as usize;
        Some(self.methods.get(index.checked_sub(1)?)?.closure)
    }

    /// Names of fields and methods, for suggestions.
    pub fn member_names(&self) -> Vec<String> {
        let fields = self.fields.iter().copied();
        let methods = self.methods.iter().map(|method| method.name);
        fields.chain(methods).filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }
}

/// Most names are one object for the whole machine, which is looked for first.
fn same_text(x: Slot, y: Slot) -> bool {
    x.as_str() == y.as_str()
}

impl Machine {
    /// A new type whose constructor and methods are still to come.
    pub(super) fn declare<'v>(&mut self, name: Slot, fields: Box<[Slot]>) -> Type<'v> {
        self.heap.ty(TypeData {
            name,
            builtin: 0,
            constructor: Value::NIL,
            plain: false,
            fields,
            methods: Box::new([]),
            special: Specials::default(),
            host: None,
            twin: None,
        })
    }

    /// Gives a new type, which no program has seen yet, its constructor and methods.
    pub(super) fn complete(&mut self, ty: Type<'_>, constructor: Slot, methods: Box<[Method]>) {
        let mut special = Specials::default();
        // Counted from 1. Declared types have no more (`MAX_METHODS`), and what a class of the host has behind them is not
        // special.
        for (number, method) in (1..=u16::MAX).zip(&methods) {
            if method.instance
                && let Some(which) = method.name.as_str().and_then(Special::named)
            {
                special.0[which as usize] = number;
            }
        }
        let plain = match constructor.view() {
            View::Closure(constructor) => {
                let body = constructor.code().body();
                let ops: Vec<Option<Op>> = body.words.iter().map(|word| word.op()).take(3).collect();
                ops == [Some(Op::MakeInstance), Some(Op::Return)] && body.words[0].b() == 0 && !body.rest
            }
            _ => false,
        };
        // SAFETY: the type is live and nobody else looks at it yet.
        unsafe {
            let data = &mut (*ty.as_ptr()).data;
            data.constructor = constructor;
            data.plain = plain;
            data.methods = methods;
            data.special = special;
            self.heap.bytes += size_of_val(&*data.methods);
        }
    }

    /// Says that a new type's instances hold data of the host.
    pub(super) fn set_class(&mut self, ty: Type<'_>, class: std::sync::Arc<crate::class::HostClass>) {
        // SAFETY: the type is live and nobody else looks at it yet.
        unsafe { (*ty.as_ptr()).data.host = Some(class) };
    }

    pub(super) fn make_type(&mut self, w: Word) -> Done {
        // SAFETY: `fp` is the running frame, its closure keeps its code.
        let code = unsafe { (*(*(*self.fp).closure).code).code().clone() };
        let body = code.body();
        let site = &body.types[w.x() as usize];
        let name = |machine: &mut Machine, index: u32| match &body.constants[index as usize] {
            Constant::Str(text) => machine.interned(text),
            _ => Value::NIL,
        };
        let type_name = name(self, site.name);
        let fields = site.fields.iter().map(|&index| name(self, index)).collect();
        let ty = self.declare(type_name, fields);
        let owner: Slot = Value::from(ty).slot();
        let close = |machine: &mut Machine, site: &ClosureSite| machine.close_site(&code, site, Some(owner));
        let constructor = close(self, &site.constructor);
        let methods = site.methods.iter().map(|method| {
            let name = name(self, method.name);
            Method { name, instance: method.instance, closure: close(self, &method.closure) }
        });
        let methods = methods.collect();
        self.complete(ty, constructor, methods);
        self.set_r(w.a() as usize, owner);
        Ok(())
    }

    /// The closure of a site in the running function's code.
    fn close_site(&mut self, code: &Code, site: &ClosureSite, owner: Option<Slot>) -> Slot {
        let Some(child) = code.body().code_at(site) else { return Value::NIL };
        let prepared = self.prepared(&child);
        // SAFETY: the running closure is live and keeps its code.
        if unsafe { (*(*(*self.fp).closure).code).counted.get() } > 0 {
            self.count(prepared);
        }
        // SAFETY: the running closure is live and has the captures its code lists (checker, and whoever made it); the
        // checker has compared the sources with the child; the closure keeps the prepared code.
        unsafe {
            let running = (*self.fp).closure;
            let from = running.add(1).cast::<Slot>();
            let base = self.base;
            let captures = site.sources.iter().map(|source| match *source {
                CaptureSource::Register(r) => *base.add(r as usize),
                CaptureSource::Free(i) => *from.add(i as usize),
                CaptureSource::Running => Value::raw(tag::CLOSURE, running as u64),
                CaptureSource::Owner => *from.add((*(*running).code).captures()),
            });
            Value::from(self.heap.closure(prepared, captures, owner)).slot()
        }
    }

    /// A closure too large for a cell.
    pub(super) fn make_closure(&mut self, w: Word) -> Done {
        // SAFETY: `fp` is the running frame, its closure keeps its code.
        let code = unsafe { (*(*(*self.fp).closure).code).code().clone() };
        let closure = self.close_site(&code, &code.body().closures[w.x() as usize], None);
        self.set_r(w.a() as usize, closure);
        Ok(())
    }

    /// An instance too large for a cell.
    pub(super) fn make_instance(&mut self, w: Word) -> Done {
        // SAFETY: `fp` is the running frame; its closure has an owner (the handler has looked), which is its last
        // slot; the checker has compared the count with the owner's fields.
        unsafe {
            let closure = (*self.fp).closure;
            let owner = *closure.add(1).cast::<Slot>().add((*(*closure).code).captures());
            let fields = std::slice::from_raw_parts(self.base.add(w.b() as usize), w.c() as usize);
            let instance = self.heap.instance(Gc::from_ptr(owner.bits as *mut TypeObject), fields);
            self.set_r(w.a() as usize, instance.into());
        }
        Ok(())
    }

    /// Whether a value is of a type: `is`.
    pub(crate) fn is_of(&mut self, value: Slot, ty: Slot) -> Result<bool, Fault<'static>> {
        let View::Type(wanted) = ty.view() else {
            let what = describe(ty);
            return Err(self.failure(ErrorKind::Type, format!("is needs a type on its right, not {what}")));
        };
        // SAFETY: the type is live.
        let builtin = unsafe { (*wanted.as_ptr()).data.builtin };
        match value.view() {
            View::Instance(instance) => {
                // SAFETY: the instance is live.
                let own = unsafe { InstanceObject::proper_type(instance.as_ptr()) };
                if own == wanted.as_ptr() {
                    return Ok(true);
                }
                if builtin != 0 {
                    return Ok(false);
                }
                // SAFETY: the instance keeps its type.
                let own = unsafe { Gc::<TypeObject>::from_ptr(own) };
                crate::ops::equal::same_type(self.cx_mut(), own, wanted)
            }
            _ => Ok(type_tag(value.tag) == builtin),
        }
    }

    /// What an error about an instance adds if the running function means another type with the name of its type.
    pub(crate) fn other_version(&mut self, value: Slot) -> String {
        let View::Instance(instance) = value.view() else { return String::new() };
        let own = instance.ty();
        let mut meant: Vec<Slot> = Vec::new();
        // SAFETY: an instruction of the running frame is being carried out; its closure is live, and its registers and captures
        // are. They are only looked at for types.
        unsafe {
            let closure = if self.fp.is_null() { std::ptr::null_mut() } else { (*self.fp).closure };
            if closure.is_null() {
                return String::new();
            }
            let registers = std::slice::from_raw_parts(self.base, (*(*closure).code).registers());
            let captures = Gc::<ClosureObject>::from_ptr(closure).captures();
            meant.extend(registers.iter().copied().chain(captures.map(|value| value.slot())));
        }
        for meant in meant {
            let meant = match meant.view() {
                View::Cell(cell) => cell.get().slot(),
                _ => meant,
            };
            let View::Type(meant) = meant.view() else { continue };
            if let Some(text) = crate::ops::versions::other_version(self.cx_mut(), own, meant) {
                return format!("; it is {text}");
            }
        }
        String::new()
    }

    pub(super) fn is_type(&mut self, w: Word) -> Done {
        let truth = self.is_of(self.r(w.b() as usize), self.r(w.c() as usize))?;
        self.set_r(w.a() as usize, Value::bool(truth));
        Ok(())
    }

    pub(super) fn is_instance(&mut self, w: Word) -> Done {
        let ty = self.r(w.c() as usize);
        let count = match ty.view() {
            // SAFETY: the type is live.
            View::Type(ty) => unsafe {
                let data = &(*ty.as_ptr()).data;
                if data.builtin == 0 { Some(data.fields.len()) } else { None }
            },
            _ => None,
        };
        let Some(count) = count else {
            let what = describe(ty);
            let message = format!("a pattern with fields needs a declared type, not {what}");
            return Err(self.failure(ErrorKind::Type, message));
        };
        if count != w.d() as usize {
            let name = describe(ty);
            let message = format!("{name} has {}, but the pattern has {}", counted(count, "field"), w.d());
            return Err(self.failure(ErrorKind::Arity, message));
        }
        let truth = self.is_of(self.r(w.b() as usize), ty)?;
        self.set_r(w.a() as usize, Value::bool(truth));
        Ok(())
    }

    pub(super) fn get_slot(&mut self, w: Word) -> Done {
        let value = self.r(w.b() as usize);
        if let View::Instance(instance) = value.view()
            && let Some(field) = instance.get(w.c() as usize)
        {
            self.set_r(w.a() as usize, field);
            return Ok(());
        }
        let what = describe(value);
        Err(self.failure(ErrorKind::Type, format!("{what} has no field number {}", w.c())))
    }

    /// The closure runs in a frame but belongs to no type.
    pub(super) fn owner_fault(&mut self, _: Word) -> Done {
        Err(self.failure(ErrorKind::Type, "the function belongs to no type"))
    }
}
