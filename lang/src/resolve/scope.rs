//! Visible names: declaring, looking up, and waiting for declarations further on.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quipu_code::span::{Source, Span};

use super::binding::{Binding, BindingId, BindingKind, FunctionId, FunctionInfo};
use super::interface::{Arity, Interface, Natives, Outer};
use super::symbol::{Symbol, Symbols};
use crate::ast::{Function, Ident, TypeDeclaration};
use crate::token::Findings;

/// The state of the walk.
pub(super) struct Resolver<'s, 'h> {
    pub(super) source: &'h Source,
    pub(super) interfaces: &'s [Option<Arc<Interface>>],
    pub(super) natives: &'h dyn Natives,
    pub(super) symbols: Symbols<'s>,
    /// By symbol: the innermost visible binding.
    visible: Vec<BindingId>,
    /// By symbol: whether the host provides it; asked once.
    native: Vec<Native>,
    /// By symbol: the first declaration in the block that is ending; only used while it ends.
    declared_later: Vec<BindingId>,
    pub(super) bindings: Vec<Binding<'s>>,
    pub(super) functions: Vec<FunctionInfo>,
    pub(super) mentions: Vec<Mention>,
    /// Indexes of the mentions that assign.
    pub(super) assignments: Vec<u32>,
    pub(super) declarations: Vec<(u32, BindingId)>,
    pub(super) function_at: Vec<(u32, FunctionId)>,
    pub(super) forward: HashMap<Option<u32>, Vec<BindingId>, RandomState>,
    pub(super) imported: HashMap<(u32, u32), BindingId, RandomState>,
    pub(super) late_imports: Vec<(u32, BindingId, BindingId)>,
    /// Where the import statements stand that have been passed.
    pub(super) imports: Vec<u32>,
    /// How many arguments natives take that were met as exports of modules only.
    pub(super) module_natives: HashMap<Symbol, Arity, RandomState>,
    pub(super) exports: Vec<(BindingId, Option<&'s str>)>,
    pub(super) calls: Vec<KnownCall>,
    /// Bindings of the scopes that are open.
    stack: Vec<BindingId>,
    /// Names that mean nothing yet; in the end those that mean nothing at all.
    pub(super) pending: Vec<Pending<'s>>,
    /// The methods passed so far, with their types, in the order of their numbers.
    pub(super) methods: Vec<(FunctionId, &'s TypeDeclaration<'s>, &'s Function<'s>)>,
    pub(super) errors: Findings,
    /// Whether something did not parse, so that declarations may be missing.
    pub(super) lost: bool,
    /// The function being walked.
    pub(super) function: FunctionId,
    /// Loops around this point within the function.
    pub(super) loops: u32,
    /// Whether this point is in something deferred within the function.
    pub(super) defers: bool,
    /// `try` bodies around this point in the text.
    pub(super) tries: u32,
    /// Blocks, branches and functions around this point; 0 at the file's top level.
    pub(super) blocks: u32,
    /// Number of the list of names being bound, within which a name may occur once.
    pub(super) list: u32,
    pub(super) lists: u32,
    pub(super) depth: u32,
    pub(super) deepest: u32,
}

/// What the host has under a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Native {
    NotAsked,
    Missing,
    Found(Option<Arity>),
}

/// Something that a name was found to mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Binding(BindingId),
    Native(Symbol),
    Unknown,
}

/// A name that is mentioned, in the order of the walk.
pub(super) struct Mention {
    pub(super) offset: u32,
    pub(super) function: FunctionId,
    pub(super) target: Target,
    /// Whether the declaration comes further on.
    pub(super) forward: bool,
    pub(super) with_member: bool,
}

/// A call whose callee is a name, to be compared with what the name turns out to take.
pub(super) struct KnownCall {
    pub(super) mention: u32,
    /// Whether the callee is a member of the mentioned module.
    pub(super) member: bool,
    pub(super) count: usize,
    pub(super) span: Span,
}

/// What is done with a name.
#[derive(Clone, Copy)]
pub(super) struct Access<'s> {
    pub(super) write: bool,
    /// Whether the statement would be right if it began with `var`.
    pub(super) declares: bool,
    /// The name behind a `.` that follows.
    pub(super) member: Option<Ident<'s>>,
    /// Whether that member is assigned to.
    pub(super) member_write: bool,
}

/// A name that means nothing yet.
pub(super) struct Pending<'s> {
    pub(super) name: Ident<'s>,
    symbol: Symbol,
    mention: u32,
    pub(super) function: FunctionId,
    pub(super) access: Access<'s>,
}

/// A scope that is open.
pub(super) struct Scope {
    first: usize,
    pending: usize,
}

