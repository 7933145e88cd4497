//! Scopes: what every name in a source means, and which variables each function takes from outside.
//!
//! The resolver walks the tree once in the order of the text, keeping for every name the innermost visible binding.
//! A name that means nothing yet waits until a block around it ends, since it may be declared further on. Afterwards
//! all mentions are gone through once more in the order of the text to list each function's free variables.

mod interface;
mod symbol;
mod table;
mod binding;
mod scope;
mod pattern;
mod walk;
mod import;
mod capture;
mod methods;
mod lost;
mod unknown;
mod report;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quipu_code::FreeKind;
use quipu_code::span::{Source, Span};

use crate::ast::Module;
use crate::diagnostic::Diagnostic;

pub use binding::{Binding, BindingId, BindingKind, Capture, FunctionId, FunctionInfo, Place, Use};
pub use interface::{Arity, Export, ExportKind, Interface, NativeInfo, Natives, Outer};
pub use symbol::{Symbol, Symbols};
pub use table::Table;

use scope::Resolver;

/// What all names of a source mean.
#[derive(Debug)]
pub struct Resolution<'s> {
    /// Everything that is bound somewhere.
    pub bindings: Vec<Binding<'s>>,
    /// Every function; number 0 is the file's top level.
    pub functions: Vec<FunctionInfo>,
    /// The names in the source.
    pub symbols: Symbols<'s>,
    /// What each mention of a name means, by the offset of the name.
    pub uses: Table<Use>,
    /// What each name where it is bound stands for, by the offset of the name.
    pub declarations: Table<BindingId>,
    /// The function or type constructor that begins at an offset.
    pub function_at: Table<FunctionId>,
    /// Bindings whose cells are made where a block begins, by the offset of the block; the file's own under None.
    pub forward: HashMap<Option<u32>, Vec<BindingId>, RandomState>,
    /// Imported values that functions before their import statement reach through a cell: the number of the statement,
    /// the cell's binding, and the value's.
    pub late_imports: Vec<(u32, BindingId, BindingId)>,
    /// Exported bindings in the order of the text, with their `##` comments.
    pub exports: Vec<(BindingId, Option<&'s str>)>,
    /// How deep the tree is.
    pub depth: u32,
    /// Assignments to variables, sorted: the variable and the offset of its name.
    assignments: Vec<(BindingId, u32)>,
}

impl Resolution<'_> {
    /// The binding with this index.
    pub fn binding(&self, id: BindingId) -> &Binding<'_> {
        &self.bindings[id.0 as usize]
    }

    /// The function with this index.
    pub fn function(&self, id: FunctionId) -> &FunctionInfo {
        &self.functions[id.0 as usize]
    }

    /// Whether a variable is assigned to within a part of the text.
    pub fn assigned_in(&self, binding: BindingId, span: Span) -> bool {
        let index = self.assignments.partition_point(|&entry| entry < (binding, span.start));
        self.assignments.get(index).is_some_and(|&entry| entry < (binding, span.end))
    }

    /// Index of a value among the free variables of the file's top level.
    pub fn main_free(&self, binding: BindingId) -> Option<u16> {
        let free = &self.functions[0].free;
        free.iter().position(|capture| capture.binding == binding).map(|index| index as u16)
    }
}

/// Finds out what every name in a module means; the findings that are errors come in the order of the text. `outer` are the
/// variables around it, of which later ones hide earlier ones; their bindings come first, in the same order.
pub fn resolve<'s>(
    module: &'s Module<'s>,
    source: &Source,
    interfaces: &'s [Option<Arc<Interface>>],
    natives: &dyn Natives,
    outer: &'s [Outer<'s>],
) -> (Resolution<'s>, Vec<Diagnostic>) {
    let mut resolver = Resolver::new(source, interfaces, natives);
    resolver.outer(outer);
    resolver.module(module);
    resolver.finish()
}

impl Binding<'_> {
    /// How a closure whose text begins after the declaration takes it.
    fn kind_for_later(&self) -> FreeKind {
        if self.kind == BindingKind::Var { FreeKind::Cell } else { FreeKind::Value }
    }
}
