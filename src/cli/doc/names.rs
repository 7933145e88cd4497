//! What pages and items of the manual are called where they are not at hand.

use quipu::stdlib::manual::{Item, Kind, Page};

/// The name of a page's file, without its extension. A module and a type may have one name.
pub(super) fn file_name(page: &Page) -> String {
    match page.kind {
        Kind::Type => format!("type-{}", page.name),
        _ => page.name.clone(),
    }
}

/// How an item of a page is written where the page is not at hand: `fs.read(path)`, `str.split(sep)`.
pub(super) fn full_signature(page: &Page, item: &Item) -> String {
    match page.kind {
        Kind::Builtins => item.signature.clone(),
        _ => format!("{}.{}", page.name, item.signature),
    }
}
