//! What was probably meant by a name that means nothing where it stands.

use quipu_code::closest;
use quipu_code::span::Span;

use super::binding::FunctionId;
use super::scope::{Pending, Resolver};
use crate::ast::{Function, TypeDeclaration};
use crate::diagnostic::{Diagnostic, Help};

/// Unknown names that suggestions are looked for; a source with more has another problem.
const SUGGESTIONS: usize = 100;

/// Constants of other languages, and ours for them.
const FOREIGN_CONSTANTS: [(&str, &str); 9] = [
    ("null", "nil"),
    ("NULL", "nil"),
    ("Null", "nil"),
    ("None", "nil"),
    ("undefined", "nil"),
    ("True", "true"),
    ("TRUE", "true"),
    ("False", "false"),
    ("FALSE", "false"),
];

/// Functions of other languages, and what does the same here.
const FOREIGN_FUNCTIONS: [(&str, &str); 29] = [
    ("all", "`all` is a method: `xs.all(|x| ..)`"),
    ("any", "`any` is a method: `xs.any(|x| ..)`"),
    ("bin", "`format(n, \"b\")`, or `${n:b}` in a string, shows an int in binary"),
    ("dict", "a map is written `[key: value]`, and `map(pairs)` makes one"),
    ("divmod", "write `(a // b, a % b)`"),
    ("enumerate", "`enumerate` is a method: `xs.enumerate()`"),
    ("exit", "write `import os` at the top, then `os.exit(code)`"),
    ("filter", "`filter` is a method: `xs.filter(|x| ..)`"),
    ("getattr", "a field is read with `v.name`, and a key with `m[name]`"),
    ("hex", "`format(n, \"x\")`, or `${n:x}` in a string, shows an int in hexadecimal; `import hex` is for bytes"),
    ("input", "write `import io` at the top, then `io.read_line()`"),
    ("isinstance", "`v is T` tests a type"),
    ("instanceof", "`v is T` tests a type"),
    ("join", "`join` is a method: `xs.join(\", \")`"),
    ("next", "`f.resume()` goes on with a fiber"),
    ("oct", "`format(n, \"o\")`, or `${n:o}` in a string, shows an int in octal"),
    ("open", "write `import fs` at the top, then `fs.read(path)` or `fs.write(path, text)`"),
    ("parseFloat", "write `float(text)`"),
    ("parseInt", "write `int(text)`"),
    ("pow", "write `a ** b`"),
    ("printf", "`print(\"${x:.2}\")` shows with a format"),
    ("println", "write `print(..)`, which ends the line"),
    ("reduce", "`reduce` is a method: `xs.reduce(|a, b| ..)`"),
    ("reversed", "`reversed` is a method: `xs.reversed()`"),
    ("sorted", "`sorted` is a method: `xs.sorted()`, or `xs.sorted_by(|x| ..)` by a key"),
    ("sprintf", "`format(x, \".2\")`, or `${x:.2}` in a string, shows with a format"),
    ("time", "write `import time` at the top, then `time.now()`"),
    ("typeof", "write `type_of(v)`; `v is T` tests a type"),
    ("zip", "`zip` is a method: `xs.zip(ys)`"),
];

