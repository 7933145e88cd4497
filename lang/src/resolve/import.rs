//! Names that come from other modules.

use quipu_code::closest;
use quipu_code::span::Span;

use super::binding::{BindingId, BindingKind, FunctionId};
use super::interface::{Export, ExportKind, Interface};
use super::scope::{Mention, Resolver, Target};
use crate::ast::{Ident, Import};
use crate::diagnostic::Diagnostic;

impl<'s> Resolver<'s, '_> {
    /// Binds what an import statement brings in. Statements that are not at the top level have no number.
    pub(super) fn import(&mut self, import: &'s Import<'s>, span: Span) {
        if self.blocks > 0 {
            self.not_at_top_level("import", span);
            // The names are bound all the same, lest every use of them be reported too.
            let none = BindingKind::Module(u32::MAX);
            for &name in import.alias.iter().chain(import.members.iter().map(|(_, here)| here)) {
                self.declare(name, none, None);
            }
            return;
        }
        let number = self.imports.len() as u32;
        self.imports.push(import.module_span.start);
        if let Some(alias) = import.alias {
            self.declare(alias, BindingKind::Module(number), None);
        }
        for &(name, here) in &import.members {
            let export = match self.interface(number) {
                Some(interface) => match interface.find(name.name) {
                    Some(export) if self.refused(&import.module, &interface.exports[export], name) => u32::MAX,
                    Some(export) => export as u32,
                    None => {
                        self.unknown_member(number, &import.module, name);
                        u32::MAX
                    }
                },
                None => u32::MAX,
            };
            self.declare(here, BindingKind::Member { import: number, export }, None);
        }
    }

    pub(super) fn interface(&self, import: u32) -> Option<&'s Interface> {
        self.interfaces.get(import as usize)?.as_deref()
    }

    /// What `g.name` means.
    pub(super) fn module_member(
        &mut self,
        import: u32,
        module: Ident<'s>,
        member: Option<Ident<'s>>,
        late: bool,
    ) -> Target {
        let Some(interface) = self.interface(import) else { return Target::Unknown };
        let Some(member) = member else {
            self.module_as_value(module, interface);
            return Target::Unknown;
        };
        // A name that is missing has been reported.
        if member.name.is_empty() {
            return Target::Unknown;
        }
        match interface.find(member.name) {
            Some(export) if self.refused(module.name, &interface.exports[export], member) => Target::Unknown,
            Some(export) => self.export(import, export as u32, late),
            None => {
                self.unknown_member(import, module.name, member);
                Target::Unknown
            }
        }
    }

    /// What an export of an imported module means: a native, a value from outside, or the cell that takes that value
    /// when the import statement comes after the function that mentions it.
    pub(super) fn export(&mut self, import: u32, export: u32, late: bool) -> Target {
        let Some(found) = self.interface(import).and_then(|interface| interface.exports.get(export as usize)) else {
            return Target::Unknown;
        };
        let slot = match &found.kind {
            ExportKind::Native(name) => {
                let symbol = self.intern(name);
                if let Some(arity) = found.arity {
                    self.module_natives.insert(symbol, arity);
                }
                return Target::Native(symbol);
            }
            ExportKind::Slot(slot) => *slot,
            // Reported where it is named.
            ExportKind::Refused(_) => return Target::Unknown,
        };
        let name = Ident { name: &found.name, span: found.span };
        let value = match self.imported.get(&(import, slot)) {
            Some(&value) => value,
            None => {
                let symbol = self.intern(name.name);
                let kind = BindingKind::Imported { import, slot };
                let value = self.add_binding(name, symbol, kind, FunctionId::OUTSIDE, found.arity);
                self.imported.insert((import, slot), value);
                value
            }
        };
        if late { Target::Binding(self.late_import(import, export, name, value)) } else { Target::Binding(value) }
    }

    fn late_import(&mut self, import: u32, export: u32, name: Ident<'s>, value: BindingId) -> BindingId {
        if let Some(&(_, cell, _)) = self.late_imports.iter().find(|late| late.2 == value) {
            return cell;
        }
        let symbol = self.intern(name.name);
        let arity = self.bindings[value.0 as usize].arity;
        let kind = BindingKind::Member { import, export };
        let cell = self.add_binding(name, symbol, kind, FunctionId::MAIN, arity);
        self.make_forward(cell, None);
        // The import statement itself takes the value, to put it into the cell.
        self.mentions.push(Mention {
            offset: self.imports[import as usize],
            function: FunctionId::MAIN,
            target: Target::Binding(value),
            forward: false,
            with_member: false,
        });
        self.late_imports.push((import, cell, value));
        cell
    }

    /// Whether the host does not grant an export; reported for each name once, so that one run shows them all.
    fn refused(&mut self, module: &str, export: &Export, member: Ident<'s>) -> bool {
        let ExportKind::Refused(capability) = export.kind else { return false };
        let title = format!("this host does not grant `{module}.{}`", export.name);
        if self.errors.iter().all(|error| error.title != title) {
            let error = Diagnostic::error("Q0218", member.span, title);
            self.errors.push(error.note(format!("it needs the capability `{capability}`")));
        }
        true
    }

    fn unknown_member(&mut self, import: u32, module: &str, member: Ident<'s>) {
        let Some(interface) = self.interface(import) else { return };
        let title = format!("module `{module}` has no member `{}`", member.name);
        let mut error = Diagnostic::error("Q0203", member.span, title);
        let names = interface.exports.iter().map(|export| export.name.as_str());
        if let Some(near) = closest(member.name, names) {
            error = error.patch(format!("did you mean `{near}`?"), member.span, near);
        } else {
            error = error.note(list_of_members(interface));
        }
        self.errors.push(error);
    }

    fn module_as_value(&mut self, module: Ident<'s>, interface: &Interface) {
        let title = format!("`{}` is a module, and a module is not a value", module.name);
        self.errors.push(
            Diagnostic::error("Q0203", module.span, title)
                .help(format!("name one of its members, as in `{}.member`", module.name))
                .note(list_of_members(interface)),
        );
    }
}

fn list_of_members(interface: &Interface) -> String {
    const SHOWN: usize = 12;
    let mut text = String::new();
    for (index, export) in interface.exports.iter().take(SHOWN).enumerate() {
        text += if index == 0 { "it exports " } else { ", " };
        text += &format!("`{}`", export.name);
    }
    match interface.exports.len() {
        0 => "it exports nothing".into(),
        all if all > SHOWN => format!("{text} and {} more", all - SHOWN),
        _ => text,
    }
}
