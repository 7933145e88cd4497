//! How natives are declared: one table for each file, a line for each native, from which definitions and manual come.

use std::sync::Arc;

use quipu_vm::library::Constant;
use quipu_vm::native::{Control, HostFn, Intrinsic};
use quipu_vm::{NativeDef, NativeFn, NativeRun};

use crate::grant::{Capability, Grant};

/// One native: everything there is to know of it.
pub(crate) struct Entry {
    /// How it is called: `pad_start(width, fill = " ")`. A method's does not mention `self`.
    pub signature: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Length of the name that the signature begins with.
    name_length: usize,
    parameters: Parameters,
    shown: Option<&'static str>,
    run: Run,
    fallback: Option<&'static str>,
    intrinsic: Intrinsic,
    /// What the host must grant for it to be there, beside what its module needs.
    pub needs: Option<Capability>,
}

#[derive(Clone, Copy)]
enum Run {
    Plain(NativeFn),
    Control(Control),
    Hosted(Hosted),
}

/// Makes a native from what the host grants.
pub(crate) type Hosted = fn(&Grant) -> Box<HostFn>;

/// Declares a native that is a Rust function.
pub(crate) const fn native(signature: &'static str, doc: &'static str, run: NativeFn) -> Entry {
    entry(signature, doc, Run::Plain(run))
}

/// Declares a native that the machine itself carries out.
pub(crate) const fn control(signature: &'static str, doc: &'static str, run: Control) -> Entry {
    entry(signature, doc, Run::Control(run))
}

/// Declares a native that holds on to something of the host.
pub(crate) const fn hosted(signature: &'static str, doc: &'static str, run: Hosted) -> Entry {
    entry(signature, doc, Run::Hosted(run))
}

const fn entry(signature: &'static str, doc: &'static str, run: Run) -> Entry {
    let (name_length, parameters) = read(signature.as_bytes());
    Entry {
        signature,
        doc,
        name_length,
        parameters,
        shown: None,
        run,
        fallback: None,
        intrinsic: Intrinsic::None,
        needs: None,
    }
}

/// The length of the name that a signature begins with, and the parameters in it. Read by the compiler, as every process
/// needs most of them.
const fn read(signature: &[u8]) -> (usize, Parameters) {
    let mut parameters = Parameters { required: 0, optional: 0, rest: false };
    let mut at = 0;
    while at < signature.len() && signature[at] != b'(' {
        at += 1;
    }
    let name_length = at;
    // Of the parameter that is being read: its first byte, and whether it has a default. That may be a comma in quotes.
    let (mut first, mut has_default, mut is_quoted) = (0, false, false);
    while at + 1 < signature.len() {
        at += 1;
        match signature[at] {
            b' ' => {}
            b',' | b')' if !is_quoted => {
                match first {
                    0 => {}
                    b'.' => parameters.rest = true,
                    _ if has_default => parameters.optional += 1,
                    _ => parameters.required += 1,
                }
                (first, has_default) = (0, false);
            }
            byte => {
                is_quoted ^= byte == b'"';
                has_default |= byte == b'=';
                if first == 0 {
                    first = byte;
                }
            }
        }
    }
    (name_length, parameters)
}

/// A value that the library provides, with its name and meaning.
pub(crate) struct Value {
    /// The name.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// The value.
    pub value: Constant,
}

/// The parameters of a native, as its signature says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parameters {
    pub required: u8,
    pub optional: u8,
    pub rest: bool,
}

impl Entry {
    /// Names the library function in the language that takes over when the native defers.
    pub const fn or(mut self, fallback: &'static str) -> Entry {
        self.fallback = Some(fallback);
        self
    }

    /// Says what errors call it, if programs come to it by something else.
    pub const fn shown(mut self, name: &'static str) -> Entry {
        self.shown = Some(name);
        self
    }

    /// Says that the run loop knows it.
    pub const fn known(mut self, intrinsic: Intrinsic) -> Entry {
        self.intrinsic = intrinsic;
        self
    }

    /// Leaves it out where the host does not grant this.
    pub const fn needing(mut self, capability: Capability) -> Entry {
        self.needs = Some(capability);
        self
    }

    /// The name that the signature begins with.
    pub fn name(&self) -> &'static str {
        &self.signature[..self.name_length]
    }

    /// What the signature says about arguments.
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Whether it holds on to something of the host.
    pub fn is_hosted(&self) -> bool {
        matches!(self.run, Run::Hosted(_))
    }

    /// The definition for the machine. `prefix` goes before the name; `receiver` adds a parameter for `self`.
    pub fn define(&self, prefix: &str, receiver: bool, grant: &Grant) -> Arc<NativeDef> {
        let Parameters { required, optional, rest } = self.parameters;
        Arc::new(NativeDef {
            name: [prefix, self.name()].concat(),
            required: required + receiver as u8,
            optional,
            rest,
            shown: self.shown,
            run: match self.run {
                Run::Plain(run) => NativeRun::Plain(run),
                Run::Control(control) => NativeRun::Control(control),
                Run::Hosted(make) => NativeRun::Host(make(grant)),
            },
            fallback: self.fallback,
            intrinsic: self.intrinsic,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_say_name_and_arguments() {
        let entry = |signature| native(signature, "", |_, _| Ok(quipu_vm::Value::NIL));
        let of = |signature| {
            let Parameters { required, optional, rest } = entry(signature).parameters();
            (entry(signature).name(), required, optional, rest)
        };
        assert_eq!(of("len()"), ("len", 0, 0, false));
        assert_eq!(of("insert(i, x)"), ("insert", 2, 0, false));
        assert_eq!(of("pad_start(width, fill = \" \")"), ("pad_start", 1, 1, false));
        assert_eq!(of("parse(text, sep = \",\")"), ("parse", 1, 1, false));
        assert_eq!(of("print(..values)"), ("print", 0, 0, true));
    }

    #[test]
    fn a_method_takes_one_argument_more() {
        let def = native("push(x)", "", |_, _| Ok(quipu_vm::Value::NIL));
        let def = def.define("list.", true, &Grant::pure());
        assert_eq!((def.name.as_str(), def.required), ("list.push", 2));
    }
}
