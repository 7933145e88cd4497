//! Free-variable lists: made from all mentions, in the order of the text.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use quipu_code::FreeKind;

use super::binding::{Binding, BindingId, BindingKind, Capture, FunctionId, FunctionInfo, Place, Use};
use super::scope::{Mention, Target};
use crate::diagnostic::Diagnostic;
use crate::token::Findings;

/// Gives every function its free variables and every mention its place. `mentions` are in the order of the text.
pub(super) fn capture(
    mentions: &[Mention],
    bindings: &mut [Binding<'_>],
    functions: &mut [FunctionInfo],
    errors: &mut Findings,
) -> Vec<(u32, Use)> {
    let mut captures = Captures { bindings, functions, indexes: HashMap::default(), full: false };
    let mut uses = Vec::with_capacity(mentions.len());
    let mut is_reported = false;
    for mention in mentions {
        let place = match mention.target {
            Target::Unknown => Place::Unknown,
            Target::Native(symbol) => Place::Native(symbol),
            Target::Binding(id) => captures.place(id, mention.function, mention.forward),
        };
        uses.push((mention.offset, Use { place, with_member: mention.with_member }));
        if captures.full && !is_reported {
            is_reported = true;
            let span = quipu_code::span::Span::new(mention.offset, mention.offset);
            let title = "a function takes at most 65,535 variables from outside";
            errors.push(Diagnostic::error("Q0217", span, title).help("keep them in a list or a map"));
        }
    }
    uses
}

struct Captures<'a, 's> {
    bindings: &'a mut [Binding<'s>],
    functions: &'a mut [FunctionInfo],
    indexes: HashMap<(FunctionId, BindingId), u16, RandomState>,
    full: bool,
}

impl Captures<'_, '_> {
    fn place(&mut self, id: BindingId, function: FunctionId, forward: bool) -> Place {
        if self.is_home(id, function) {
            return match self.bindings[id.0 as usize].kind {
                BindingKind::Running => Place::Running,
                BindingKind::Owner => Place::Owner,
                _ => Place::Local(id),
            };
        }
        let binding = &mut self.bindings[id.0 as usize];
        let kind = if forward { FreeKind::Cell } else { binding.kind_for_later() };
        binding.in_cell |= kind == FreeKind::Cell;
        let (last, index) = binding.last_capture;
        if last == function {
            return Place::Free(index, kind);
        }
        Place::Free(self.free(id, function, kind), kind)
    }

    /// Whether the function finds the binding without a free variable.
    fn is_home(&self, id: BindingId, function: FunctionId) -> bool {
        let binding = &self.bindings[id.0 as usize];
        match binding.kind {
            BindingKind::Owner => self.functions[function.0 as usize].owner == Some(id),
            _ => binding.function == function,
        }
    }

    /// The binding's index among the free variables of a function that is not its home, and of every function between.
    fn free(&mut self, id: BindingId, mention: FunctionId, kind: FreeKind) -> u16 {
        let mut function = mention;
        // The last free variable that was added, which still lacks its index in the function around.
        let mut inner: Option<(FunctionId, u16)> = None;
        let mut found = None;
        loop {
            let known = self.indexes.get(&(function, id)).copied();
            let index = known.unwrap_or_else(|| {
                let free = &mut self.functions[function.0 as usize].free;
                let index = u16::try_from(free.len()).unwrap_or_else(|_| {
                    self.full = true;
                    u16::MAX
                });
                free.push(Capture { binding: id, kind, outer: None });
                self.indexes.insert((function, id), index);
                index
            });
            if let Some((inner, of_inner)) = inner {
                self.functions[inner.0 as usize].free[of_inner as usize].outer = Some(index);
            }
            found = found.or(Some(index));
            let parent = self.functions[function.0 as usize].parent;
            if known.is_some() || parent == FunctionId::OUTSIDE || self.is_home(id, parent) {
                break;
            }
            inner = Some((function, index));
            function = parent;
        }
        let index = found.unwrap_or_default();
        self.bindings[id.0 as usize].last_capture = (mention, index);
        index
    }
}
