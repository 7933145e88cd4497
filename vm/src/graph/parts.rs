//! The parts of a value in graphs: which of the objects that it refers to stand with it, and in which order.

use crate::heap::{Closure, Edge, Type, Value, View};

/// The type that a function belongs to, if it makes use of that.
pub(super) fn owner(closure: Closure<'_>) -> Option<Type<'_>> {
    if closure.code().uses_owner() { closure.owner() } else { None }
}

/// Whether what an object refers to like this is a part of it in graphs. Of functions that belong to a type without making
/// use of it the type is none; what only the heap knows is none of any.
pub(super) fn is_part(value: Value<'_>, edge: Edge) -> bool {
    match edge {
        Edge::Owner => matches!(value.view(), View::Closure(closure) if closure.code().uses_owner()),
        Edge::Filed | Edge::Hidden => false,
        _ => true,
    }
}

/// Whether it stands in the content of a node, and not where the node is met first.
pub(super) fn is_content(edge: Edge) -> bool {
    !matches!(edge, Edge::Type | Edge::Filed | Edge::Hidden)
}

/// The part with this number of a frozen value that is no type, or the type of an instance.
pub(super) fn part_of(value: Value<'_>, index: usize) -> Option<(Edge, Value<'_>)> {
    match value.view() {
        View::Instance(_) => value.edge(|edge| edge == Edge::Type, index),
        _ => value.edge(|edge| is_part(value, edge), index),
    }
}

/// Calls `f` with the parts of a value in the order of graphs, and how it refers to them. In a type the captures of its
/// functions stand in the place of these.
pub(super) fn for_each_part<'v>(value: Value<'v>, mut f: impl FnMut(Part, Value<'v>)) {
    value.for_each_edge(|edge, index, part| match (edge, part.view()) {
        (Edge::Constructor | Edge::Method, View::Closure(function)) => {
            function.captures().enumerate().for_each(|(index, part)| f(Part { edge, index }, part));
        }
        // Of a built-in type; it stands in graphs under its name.
        (Edge::Constructor | Edge::Method, _) => {}
        _ if is_part(value, edge) => f(Part { edge, index }, part),
        _ => {}
    });
}

pub(super) fn type_parts<'v>(ty: Type<'v>, f: impl FnMut(Part, Value<'v>)) {
    for_each_part(ty.into(), f);
}

/// How a value refers to a part: the way, and its number among those of the same way that follow one another.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub edge: Edge,
    pub index: usize,
}
