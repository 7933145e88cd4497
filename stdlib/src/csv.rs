//! The module `csv`: tables as text, by the rules of RFC 4180.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use quipu_vm::heap::Map;
use quipu_vm::ops::text as show;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{expected, text};
use crate::entry::{Entry, native};
use crate::items::{self, OBJECT, SLOT};
use crate::text::STRING;

pub(crate) const NATIVES: &[Entry] = &[
    native("parse(text, sep = \",\")", "A list of rows, each a list of strs.", parse),
    native("parse_maps(text, sep = \",\")", "A list of maps, whose keys are the fields of the first row.", parse_maps),
    native(
        "stringify(rows, sep = \",\")",
        "The text of rows that are lists, tuples, or maps with the same keys.",
        stringify,
    ),
];

/// The separator: one byte, which no quoting needs.
fn separator<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], native: &str) -> Result<u8, Fault<'v>> {
    let Some(&value) = args.get(1) else { return Ok(b',') };
    match text(cx, value, native, "separator")?.as_str().as_bytes() {
        [byte] if !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => {
            let message = format!("{native}: the separator must be one ASCII character that is no quote or line end");
            Err(cx.fail(ErrorKind::Value, message))
        }
    }
}

/// Stands in its own row after the text. Where it does not arrive as one, a quote before it was never closed.
const END: &str = "\nend";

/// Gives every row of a text to a function.
fn read<'v>(
    cx: &mut Cx<'v>,
    args: &[Value<'v>],
    native: &str,
    same_lengths: bool,
    mut each: impl FnMut(&mut Cx<'v>, &StringRecord) -> Result<Option<Value<'v>>, Fault<'v>>,
) -> Outcome<'v> {
    let text = text(cx, args[0], native, "text")?.as_str();
    let separator = separator(cx, args, native)?;
    let mut reader = ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(separator);
    let mut reader = reader.from_reader(text.as_bytes().chain(END.as_bytes()));
    let fail = |cx: &mut Cx<'v>, line: u64, what: &str| {
        let message = format!("{native}: line {line}: {what}");
        cx.fail_with(ErrorKind::Value, message, Value::int(line as i64))
    };
    let mut record = StringRecord::new();
    let mut rows = Vec::new();
    let mut expected = None;
    loop {
        if let Err(error) = reader.read_record(&mut record) {
            let line = error.position().map_or(0, |position| position.line());
            return Err(fail(cx, line, &error.to_string()));
        }
        let line = record.position().map_or(0, |position| position.line());
        if reader.position().byte() as usize > text.len() + 1 {
            return match record.get(0) == Some(&END[1..]) && record.len() == 1 {
                true => Ok(cx.list(rows)?.into()),
                false => Err(fail(cx, line, "a quoted field that begins in this row is never closed")),
            };
        }
        let first = *expected.get_or_insert(record.len());
        if same_lengths && first != record.len() {
            return Err(fail(cx, line, &format!("expected {first} fields as in the first row, got {}", record.len())));
        }
        let bytes = record.as_slice().len();
        cx.work(1 + bytes / 16 + record.len())?;
        cx.reserve(2 * OBJECT + record.len().saturating_mul(STRING + 4 * SLOT) + bytes)?;
        if let Some(row) = each(cx, &record)? {
            if rows.len() == rows.capacity() {
                cx.reserve(rows.len() * 2 * SLOT)?;
            }
            rows.push(row);
        }
    }
}

fn fields<'v>(cx: &mut Cx<'v>, record: &StringRecord) -> Result<Vec<Value<'v>>, Fault<'v>> {
    let mut fields = Vec::with_capacity(record.len());
    for field in record {
        fields.push(cx.str(field)?);
    }
    Ok(fields)
}

fn parse<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    read(cx, args, "csv.parse", false, |cx, record| {
        let fields = fields(cx, record)?;
        Ok(Some(cx.list(fields)?.into()))
    })
}