impl<'s, 'h> Resolver<'s, 'h> {
    pub(super) fn new(
        source: &'h Source,
        interfaces: &'s [Option<Arc<Interface>>],
        natives: &'h dyn Natives,
    ) -> Resolver<'s, 'h> {
        Resolver {
            source,
            interfaces,
            natives,
            symbols: Symbols::default(),
            visible: Vec::new(),
            native: Vec::new(),
            declared_later: Vec::new(),
            bindings: Vec::new(),
            functions: vec![FunctionInfo { parent: FunctionId::OUTSIDE, owner: None, free: Vec::new() }],
            mentions: Vec::new(),
            assignments: Vec::new(),
            declarations: Vec::new(),
            function_at: Vec::new(),
            forward: HashMap::default(),
            imported: HashMap::default(),
            late_imports: Vec::new(),
            imports: Vec::new(),
            module_natives: HashMap::default(),
            exports: Vec::new(),
            calls: Vec::new(),
            stack: Vec::new(),
            pending: Vec::new(),
            methods: Vec::new(),
            errors: Findings::default(),
            lost: false,
            function: FunctionId::MAIN,
            loops: 0,
            defers: false,
            tries: 0,
            blocks: 0,
            list: 0,
            lists: 0,
            depth: 0,
            deepest: 0,
        }
    }

    pub(super) fn intern(&mut self, name: &'s str) -> Symbol {
        let symbol = self.symbols.intern(name);
        if self.visible.len() < self.symbols.count() {
            self.visible.push(BindingId::NONE);
            self.native.push(Native::NotAsked);
            self.declared_later.push(BindingId::NONE);
        }
        symbol
    }

    /// Opens a scope.
    pub(super) fn open(&mut self) -> Scope {
        Scope { first: self.stack.len(), pending: self.pending.len() }
    }

    /// Closes a scope that names further on cannot reach into.
    pub(super) fn close(&mut self, scope: Scope, span: Span) {
        for id in self.stack.drain(scope.first..).rev() {
            let binding = &mut self.bindings[id.0 as usize];
            binding.scope = span;
            self.visible[binding.symbol.0 as usize] = binding.shadowed;
        }
    }

    /// Closes a block: names that meant nothing yet may mean what it declared after them.
    pub(super) fn close_block(&mut self, scope: Scope, span: Span, block: Option<u32>) {
        if self.pending.len() > scope.pending {
            self.settle(&scope, block, true);
        }
        self.close(scope, span);
    }

    /// Closes a parameter list: a name in a default may be that of a parameter after it, which is an error.
    pub(super) fn close_parameters(&mut self, scope: Scope, span: Span) {
        if self.pending.len() > scope.pending {
            self.settle(&scope, None, false);
        }
        self.close(scope, span);
    }

    fn settle(&mut self, scope: &Scope, block: Option<u32>, reachable: bool) {
        // Going backwards leaves the first declaration of each name.
        for &id in self.stack[scope.first..].iter().rev() {
            self.declared_later[self.bindings[id.0 as usize].symbol.0 as usize] = id;
        }
        let waiting = self.pending.split_off(scope.pending);
        for pending in waiting {
            let id = self.declared_later[pending.symbol.0 as usize];
            if id == BindingId::NONE {
                self.pending.push(pending);
            } else if pending.function == self.function || !reachable {
                self.used_before_declaration(pending.name, id);
            } else {
                let target = self.target(id, pending.name, pending.access, Some(block));
                let mention = &mut self.mentions[pending.mention as usize];
                mention.with_member = matches!(self.bindings[id.0 as usize].kind, BindingKind::Module(_));
                mention.target = target;
                mention.forward = true;
            }
        }
        for &id in &self.stack[scope.first..] {
            self.declared_later[self.bindings[id.0 as usize].symbol.0 as usize] = BindingId::NONE;
        }
    }

    /// Binds a name from here to the end of the innermost scope.
    pub(super) fn declare(&mut self, name: Ident<'s>, kind: BindingKind, arity: Option<Arity>) -> BindingId {
        let symbol = self.intern(name.name);
        let id = self.add_binding(name, symbol, kind, self.function, arity);
        self.visible[symbol.0 as usize] = id;
        self.stack.push(id);
        self.declarations.push((name.span.start, id));
        id
    }