impl<'s> Resolver<'s, '_> {
    pub(super) fn report_unknown(&mut self) {
        // A declaration that did not parse may be just the one that is missed.
        if self.lost {
            return;
        }
        for (count, unknown) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            let name = unknown.name;
            let error = Diagnostic::error("Q0201", name.span, format!("nothing is called `{}` here", name.name));
            let help = if count < SUGGESTIONS { self.advice(&unknown) } else { None };
            self.errors.push(match help {
                Some(help) => Diagnostic { help: Some(help), ..error },
                None => error.label("not in scope"),
            });
            if self.errors.is_full() {
                break;
            }
        }
    }

    fn advice(&self, unknown: &Pending<'s>) -> Option<Help> {
        let (name, span) = (unknown.name.name, unknown.name.span);
        let say = |text: String| Some(Help::text(text));
        let write = |text: &str| Some(Help::patch(format!("write `{text}`"), span, text));
        if let Some((_, ours)) = FOREIGN_CONSTANTS.iter().find(|(foreign, _)| *foreign == name) {
            return Some(Help::safe_patch(format!("write `{ours}`"), span, *ours));
        }
        let around = self.method_around(unknown.function);
        if matches!(name, "self" | "this") {
            return match around? {
                (_, method) if method.takes_self() => Some(Help::safe_patch("write `self`", span, "self")),
                _ => say("a method that uses `self` has it as its first parameter".into()),
            };
        }
        if let Some((owner, method)) = around
            && let Some(member) = member(owner, name)
        {
            return match member {
                Member::OfType => write(&format!("{}.{name}", owner.name.name)),
                Member::OfInstance if method.takes_self() => write(&format!("self.{name}")),
                Member::OfInstance => say(format!("write `self.{name}`, and make `self` the method's first parameter")),
            };
        }
        let import = |module: &str| say(format!("`{module}` is a module; write `import {module}` at the top"));
        let modules = if unknown.access.member.is_some() { self.natives.modules() } else { Vec::new() };
        if modules.contains(&name) {
            return import(name);
        }
        let is_called = self.source.text()[span.end as usize..].starts_with('(');
        if let Some((_, advice)) = FOREIGN_FUNCTIONS.iter().find(|(foreign, _)| is_called && *foreign == name) {
            return say((*advice).to_owned());
        }
        let similar = |near: &str| Some(Help::patch(format!("did you mean `{near}`?"), span, near));
        if let Some(near) = self.similar(unknown) {
            return similar(near);
        }
        if let Some(help) = self.member_of_module(name, span, is_called) {
            return Some(help);
        }
        // What is built in has no members to speak of; any letter is close to any other.
        if unknown.access.member.is_none()
            && name.chars().nth(1).is_some()
            && let Some(near) = closest(name, self.natives.names())
        {
            return similar(near);
        }
        if let Some(module) = closest(name, modules) {
            return import(module);
        }
        unknown.access.declares.then(|| {
            let at_start = Span::new(span.start, span.start);
            Help::patch(format!("declare it: `var {name} = ..`"), at_start, "var ")
        })
    }

    /// The advice for a name that a standard module has. Constants of mathematics aside, only functions are known so well.
    fn member_of_module(&self, name: &str, span: Span, is_called: bool) -> Option<Help> {
        name.chars().nth(1)?;
        let module = self.natives.module_with(name).filter(|&module| is_called || module == "math")?;
        let full = format!("{module}.{name}");
        let is_imported = self.bindings.iter().any(|binding| {
            binding.name.name == module && binding.scope.start <= span.start && span.start < binding.scope.end
        });
        Some(match is_imported {
            true => Help::patch(format!("write `{full}`"), span, full),
            false => Help::text(format!("write `import {module}` at the top, then `{full}`")),
        })
    }

    /// The method that a function is or is within, and its type.
    fn method_around(&self, mut function: FunctionId) -> Option<(&'s TypeDeclaration<'s>, &'s Function<'s>)> {
        loop {
            if let Ok(index) = self.methods.binary_search_by_key(&function.0, |method| method.0.0) {
                let (_, owner, method) = self.methods[index];
                return Some((owner, method));
            }
            function = self.functions.get(function.0 as usize)?.parent;
        }
    }

    fn similar(&self, unknown: &Pending<'s>) -> Option<&'s str> {
        let (name, offset) = (unknown.name.name, unknown.name.span.start);
        // Any letter is close to any other.
        name.chars().nth(1)?;
        // What other modules give has no scope here.
        let bound = self.bindings.iter().filter(|binding| binding.scope.start <= offset && offset < binding.scope.end);
        closest(name, bound.map(|binding| binding.name.name))
    }
}

/// Whose member a name is that a method mentions without saying so.
enum Member {
    OfInstance,
    OfType,
}

fn member(owner: &TypeDeclaration<'_>, name: &str) -> Option<Member> {
    if owner.fields.iter().any(|(field, _)| field.name == name) {
        return Some(Member::OfInstance);
    }
    let method = owner.methods.iter().find(|method| method.name.is_some_and(|its| its.name == name))?;
    Some(if method.takes_self() { Member::OfInstance } else { Member::OfType })
}