fn parse_maps<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let mut header: Option<Vec<Value<'v>>> = None;
    read(cx, args, "csv.parse_maps", true, |cx, record| {
        let Some(header) = &header else {
            let names = fields(cx, record)?;
            let seen = cx.set();
            for &name in &names {
                if !seen.add_member(cx, name)? {
                    let name = name.as_str().unwrap_or("");
                    let message = format!("csv.parse_maps: the first row has {name:?} twice");
                    return Err(cx.fail(ErrorKind::Value, message));
                }
            }
            header = Some(names);
            return Ok(None);
        };
        let map = cx.map();
        map.reserve(cx, record.len())?;
        for (&name, field) in header.iter().zip(record) {
            let field = cx.str(field)?;
            map.insert(cx, name, field)?;
        }
        Ok(Some(map.into()))
    })
}

fn stringify<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let View::List(rows) = args[0].view() else { return Err(expected(cx, "csv.stringify", "a list of rows", args[0])) };
    let separator = separator(cx, args, "csv.stringify")?;
    let mut writer = WriterBuilder::new();
    writer.delimiter(separator).flexible(true).terminator(Terminator::Any(b'\n'));
    let mut writer = writer.from_writer(Vec::new());
    let mut header: Option<Vec<Value<'v>>> = None;
    for row in rows.iter() {
        let values = match row.view() {
            View::List(_) | View::Tuple(_) => items::collect(cx, row)?,
            View::Map(map) => {
                let names = match &header {
                    Some(names) => names,
                    None => {
                        let names = map.keys();
                        write_row(cx, &mut writer, &names)?;
                        header.insert(names)
                    }
                };
                in_order(cx, map, names)?
            }
            _ => return Err(expected(cx, "csv.stringify", "lists, tuples or maps as rows", row)),
        };
        write_row(cx, &mut writer, &values)?;
    }
    match writer.into_inner().map(String::from_utf8) {
        Ok(Ok(text)) => cx.str(&text),
        // Writing to memory cannot fail, and strings and separators are UTF-8.
        _ => Err(cx.fail(ErrorKind::Value, "csv.stringify: the rows cannot be written")),
    }
}

/// The values of a row in the order of the header.
fn in_order<'v>(cx: &mut Cx<'v>, map: Map<'v>, names: &[Value<'v>]) -> Result<Vec<Value<'v>>, Fault<'v>> {
    cx.reserve(names.len().saturating_mul(SLOT))?;
    let mut values = Vec::with_capacity(names.len());
    let mut found = 0;
    for &name in names {
        let value = map.get(cx, name)?;
        found += value.is_some() as usize;
        values.push(value.unwrap_or(Value::NIL));
    }
    if found < map.len() {
        return Err(cx.fail(ErrorKind::Value, "csv.stringify: a map has keys that the first one has not"));
    }
    Ok(values)
}

fn write_row<'v>(cx: &mut Cx<'v>, writer: &mut csv::Writer<Vec<u8>>, values: &[Value<'v>]) -> Result<(), Fault<'v>> {
    let mut row = Vec::with_capacity(values.len());
    let mut bytes = 0;
    for &value in values {
        match value.view() {
            View::Nil => row.push("".into()),
            View::Str(_) | View::Int(_) | View::Float(_) | View::Bool(_) => row.push(show::str_text(cx, value)?),
            _ => return Err(expected(cx, "csv.stringify", "strs, numbers, bools or nil as fields", value)),
        }
        bytes += row.last().map_or(0, |field| field.len());
    }
    cx.work(1 + bytes / 16 + values.len() / 4)?;
    // The text, what quoting adds to it, and its copy in the end.
    cx.reserve(writer.get_ref().len().saturating_mul(2).saturating_add(bytes.saturating_mul(4)))?;
    match writer.write_record(row.iter().map(|field| field.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) => Err(cx.fail(ErrorKind::Value, format!("csv.stringify: {error}"))),
    }
}
