//! The module `regex`, whose types are in `regex.qp`. Searching takes time in proportion to the text and the states of the
//! pattern at most, and is charged for so; compiled patterns are kept in a cache of the machine's own.

mod error;
mod captures;
mod engine;
mod walk;
mod cache;
mod position;
mod template;

use quipu_vm::heap::Str;
use quipu_vm::ops::places;
use quipu_vm::{Cx, Fault, Outcome, Value};

use crate::args::{count, int, text};
use crate::charge::{Meter, Text, Values};
use crate::entry::{Entry, native};
use crate::items::{OBJECT, SLOT};
use crate::text::{STRING, clamp};

use cache::{Known, compiled};
use captures::Captures;
use engine::{Engine, Span};
use position::Positions;
use template::Template;

pub(crate) const NATIVES: &[Entry] = &[native("escape(text)", "A pattern that matches just this text.", escape)];

pub(crate) const INTERNALS: &[Entry] = &[
    native("_regex_check(pattern)", "Throws unless a pattern can be compiled.", check).shown("regex.compile"),
    native("_regex_test(pattern, text)", "Whether there is a match.", test).shown("Regex.test"),
    native("_regex_find(pattern, text, from)", "Text, start and end of the first match.", find).shown("Regex.find"),
    native("_regex_find_all(pattern, text)", "Text, start and end of each match.", find_all).shown("Regex.find_all"),
    native("_regex_captures(pattern, text, from)", "The captures of the first match.", captures)
        .shown("Regex.captures"),
    native("_regex_captures_all(pattern, text)", "The captures of each match.", captures_all)
        .shown("Regex.captures_all"),
    native("_regex_replace(pattern, text, with, most)", "The text with matches replaced.", replace)
        .shown("Regex.replace"),
    native("_regex_pieces(pattern, text, most)", "What stands before each match, with its captures.", pieces)
        .shown("Regex.replace"),
    native("_regex_split(pattern, text, most)", "What stands between matches.", split).shown("Regex.split"),
    native("_regex_groups(pattern)", "The names of the groups.", groups).shown("Regex.groups"),
];

/// A pattern and the text in which it is searched.
struct Search<'v> {
    known: Known,
    text: &'v str,
    meter: Meter,
    /// Where the next search begins, and where the last match ended.
    from: usize,
    last: Option<usize>,
}

impl<'v> Search<'v> {
    fn new(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<(Search<'v>, Str<'v>), Fault<'v>> {
        let pattern = text(cx, args[0], "pattern")?;
        let searched = text(cx, args[1], "text")?;
        let known = compiled(cx, pattern)?;
        Ok((Search { known, text: searched.as_str(), meter: Meter::default(), from: 0, last: None }, searched))
    }

    /// The first match at or behind a byte.
    fn first(&mut self, cx: &mut Cx<'v>, from: usize) -> Result<Option<Span>, Fault<'v>> {
        self.known.engine.find(cx, &mut self.meter, self.text, from, false)
    }

    /// The next match. An empty one is none where the last one ended.
    fn next(&mut self, cx: &mut Cx<'v>) -> Result<Option<Span>, Fault<'v>> {
        let mut found = self.first(cx, self.from)?;
        if let Some((start, end)) = found
            && start == end
            && self.last == Some(end)
        {
            found = self.first(cx, self.from + 1)?;
        }
        if let Some((_, end)) = found {
            (self.from, self.last) = (end, Some(end));
        }
        self.meter.steps(cx, 16)?;
        Ok(found)
    }

    fn groups(&mut self, cx: &mut Cx<'v>, span: Span) -> Result<Captures<'v>, Fault<'v>> {
        let slots = self.known.engine.groups(cx, &mut self.meter, self.text, span)?;
        self.meter.steps(cx, 8 * slots.len())?;
        Ok(Captures { text: self.text, slots })
    }

    /// Charges for what is left, and keeps the pattern for the next search.
    fn done(mut self, cx: &mut Cx<'v>) -> Result<(), Fault<'v>> {
        self.meter.settle(cx)?;
        self.known.keep(cx);
        Ok(())
    }
}

/// The byte where a search begins; nothing if that is beyond the text.
fn start<'v>(cx: &mut Cx<'v>, searched: Str<'v>, from: Value<'v>) -> Result<Option<usize>, Fault<'v>> {
    let from = int(cx, from, "start")?;
    let from = match usize::try_from(from) {
        Ok(from) => from,
        Err(_) if from > 0 => usize::MAX,
        Err(_) => clamp(from, places::char_count(cx, searched)?),
    };
    if !searched.is_ascii() {
        // Positions are counted out.
        cx.work(from.min(searched.as_str().len()) / 64)?;
    }
    places::byte_of_char(cx, searched, from)
}

/// How often to replace or split: without a number as often as there are matches.
fn most<'v>(cx: &mut Cx<'v>, value: Value<'v>, least: i64) -> Result<usize, Fault<'v>> {
    if value.is_nil() { Ok(usize::MAX) } else { count(cx, value, "number", least) }
}

fn check<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let pattern = text(cx, args[0], "pattern")?;
    compiled(cx, pattern)?.keep(cx);
    Ok(Value::NIL)
}

fn test<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, _) = Search::new(cx, args)?;
    let found = search.known.engine.find(cx, &mut search.meter, search.text, 0, true)?;
    search.done(cx)?;
    Ok(Value::bool(found.is_some()))
}

