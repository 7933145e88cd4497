//! The module `regex`, whose types are in `regex.qp`. Searching takes time in proportion to the text, whatever the
//! pattern; compiled patterns are kept in a cache of the machine's own.

mod cache;
mod position;
mod template;

use quipu_vm::heap::Str;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};
use regex::{Captures, Regex};

use crate::args::{count, int, text};
use crate::entry::{Entry, native};
use crate::items::{OBJECT, SLOT};
use crate::text::{STRING, clamp};

use cache::compiled;
use position::Positions;
use template::Template;

pub(crate) const NATIVES: &[Entry] = &[native("escape(text)", "A pattern that matches just this text.", escape)];

pub(crate) const INTERNALS: &[Entry] = &[
    native("_regex_check(pattern)", "Throws unless a pattern can be compiled.", check),
    native("_regex_test(pattern, text)", "Whether there is a match.", test),
    native("_regex_find(pattern, text, from)", "Text, start and end of the first match.", find),
    native("_regex_find_all(pattern, text)", "Text, start and end of each match.", find_all),
    native("_regex_captures(pattern, text, from)", "The captures of the first match.", captures),
    native("_regex_captures_all(pattern, text)", "The captures of each match.", captures_all),
    native("_regex_replace(pattern, text, with, most)", "The text with matches replaced.", replace),
    native("_regex_pieces(pattern, text, most)", "What stands before each match, with its captures.", pieces),
    native("_regex_split(pattern, text, most)", "What stands between matches.", split),
    native("_regex_groups(pattern)", "The names of the groups.", groups),
];

/// A pattern and the text to be searched, which is charged for.
fn search<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], native: &str) -> Result<(Regex, Str<'v>), Fault<'v>> {
    let pattern = text(cx, args[0], native, "pattern")?;
    let searched = text(cx, args[1], native, "text")?;
    let regex = compiled(cx, pattern)?;
    cx.work(1 + searched.as_str().len() / 16)?;
    Ok((regex, searched))
}

/// The byte where a search begins; nothing if that is beyond the text.
fn start<'v>(cx: &mut Cx<'v>, searched: Str<'v>, from: Value<'v>, native: &str) -> Result<Option<usize>, Fault<'v>> {
    let from = int(cx, from, native, "start")?;
    let from = if from < 0 { clamp(from, searched.char_count()) } else { usize::try_from(from).unwrap_or(usize::MAX) };
    Ok(searched.byte_of_char(from))
}

/// How often to replace or split: without a number as often as there are matches.
fn most<'v>(cx: &mut Cx<'v>, value: Value<'v>, native: &str, least: i64) -> Result<usize, Fault<'v>> {
    if value.is_nil() { Ok(usize::MAX) } else { count(cx, value, native, "number", least) }
}

/// Makes room for another value in a vector that goes into a list.
fn push<'v>(cx: &mut Cx<'v>, values: &mut Vec<Value<'v>>, value: Value<'v>) -> Result<(), Fault<'v>> {
    if values.len() == values.capacity() {
        cx.reserve(values.len() * 2 * SLOT)?;
    }
    values.push(value);
    Ok(())
}

fn check<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let pattern = text(cx, args[0], "regex.compile", "pattern")?;
    compiled(cx, pattern)?;
    Ok(Value::NIL)
}

fn test<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (regex, searched) = search(cx, args, "Regex.test")?;
    Ok(Value::bool(regex.is_match(searched.as_str())))
}

fn found<'v>(cx: &mut Cx<'v>, positions: &mut Positions<'v>, found: regex::Match<'v>) -> Outcome<'v> {
    let part = cx.str(found.as_str())?;
    let start = positions.of(found.start());
    let end = positions.of(found.end());
    cx.tuple(&[part, Value::int(start as i64), Value::int(end as i64)])
}

fn find<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (regex, searched) = search(cx, args, "Regex.find")?;
    let Some(start) = start(cx, searched, args[2], "Regex.find")? else { return Ok(Value::NIL) };
    match regex.find_at(searched.as_str(), start) {
        Some(matched) => found(cx, &mut Positions::new(searched), matched),
        None => Ok(Value::NIL),
    }
}

fn find_all<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (regex, searched) = search(cx, args, "Regex.find_all")?;
    let mut positions = Positions::new(searched);
    let mut all = Vec::new();
    for matched in regex.find_iter(searched.as_str()) {
        cx.work(1)?;
        cx.reserve(STRING + OBJECT + 3 * SLOT)?;
        let matched = found(cx, &mut positions, matched)?;
        push(cx, &mut all, matched)?;
    }
    Ok(cx.list(all)?.into())
}

