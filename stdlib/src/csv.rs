//! The module `csv`: tables as text, by the rules of RFC 4180.

use quipu_code::counted;
use std::borrow::Cow;
use std::io::Read;

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use quipu_vm::heap::Map;
use quipu_vm::ops::text as show;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{expected, text};
use crate::charge::{Meter, PIECE, Values};
use crate::entry::{Entry, native};
use crate::items::{self, OBJECT, SLOT};
use crate::text::{STRING, beginning};

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
fn separator<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<u8, Fault<'v>> {
    let Some(&value) = args.get(1) else { return Ok(b',') };
    match text(cx, value, "separator")?.as_str().as_bytes() {
        [byte] if !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => {
            let message = "the separator must be one ASCII character that is no quote or line end";
            Err(cx.fail_here(ErrorKind::Value, message))
        }
    }
}

/// Stands in its own row after the text. Where it does not arrive as one, a quote before it was never closed.
const END: &str = "\nend";

fn read<'v>(
    cx: &mut Cx<'v>,
    args: &[Value<'v>],
    same_lengths: bool,
    mut each: impl FnMut(&mut Cx<'v>, &StringRecord) -> Result<Option<Value<'v>>, Fault<'v>>,
) -> Outcome<'v> {
    let text = text(cx, args[0], "text")?.as_str();
    let separator = separator(cx, args)?;
    let mut reader = ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(separator);
    reader.buffer_capacity((text.len() + END.len()).min(PIECE));
    let mut reader =
        reader.from_reader(Pieces { cx, rest: [text.as_bytes(), END.as_bytes()], fault: None, held: 0, read: 0 });
    let fail = |cx: &mut Cx<'v>, start: usize, what: &str| {
        cx.work(text.len() / 8)?;
        let line = line_of(text, start);
        let message = format!("line {line}: {what}");
        Err(cx.fail_here_with(ErrorKind::Value, message, Value::int(line as i64)))
    };
    let mut record = StringRecord::new();
    let mut rows = Values::default();
    let mut expected = None;
    loop {
        let outcome = reader.read_record(&mut record);
        let start = match &outcome {
            Ok(_) => record.position().map_or(0, |position| position.byte()),
            Err(error) => error.position().map_or(0, |position| position.byte()),
        } as usize;
        let at = reader.position().byte() as usize;
        let source = reader.get_mut();
        if let Some(fault) = source.fault.take() {
            return Err(fault);
        }
        if let Err(error) = outcome {
            return fail(source.cx, start, &error.to_string());
        }
        if at > text.len() + 1 {
            return match record.get(0) == Some(&END[1..]) && record.len() == 1 {
                true => rows.list(source.cx),
                false => fail(source.cx, start, "a quoted field that begins in this row is never closed"),
            };
        }
        let first = *expected.get_or_insert(record.len());
        if same_lengths && first != record.len() {
            let what = format!("expected {} as in the first row, got {}", counted(first, "field"), record.len());
            return fail(source.cx, start, &what);
        }
        source.cx.work(2 + record.len() / 4)?;
        // A record keeps its room, so that the longest counts.
        source.held = rows.held() + source.record_bytes();
        source.read = 0;
        let held = source.held + record.as_slice().len();
        source.cx.reserve(held + 2 * OBJECT + record.len().saturating_mul(STRING + 4 * SLOT))?;
        if let Some(row) = each(source.cx, &record)? {
            rows.push(source.cx, row)?;
        }
    }
}

/// What some put at the front of a text to say that it is UTF-8. The reader takes it off.
const MARK: char = '\u{feff}';

/// The line, from 1, of the row that the reader began to look for at a byte. It stands there before line ends that it
/// skips, those of blank lines and the LF behind a CR, and before a mark at the front. Lines end as rows do: with LF, CR LF
/// or CR.
fn line_of(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mark = if start == 0 && text.starts_with(MARK) { MARK.len_utf8() } else { 0 };
    let start = (start + mark).min(bytes.len());
    let blank = bytes[start..].iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
    let before = &bytes[..start + blank];
    let ends = before.iter().filter(|&&byte| byte == b'\n').count();
    let alone = (0..before.len()).filter(|&at| before[at] == b'\r' && before.get(at + 1) != Some(&b'\n')).count();
    1 + ends + alone
}