/// Text, start and end of a match.
fn found<'v>(
    cx: &mut Cx<'v>,
    positions: &mut Positions<'v>,
    text: &'v str,
    (start, end): Span,
) -> Result<[Value<'v>; 3], Fault<'v>> {
    cx.work((end - start) / 64)?;
    let part = cx.str(&text[start..end])?;
    let start = positions.of(cx, start)?;
    let end = positions.of(cx, end)?;
    Ok([part, Value::int(start as i64), Value::int(end as i64)])
}

fn find<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, searched) = Search::new(cx, args)?;
    let value = match start(cx, searched, args[2])? {
        Some(start) => match search.first(cx, start)? {
            Some(span) => {
                let found = found(cx, &mut Positions::new(searched), search.text, span)?;
                cx.tuple(&found)?
            }
            None => Value::NIL,
        },
        None => Value::NIL,
    };
    search.done(cx)?;
    Ok(value)
}

fn find_all<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, searched) = Search::new(cx, args)?;
    let mut positions = Positions::new(searched);
    let mut all = Values::default();
    while let Some(span) = search.next(cx)? {
        all.reserve(cx, STRING + OBJECT + 3 * SLOT + (span.1 - span.0))?;
        let found = found(cx, &mut positions, search.text, span)?;
        all.push_tuple(cx, &found)?;
    }
    search.done(cx)?;
    all.list(cx)
}

/// A map from the numbers and names of groups to their texts; nil for groups that took no part.
fn captured<'v>(cx: &mut Cx<'v>, engine: &Engine, captures: &Captures<'v>) -> Outcome<'v> {
    let map = cx.map();
    map.reserve(cx, captures.slots.len() / 2)?;
    for (number, name) in engine.names().enumerate() {
        let text = match captures.get(number) {
            Some(group) => {
                cx.work(group.len() / 64)?;
                cx.str(group)?
            }
            None => Value::NIL,
        };
        map.insert(cx, Value::int(number as i64), text)?;
        if let Some(name) = name {
            let name = cx.str(name)?;
            map.insert(cx, name, text)?;
        }
    }
    Ok(map.into())
}

fn captures<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, searched) = Search::new(cx, args)?;
    let value = match start(cx, searched, args[2])? {
        Some(start) => match search.first(cx, start)? {
            Some(span) => {
                let captures = search.groups(cx, span)?;
                captured(cx, &search.known.engine, &captures)?
            }
            None => Value::NIL,
        },
        None => Value::NIL,
    };
    search.done(cx)?;
    Ok(value)
}

fn captures_all<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, _) = Search::new(cx, args)?;
    let mut all = Values::default();
    while let Some(span) = search.next(cx)? {
        let captures = search.groups(cx, span)?;
        all.reserve(cx, captures.slots.len() * (STRING + SLOT))?;
        let captured = captured(cx, &search.known.engine, &captures)?;
        all.push(cx, captured)?;
    }
    search.done(cx)?;
    all.list(cx)
}

fn replace<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, _) = Search::new(cx, args)?;
    let with = text(cx, args[2], "replacement")?;
    let most = most(cx, args[3], 0)?;
    let template = Template::new(cx, with.as_str(), &search.known.engine)?;
    let whole = search.text;
    let mut replaced = Text::default();
    let mut done = 0;
    let mut count = 0;
    while count < most
        && let Some(span) = search.next(cx)?
    {
        count += 1;
        replaced.push(cx, &whole[done..span.0])?;
        if let Some(plain) = template.plain() {
            replaced.push(cx, plain)?;
        } else {
            let captures = search.groups(cx, span)?;
            template.parts(&captures).try_for_each(|part| replaced.push(cx, part))?;
        }
        done = span.1;
    }
    replaced.push(cx, &whole[done..])?;
    search.done(cx)?;
    replaced.str(cx)
}

fn pieces<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, _) = Search::new(cx, args)?;
    let most = most(cx, args[2], 0)?;
    let whole = search.text;
    let mut pieces = Values::default();
    let mut done = 0;
    let mut count = 0;
    while count < most
        && let Some(span) = search.next(cx)?
    {
        count += 1;
        let captures = search.groups(cx, span)?;
        cx.work((span.0 - done) / 64)?;
        pieces.reserve(cx, span.0 - done + captures.slots.len() * (STRING + SLOT))?;
        let before = cx.str(&whole[done..span.0])?;
        let captured = captured(cx, &search.known.engine, &captures)?;
        pieces.push_tuple(cx, &[before, captured])?;
        done = span.1;
    }
    cx.work((whole.len() - done) / 64)?;
    let rest = cx.str(&whole[done..])?;
    pieces.push_tuple(cx, &[rest, Value::NIL])?;
    search.done(cx)?;
    pieces.list(cx)
}

fn split<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut search, _) = Search::new(cx, args)?;
    let most = most(cx, args[2], 1)?;
    let whole = search.text;
    let mut parts = Values::default();
    let mut done = 0;
    let mut count = 1;
    while count < most
        && let Some(span) = search.next(cx)?
    {
        count += 1;
        parts.push_str(cx, &whole[done..span.0])?;
        done = span.1;
    }
    parts.push_str(cx, &whole[done..])?;
    search.done(cx)?;
    parts.list(cx)
}

fn groups<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let pattern = text(cx, args[0], "pattern")?;
    let known = compiled(cx, pattern)?;
    let mut names = Values::default();
    for name in known.engine.names().skip(1) {
        match name {
            Some(name) => names.push_str(cx, name)?,
            None => names.push(cx, Value::NIL)?,
        }
    }
    known.keep(cx);
    names.list(cx)
}

fn escape<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let text = text(cx, args[0], "text")?.as_str();
    cx.reserve(text.len().saturating_mul(2))?;
    cx.work(text.len() / 16)?;
    match regex_syntax::escape(text) {
        escaped if escaped == text => Ok(args[0]),
        escaped => cx.str(&escaped),
    }
}
