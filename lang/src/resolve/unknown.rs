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
        if let Some(near) = self.similar(unknown) {
            return Some(Help::patch(format!("did you mean `{near}`?"), span, near));
        }
        if let Some(module) = closest(name, modules) {
            return import(module);
        }
        unknown.access.declares.then(|| {
            let at_start = Span::new(span.start, span.start);
            Help::patch(format!("declare it: `var {name} = ..`"), at_start, "var ")
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

    fn similar(&self, unknown: &Pending<'s>) -> Option<String> {
        let (name, offset) = (unknown.name.name, unknown.name.span.start);
        // Any letter is close to any other.
        name.chars().nth(1)?;
        // What other modules give has no scope here.
        let bound = self.bindings.iter().filter(|binding| binding.scope.start <= offset && offset < binding.scope.end);
        let near = closest(name, bound.map(|binding| binding.name.name));
        // What is built in has no members to speak of.
        let built_in = || if unknown.access.member.is_none() { closest(name, self.natives.names()) } else { None };
        near.or_else(built_in).map(String::from)
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
