//! Type declarations: a constructor, and the methods.

use quipu_code::{Code, MAX_METHODS, MethodSite, Op, TypeSite, Word};

use super::emit::Compiler;
use super::function::Title;
use super::register::{Reg, Want};
use crate::ast::TypeDeclaration;
use crate::resolve::FunctionId;

impl<'s> Compiler<'s> {
    /// Makes a type.
    pub(super) fn type_declaration(&mut self, declaration: &'s TypeDeclaration<'s>, out: Reg) {
        if !self.f.reachable {
            return;
        }
        if declaration.methods.len() > MAX_METHODS {
            let title = format!("a type has at most {MAX_METHODS} methods");
            return self.too_large(declaration.span, &title, "make functions of some of them");
        }
        let Some((id, constructor)) = self.constructor(declaration) else { return };
        let mut methods = Vec::with_capacity(declaration.methods.len());
        for method in &declaration.methods {
            methods.extend(self.function(method).map(|made| (method, made)));
        }
        // A text constant is numbered when it is first mentioned, so the order here is that of the site.
        let name = self.f.constants.text(&mut self.texts, declaration.name.name);
        let fields = declaration.fields.iter();
        let fields = fields.map(|(field, _)| self.f.constants.text(&mut self.texts, field.name)).collect();
        let sources = self.sources(id);
        let constructor = self.f.site(constructor, sources);
        let methods = methods.into_iter().map(|(method, (id, code))| {
            let sources = self.sources(id);
            MethodSite {
                name: self.f.constants.text(&mut self.texts, method.name.map_or("", |name| name.name)),
                instance: method.takes_self(),
                closure: self.f.site(code, sources),
            }
        });
        let methods = methods.collect();
        let index = self.f.types.len() as u32;
        self.f.types.push(TypeSite { name, fields, constructor, methods });
        self.emit(declaration.span, Word::ax(Op::MakeType, out, index));
    }

    /// The function that makes an instance of its fields.
    fn constructor(&mut self, declaration: &'s TypeDeclaration<'s>) -> Option<(FunctionId, Code)> {
        let id = self.resolution.function_at.get(declaration.span.start)?;
        let around = self.begin_function(id);
        let fields = &declaration.fields;
        let defaults = fields.iter().map(|(_, default)| (default.is_some(), false));
        let counts = self.counts(fields.len(), defaults, declaration.span);
        self.take_many(declaration.span, fields.len());
        for (register, (name, default)) in (0..=Reg::MAX).zip(fields) {
            if let Some(default) = default {
                self.default(register, default);
            }
            if let Some(binding) = self.resolution.declarations.get(name.span.start) {
                self.name_register(binding, register);
            }
        }
        let out = self.take(declaration.span);
        self.emit(declaration.span, Word::abc(Op::MakeInstance, out, 0, fields.len() as u16));
        self.deliver(declaration.span, Want::Tail, out);
        self.end_locals(0);
        let title = Title {
            name: declaration.name.name,
            span: declaration.span,
            doc: declaration.doc.as_deref(),
            params: fields.iter().map(|(name, _)| name.name.into()).collect(),
        };
        let code = self.finish(counts, title);
        self.end_function(around);
        Some((id, code?))
    }
}