/// A text that is read in pieces, each charged for before it is given.
struct Pieces<'c, 'v> {
    cx: &'c mut Cx<'v>,
    rest: [&'v [u8]; 2],
    /// Why there was no piece.
    fault: Option<Fault<'v>>,
    /// Bytes that are held apart from the heap.
    held: usize,
    /// Bytes given since the last record.
    read: usize,
}

impl Pieces<'_, '_> {
    /// The most that the record takes that is being read: its text, and an offset for each field, in vectors that grow.
    fn record_bytes(&self) -> usize {
        self.read.saturating_mul(2 * (1 + size_of::<usize>()))
    }
}

impl Read for Pieces<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.rest[0].is_empty() {
            self.rest.swap(0, 1);
        }
        let length = buffer.len().min(self.rest[0].len());
        self.read += length;
        let room = self.held.saturating_add(self.record_bytes());
        if let Err(fault) = self.cx.work(length / 8).and_then(|()| self.cx.reserve(room)) {
            self.fault = Some(fault);
            return Err(std::io::Error::other("a limit"));
        }
        let (piece, rest) = self.rest[0].split_at(length);
        buffer[..length].copy_from_slice(piece);
        self.rest[0] = rest;
        Ok(length)
    }
}

fn fields<'v>(cx: &mut Cx<'v>, record: &StringRecord) -> Result<Values<'v>, Fault<'v>> {
    let mut fields = Values::with_room(cx, record.len())?;
    for field in record {
        fields.push_str(cx, field)?;
    }
    Ok(fields)
}

/// What it takes to begin, in units of fuel: the automaton that tells fields apart is made for each text.
const READER: usize = 220;

fn parse<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    cx.work(READER)?;
    read(cx, args, false, |cx, record| Ok(Some(fields(cx, record)?.list(cx)?)))
}

fn parse_maps<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    cx.work(READER)?;
    let mut header: Option<Vec<Value<'v>>> = None;
    let mut meter = Meter::default();
    read(cx, args, true, |cx, record| {
        let Some(header) = &header else {
            let names = fields(cx, record)?.into_vec(cx)?;
            let seen = cx.set();
            for &name in &names {
                if !seen.add_member(cx, name)? {
                    let name = beginning(name.as_str().unwrap_or(""));
                    let message = format!("the first row has {name:?} twice");
                    return Err(cx.fail_here(ErrorKind::Value, message));
                }
            }
            header = Some(names);
            return Ok(None);
        };
        let map = cx.map();
        map.reserve(cx, record.len())?;
        for (&name, field) in header.iter().zip(record) {
            meter.steps(cx, 12 + field.len() / 4)?;
            let field = cx.str(field)?;
            map.insert(cx, name, field)?;
        }
        Ok(Some(map.into()))
    })
}

fn stringify<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let View::List(rows) = args[0].view() else { return Err(expected(cx, "a list of rows", args[0])) };
    let separator = separator(cx, args)?;
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
            _ => return Err(expected(cx, "lists, tuples or maps as rows", row)),
        };
        write_row(cx, &mut writer, &values)?;
    }
    match writer.into_inner().map(String::from_utf8) {
        // Readers take a mark at the front off, unless it is quoted.
        Ok(Ok(text)) if text.starts_with(MARK) => {
            let is_end = |byte: &u8| *byte == separator || *byte == b'\n';
            let (field, rest) = text.split_at(text.bytes().position(|byte| is_end(&byte)).unwrap_or(text.len()));
            cx.work(text.len() / 16)?;
            cx.reserve(text.len().saturating_mul(3))?;
            cx.str(&format!("\"{field}\"{rest}"))
        }
        Ok(Ok(text)) => cx.str(&text),
        // Writing to memory cannot fail, and strings and separators are UTF-8.
        _ => Err(cx.fail_here(ErrorKind::Value, "the rows cannot be written")),
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
        return Err(cx.fail_here(ErrorKind::Value, "a map has keys that the first one has not"));
    }
    Ok(values)
}

fn write_row<'v>(cx: &mut Cx<'v>, writer: &mut csv::Writer<Vec<u8>>, values: &[Value<'v>]) -> Result<(), Fault<'v>> {
    cx.reserve(values.len().saturating_mul(size_of::<Cow<'_, str>>()))?;
    let mut row: Vec<Cow<'v, str>> = Vec::with_capacity(values.len());
    let mut bytes = 0;
    let mut meter = Meter::default();
    for &value in values {
        meter.steps(cx, 8)?;
        match value.view() {
            View::Nil => row.push("".into()),
            View::Str(_) | View::Int(_) | View::Float(_) | View::Bool(_) => row.push(show::str_text(cx, value)?),
            _ => return Err(expected(cx, "strs, numbers, bools or nil as fields", value)),
        }
        bytes += row.last().map_or(0, |field| field.len());
    }
    meter.settle(cx)?;
    cx.work(1 + bytes / 8)?;
    // The text, what quoting adds to it, and its copy in the end.
    let written = writer.get_ref().len().saturating_mul(2).saturating_add(bytes.saturating_mul(4));
    cx.reserve(written.saturating_add(values.len() * size_of::<Cow<'_, str>>()))?;
    match writer.write_record(row.iter().map(|field| field.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) => Err(cx.fail_here(ErrorKind::Value, error.to_string())),
    }
}
