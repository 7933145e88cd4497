//! Which part of the manual is meant by a name.

use quipu::code::closest;
use quipu::report::Shown;
use quipu::stdlib::manual::{Item, Kind, Page};

use super::super::terminal::Terminal;
use super::text;

/// What was found.
pub(super) enum Found<'p> {
    Page(&'p Page),
    Item(&'p Page, &'p Item),
}

/// What is meant by a word or two: a page, or something in it.
pub(super) fn find<'p>(pages: &'p [Page], what: &str, name: Option<&str>) -> Result<Vec<Found<'p>>, String> {
    let (what, name) = match (name, what.split_once('.')) {
        (None, Some((page, name))) => (page, Some(name)),
        _ => (what, name),
    };
    let named: Vec<&Page> = pages.iter().filter(|page| page.name == what).collect();
    if let Some(name) = name {
        if named.is_empty() {
            return Err(no_page(pages, what));
        }
        let found: Vec<Found> = named.iter().flat_map(|page| in_page(page, name)).collect();
        if found.is_empty() {
            let names = named.iter().flat_map(|page| page.items.iter().flat_map(names));
            return Err(missing(&format!("`{what}` has no `{name}`"), closest(name, names)));
        }
        return Ok(found);
    }
    // A conversion function and the type it makes have one name.
    let builtins = pages.iter().filter(|page| page.kind == Kind::Builtins).flat_map(|page| in_page(page, what));
    let found: Vec<Found> = builtins.chain(named.into_iter().map(Found::Page)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let anywhere: Vec<Found> = pages.iter().flat_map(|page| in_page(page, what)).collect();
    if anywhere.is_empty() { Err(no_page(pages, what)) } else { Ok(anywhere) }
}

/// The page, or what is meant by a name in it.
pub(super) fn inside<'p>(page: &'p Page, name: Option<&str>) -> Result<Vec<Found<'p>>, String> {
    let Some(name) = name else { return Ok(vec![Found::Page(page)]) };
    let found: Vec<Found> = in_page(page, name).collect();
    if found.is_empty() {
        let near = closest(name, page.items.iter().flat_map(names));
        return Err(missing(&format!("`{}` has no documented `{name}`", page.name), near));
    }
    Ok(found)
}

/// An item's name, and what it is called behind an instance.
fn names(item: &Item) -> impl Iterator<Item = &str> {
    std::iter::once(item.name.as_str()).chain(item.name.split_once('.').map(|(_, method)| method))
}

fn in_page<'p>(page: &'p Page, name: &str) -> impl Iterator<Item = Found<'p>> {
    let exact = page.items.iter().any(|item| item.name == name);
    let fits = move |item: &&Item| if exact { item.name == name } else { names(item).any(|own| own == name) };
    page.items.iter().filter(fits).map(move |item| Found::Item(page, item))
}

fn no_page(pages: &[Page], what: &str) -> String {
    let names = pages.iter().flat_map(|page| {
        let items = page.items.iter().flat_map(names);
        std::iter::once(page.name.as_str()).chain(items)
    });
    missing(&format!("there is nothing called `{what}`"), closest(what, names))
}

fn missing(what: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None => format!("{what}; `vm doc` lists what there is"),
    }
}

/// What was found, as text.
pub(super) fn show(found: &[Found<'_>], look: &Terminal, width: usize) -> Shown {
    // Of many things with one name the first lines are enough.
    if found.len() > 3 {
        let items = found.iter().filter_map(|found| match found {
            Found::Item(page, item) => Some((*page, *item)),
            Found::Page(_) => None,
        });
        return text::summaries(items, look, width);
    }
    let parts = found.iter().map(|found| match found {
        Found::Page(page) => text::page(page, look, width),
        Found::Item(page, item) => text::item(page, item, look, width),
    });
    Shown::join(parts, "\n")
}