/// A map from the numbers and names of groups to their texts; nil for groups that took no part.
fn captured<'v>(cx: &mut Cx<'v>, regex: &Regex, captures: &Captures<'v>) -> Outcome<'v> {
    let map = cx.map();
    map.reserve(cx, captures.len())?;
    for (number, name) in regex.capture_names().enumerate() {
        let text = match captures.get(number) {
            Some(group) => cx.str(group.as_str())?,
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
    let (regex, searched) = search(cx, args, "Regex.captures")?;
    let Some(start) = start(cx, searched, args[2], "Regex.captures")? else { return Ok(Value::NIL) };
    match regex.captures_at(searched.as_str(), start) {
        Some(captures) => captured(cx, &regex, &captures),
        None => Ok(Value::NIL),
    }
}

fn captures_all<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (regex, searched) = search(cx, args, "Regex.captures_all")?;
    let mut all = Vec::new();
    for captures in regex.captures_iter(searched.as_str()) {
        cx.work(captures.len())?;
        let captured = captured(cx, &regex, &captures)?;
        push(cx, &mut all, captured)?;
    }
    Ok(cx.list(all)?.into())
}

fn replace<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (regex, searched) = search(cx, args, "Regex.replace")?;
    let with = text(cx, args[2], "Regex.replace", "replacement")?;
    let most = most(cx, args[3], "Regex.replace", 0)?;
    let template = Template::new(cx, with.as_str(), &regex)?;
    let whole = searched.as_str();
    let mut replaced = String::new();
    let mut done = 0;
    let mut add = |cx: &mut Cx<'v>, part: &str| {
        if replaced.capacity() - replaced.len() < part.len() {
            cx.reserve(replaced.capacity().saturating_mul(2).saturating_add(part.len()))?;
        }
        replaced.push_str(part);
        cx.work(part.len() / 64)
    };
    if let Some(plain) = template.plain() {
        for matched in regex.find_iter(whole).take(most) {
            cx.work(1)?;
            add(cx, &whole[done..matched.start()])?;
            add(cx, plain)?;
            done = matched.end();
        }
    } else {
        for captures in regex.captures_iter(whole).take(most) {
            let Some(matched) = captures.get(0) else { continue };
            cx.work(captures.len())?;
            add(cx, &whole[done..matched.start()])?;
            template.parts(&captures).try_for_each(|part| add(cx, part))?;
            done = matched.end();
        }
    }
    add(cx, &whole[done..])?;
    cx.str(&replaced)
}

fn pieces<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (regex, searched) = search(cx, args, "Regex.replace")?;
    let most = most(cx, args[2], "Regex.replace", 0)?;
    let whole = searched.as_str();
    let mut pieces = Vec::new();
    let mut done = 0;
    for captures in regex.captures_iter(whole).take(most) {
        let Some(matched) = captures.get(0) else { continue };
        cx.work(captures.len())?;
        let before = cx.str(&whole[done..matched.start()])?;
        let captured = captured(cx, &regex, &captures)?;
        let piece = cx.tuple(&[before, captured])?;
        push(cx, &mut pieces, piece)?;
        done = matched.end();
    }
    let rest = cx.str(&whole[done..])?;
    let piece = cx.tuple(&[rest, Value::NIL])?;
    push(cx, &mut pieces, piece)?;
    Ok(cx.list(pieces)?.into())
}

fn split<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (regex, searched) = search(cx, args, "Regex.split")?;
    let most = most(cx, args[2], "Regex.split", 1)?;
    let whole = searched.as_str();
    let mut parts = Vec::new();
    let mut done = 0;
    for matched in regex.find_iter(whole).take(most.saturating_sub(1)) {
        cx.work(1)?;
        cx.reserve(STRING)?;
        let part = cx.str(&whole[done..matched.start()])?;
        push(cx, &mut parts, part)?;
        done = matched.end();
    }
    let rest = cx.str(&whole[done..])?;
    push(cx, &mut parts, rest)?;
    Ok(cx.list(parts)?.into())
}

fn groups<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let pattern = text(cx, args[0], "Regex.groups", "pattern")?;
    let regex = compiled(cx, pattern)?;
    let mut names = Vec::new();
    for name in regex.capture_names().skip(1) {
        let name = match name {
            Some(name) => cx.str(name)?,
            None => Value::NIL,
        };
        push(cx, &mut names, name)?;
    }
    Ok(cx.list(names)?.into())
}

fn escape<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let text = text(cx, args[0], "regex.escape", "text")?.as_str();
    cx.reserve(text.len().saturating_mul(2))?;
    cx.work(text.len() / 16)?;
    match regex::escape(text) {
        escaped if escaped == text => Ok(args[0]),
        escaped => cx.str(&escaped),
    }
}

/// The error about a pattern or replacement, with the position it is about.
#[cold]
fn fault<'v>(cx: &mut Cx<'v>, message: &str, position: Option<usize>) -> Fault<'v> {
    let data = cx.map();
    if let Some(position) = position {
        let entry = cx.str("position").and_then(|name| data.insert(cx, name, Value::int(position as i64)));
        if let Err(fault) = entry {
            return fault;
        }
    }
    cx.fail_with(ErrorKind::Value, message, data.into())
}