    /// Binds the variables around the text. They count as declared before it.
    pub(super) fn outer(&mut self, outer: &'s [Outer<'s>]) {
        for &Outer { name, mutable, arity } in outer {
            let symbol = self.intern(name);
            let kind = if mutable { BindingKind::Var } else { BindingKind::Let };
            let name = Ident { name, span: Span::default() };
            let id = self.add_binding(name, symbol, kind, FunctionId::OUTSIDE, arity);
            self.bindings[id.0 as usize].scope = Span::new(0, u32::MAX);
            self.visible[symbol.0 as usize] = id;
        }
    }

    /// Binds the name of what is running, which has no declaration of its own.
    pub(super) fn declare_running(&mut self, name: Ident<'s>, kind: BindingKind, arity: Option<Arity>) -> BindingId {
        let symbol = self.intern(name.name);
        let id = self.add_binding(name, symbol, kind, self.function, arity);
        self.visible[symbol.0 as usize] = id;
        self.stack.push(id);
        id
    }

    pub(super) fn add_binding(
        &mut self,
        name: Ident<'s>,
        symbol: Symbol,
        kind: BindingKind,
        function: FunctionId,
        arity: Option<Arity>,
    ) -> BindingId {
        let id = BindingId(self.bindings.len() as u32);
        self.bindings.push(Binding {
            name,
            kind,
            function,
            in_cell: false,
            forward: false,
            arity,
            scope: Span::default(),
            symbol,
            shadowed: self.visible[symbol.0 as usize],
            list: self.list,
            last_capture: (FunctionId::OUTSIDE, 0),
        });
        id
    }

    /// The innermost visible binding of a name.
    pub(super) fn visible(&mut self, name: &'s str) -> Option<BindingId> {
        let symbol = self.intern(name);
        Some(self.visible[symbol.0 as usize]).filter(|&id| id != BindingId::NONE)
    }

    /// Notes a mention of a name and what it means, as far as that is known already. Gives the mention's index, and
    /// whether the member behind the name was taken with it.
    pub(super) fn mention(&mut self, name: Ident<'s>, access: Access<'s>) -> (u32, bool) {
        let index = self.mentions.len() as u32;
        if name.name == "_" {
            self.underscore_read(name);
            self.push_mention(name, Target::Unknown, false);
            return (index, false);
        }
        if access.write {
            self.assignments.push(index);
        }
        let symbol = self.intern(name.name);
        let id = self.visible[symbol.0 as usize];
        if id != BindingId::NONE {
            let target = self.target(id, name, access, None);
            let with_member = matches!(self.bindings[id.0 as usize].kind, BindingKind::Module(_));
            self.push_mention(name, target, with_member);
            return (index, with_member);
        }
        if let Native::Found(_) = self.native(symbol) {
            if access.write {
                self.assignment_to_native(name, access.declares);
            }
            self.push_mention(name, Target::Native(symbol), false);
            return (index, false);
        }
        self.pending.push(Pending { name, symbol, mention: index, function: self.function, access });
        self.push_mention(name, Target::Unknown, false);
        (index, false)
    }

    fn push_mention(&mut self, name: Ident<'s>, target: Target, with_member: bool) {
        let (offset, function) = (name.span.start, self.function);
        self.mentions.push(Mention { offset, function, target, forward: false, with_member });
    }

    /// What a binding means to somebody who mentions it; `late` is the block around if it comes further on.
    fn target(&mut self, id: BindingId, name: Ident<'s>, access: Access<'s>, late: Option<Option<u32>>) -> Target {
        let kind = self.bindings[id.0 as usize].kind;
        if access.write && kind != BindingKind::Var {
            self.assignment_to_immutable(name, id);
            return Target::Unknown;
        }
        match kind {
            BindingKind::Module(_) if access.member_write => {
                self.assignment_to_member(name, access.member);
                Target::Unknown
            }
            BindingKind::Module(import) => self.module_member(import, name, access.member, late.is_some()),
            BindingKind::Member { import, export } => self.export(import, export, late.is_some()),
            _ => {
                if let Some(block) = late {
                    self.make_forward(id, block);
                }
                Target::Binding(id)
            }
        }
    }

    /// Has the cell of a binding made where its block begins.
    pub(super) fn make_forward(&mut self, id: BindingId, block: Option<u32>) {
        let binding = &mut self.bindings[id.0 as usize];
        if !binding.forward {
            binding.forward = true;
            self.forward.entry(block).or_default().push(id);
        }
    }

    fn native(&mut self, symbol: Symbol) -> Native {
        let known = self.native[symbol.0 as usize];
        if known != Native::NotAsked {
            return known;
        }
        let asked = match self.natives.find(self.symbols.name(symbol)) {
            Some(info) => Native::Found(info.arity),
            None => Native::Missing,
        };
        self.native[symbol.0 as usize] = asked;
        asked
    }

    /// How many arguments something takes, where that is known.
    pub(super) fn arity(&self, target: Target) -> Option<Arity> {
        match target {
            Target::Binding(id) => self.bindings[id.0 as usize].arity,
            Target::Native(symbol) => match self.native[symbol.0 as usize] {
                Native::Found(arity) => arity,
                _ => self.module_natives.get(&symbol).copied(),
            },
            Target::Unknown => None,
        }
    }
}
