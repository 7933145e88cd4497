//! The canonical bytes of code objects, which are hashed and shipped as they are, and those of debug information.
//!
//! ```text
//! code      = edition:u32 required:u8 optional:u8 rest:flag registers:u16     the lowest edition that has all instructions
//!             free words closures types handlers constants children
//! free      = n, n * kind             kind: 0 value, 1 cell
//! words     = n, n * (op:u8 operand*) operands as the table of instructions lists them:
//!                                     d and flags u8, a b c u16, x u32, a signed x i32
//! closures  = n, n * site             site: child:u32, n, n * source
//!                                     source: 0 register:u16, 1 free:u16, 2 running, 3 owner
//! types     = n, n * type             type: name:u32, n, n * field:u32, site, n, n * method
//!                                     method: name:u32 instance:flag site
//! handlers  = n, n * (start:u32 end:u32 target:u32 register:u16)
//! constants = n, n * constant         constant: 1 i64, 2 the 8 bytes of a double, 3 text, 4 bytes
//! children  = n, n * hash             hash: 32 bytes; the children themselves are kept under their hashes
//!
//! debug     = name:text file:text span line:u32 doc params free positions locals
//! doc       = 0, or 1 text
//! params, free = n, n * text
//! positions = n, n * (pc:i32 start:i32 line:i32 length:i32)   each but length less the one before
//! locals    = n, n * (name:text register:u16 start:u32 end:u32)
//! span      = start:u32 end:u32
//! ```
//!
//! Tables stand in an order in which each is bounded by the ones before: there are no more sites than instructions that
//! make something, and no more constants than mentions of constants. So memory follows the number of bytes even where an entry is much
//! larger in memory than in bytes.

use std::fmt;

use crate::canonical::{CanonicalError, Reader, Writer};
use crate::effects::constant;
use crate::error::{CheckError, MAX_METHODS};
use crate::hash::CodeHash;
use crate::object::{
    Body, CaptureSource, ClosureSite, Code, Constant, Debug, EDITION, FreeKind, Handler, Local, MethodSite, OwnDebug,
    Position, TypeSite,
};
use crate::op::{Field, Op, Role, Word};
use crate::span::Span;

/// Under which a code object is hashed; kind and version in one.
const CONTEXT: &str = "quipu code object v1";

/// Why bytes are not a code object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The bytes are not the canonical ones of any body.
    Bytes(CanonicalError),
    /// The code object is of an edition that this library does not know.
    Edition(u32),
    /// The code of a child is not at hand.
    MissingChild(CodeHash),
    /// The body breaks a rule.
    Check(CheckError),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Bytes(error) => error.fmt(f),
            DecodeError::Edition(edition) => {
                write!(f, "code of edition {edition} needs a newer version; this one knows edition {EDITION}")
            }
            DecodeError::MissingChild(hash) => write!(f, "the code {hash} is missing"),
            DecodeError::Check(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DecodeError {}

impl From<CanonicalError> for DecodeError {
    fn from(error: CanonicalError) -> DecodeError {
        DecodeError::Bytes(error)
    }
}

impl From<CheckError> for DecodeError {
    fn from(error: CheckError) -> DecodeError {
        DecodeError::Check(error)
    }
}

impl CodeHash {
    /// The hash of a code object's canonical bytes.
    pub fn of(bytes: &[u8]) -> CodeHash {
        CodeHash(blake3::derive_key(CONTEXT, bytes))
    }
}

impl Code {
    /// The canonical bytes: those that the hash covers. Children are in them by their hashes, debug information is not.
    pub fn encode(&self) -> Vec<u8> {
        encode_body(self.body())
    }

    /// Reads and checks a code object, whose children the caller looks up. The hash is computed from the bytes.
    ///
    /// # Errors
    /// The bytes are no code object, a child is not known, or the code breaks a rule.
    pub fn decode(bytes: &[u8], children: impl FnMut(&CodeHash) -> Option<Code>) -> Result<Code, DecodeError> {
        let body = read_body(bytes, children)?;
        if encode_body(&body) != bytes {
            return Err(CanonicalError::NotCanonical.into());
        }
        Ok(Code::check_hashed(body, CodeHash::of(bytes))?)
    }

    /// The bytes of the debug information, where there is some.
    pub fn encode_debug(&self) -> Option<Vec<u8>> {
        self.debug().map(write_debug)
    }

    /// The same code with the debug information in these bytes.
    ///
    /// # Errors
    /// The bytes are not canonical, or say something about what the code does not have.
    pub fn decode_debug(self, bytes: &[u8]) -> Result<Code, CanonicalError> {
        let debug = read_debug(bytes, self.body())?;
        if write_debug(&debug) != bytes {
            return Err(CanonicalError::NotCanonical);
        }
        Ok(self.with_debug(Some(debug)))
    }
}

/// The hashes of the children in a code object's bytes, for who must find those first.
///
/// # Errors
/// The bytes are no code object.
pub fn children_of(bytes: &[u8]) -> Result<Vec<CodeHash>, DecodeError> {
    let mut hashes = Vec::new();
    read_parts(bytes, |hash| {
        hashes.push(hash);
        Ok(())
    })?;
    Ok(hashes)
}

pub(super) fn encode_body(body: &Body) -> Vec<u8> {
    let mut to = Writer::new();
    to.u32(body.edition());
    to.u8(body.required);
    to.u8(body.optional);
    to.u8(body.rest as u8);
    to.u16(body.registers);
    write_list(&mut to, &body.free, |to, &kind| to.u8((kind == FreeKind::Cell) as u8));
    write_list(&mut to, &body.words, |to, &word| write_word(to, word));
    write_list(&mut to, &body.closures, write_site);
    write_list(&mut to, &body.types, write_type);
    write_list(&mut to, &body.handlers, write_handler);
    write_list(&mut to, &body.constants, write_constant);
    write_list(&mut to, &body.children, |to, child| to.raw(&child.hash().0));
    to.into_bytes()
}

fn read_body(bytes: &[u8], mut children: impl FnMut(&CodeHash) -> Option<Code>) -> Result<Body, DecodeError> {
    let mut found = Vec::new();
    let body = read_parts(bytes, |hash| {
        found.push(children(&hash).ok_or(DecodeError::MissingChild(hash))?);
        Ok(())
    })?;
    Ok(Body { children: found, ..body })
}

/// Reads all but the children, whose hashes go to `child`.
fn read_parts(bytes: &[u8], mut child: impl FnMut(CodeHash) -> Result<(), DecodeError>) -> Result<Body, DecodeError> {
    let mut from = Reader::new(bytes);
    let edition = from.u32()?;
    if !(1..=EDITION).contains(&edition) {
        return Err(DecodeError::Edition(edition));
    }
    let required = from.u8()?;
    let optional = from.u8()?;
    let rest = read_flag(&mut from)?;
    let registers = from.u16()?;
    let free = read_list(&mut from, 1, usize::MAX, read_kind)?;
    let words = read_list(&mut from, 2, usize::MAX, read_word)?;
    let closures = read_list(&mut from, 2, makers(&words, Role::ClosureSite)?, read_site)?;
    let types = read_list(&mut from, 5, makers(&words, Role::TypeSite)?, read_type)?;
    let handlers = read_list(&mut from, 4, usize::MAX, read_handler)?;
    let constants = read_list(&mut from, 2, mentions(&words, &types), read_constant)?;
    for _ in 0..from.count(32)? {
        child(read_hash(&mut from)?)?;
    }
    from.end()?;
    Ok(Body {
        required,
        optional,
        rest,
        registers,
        free,
        words,
        closures,
        types,
        handlers,
        constants,
        ..Body::default()
    })
}

fn write_list<T>(to: &mut Writer, entries: &[T], mut write: impl FnMut(&mut Writer, &T)) {
    to.count(entries.len());
    entries.iter().for_each(|entry| write(to, entry));
}

/// Reads a list of at most `most` entries that take at least `least` bytes each.
fn read_list<T>(
    from: &mut Reader,
    least: usize,
    most: usize,
    mut read: impl FnMut(&mut Reader) -> Result<T, CanonicalError>,
) -> Result<Vec<T>, CanonicalError> {
    let count = from.count(least)?;
    if count > most {
        return Err(CanonicalError::Malformed);
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(read(from)?);
    }
    Ok(entries)
}

fn read_flag(from: &mut Reader) -> Result<bool, CanonicalError> {
    match from.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(CanonicalError::Malformed),
    }
}

fn read_kind(from: &mut Reader) -> Result<FreeKind, CanonicalError> {
    Ok(if read_flag(from)? { FreeKind::Cell } else { FreeKind::Value })
}

fn read_hash(from: &mut Reader) -> Result<CodeHash, CanonicalError> {
    let mut hash = CodeHash([0; 32]);
    hash.0.copy_from_slice(from.raw(32)?);
    Ok(hash)
}

fn write_word(to: &mut Writer, word: Word) {
    to.u8(word.op_byte());
    for &(field, role) in word.op().map_or(&[][..], Op::operands) {
        let value = word.field(field);
        match (field, role) {
            (Field::D, _) | (_, Role::Flag) => to.u8(value as u8),
            (_, Role::Imm) => to.i32(value as i32),
            (Field::X, _) => to.u32(value),
            _ => to.u16(value as u16),
        }
    }
}

fn read_word(from: &mut Reader) -> Result<Word, CanonicalError> {
    let op = Op::from_u8(from.u8()?).ok_or(CanonicalError::Malformed)?;
    let mut word = Word::abc(op, 0, 0, 0);
    for &(field, role) in op.operands() {
        let value = match (field, role) {
            (Field::D, _) | (_, Role::Flag) => from.u8()? as u32,
            (_, Role::Imm) => from.i32()? as u32,
            (Field::X, _) => from.u32()?,
            _ => from.u16()? as u32,
        };
        word = word.with_field(field, value);
    }
    Ok(word)
}

fn write_site(to: &mut Writer, site: &ClosureSite) {
    to.u32(site.child);
    write_list(to, &site.sources, |to, source| match *source {
        CaptureSource::Register(register) => {
            to.u8(0);
            to.u16(register);
        }
        CaptureSource::Free(free) => {
            to.u8(1);
            to.u16(free);
        }
        CaptureSource::Running => to.u8(2),
        CaptureSource::Owner => to.u8(3),
    });
}

fn read_site(from: &mut Reader) -> Result<ClosureSite, CanonicalError> {
    let child = from.u32()?;
    let sources = read_list(from, 1, usize::MAX, |from| {
        Ok(match from.u8()? {
            0 => CaptureSource::Register(from.u16()?),
            1 => CaptureSource::Free(from.u16()?),
            2 => CaptureSource::Running,
            3 => CaptureSource::Owner,
            _ => return Err(CanonicalError::Malformed),
        })
    })?;
    Ok(ClosureSite { child, sources, own_debug: OwnDebug::default() })
}

fn write_type(to: &mut Writer, site: &TypeSite) {
    to.u32(site.name);
    write_list(to, &site.fields, |to, &field| to.u32(field));
    write_site(to, &site.constructor);
    write_list(to, &site.methods, |to, method| {
        to.u32(method.name);
        to.u8(method.instance as u8);
        write_site(to, &method.closure);
    });
}

fn read_type(from: &mut Reader) -> Result<TypeSite, CanonicalError> {
    let name = from.u32()?;
    let fields = read_list(from, 1, usize::MAX, |from| from.u32())?;
    let constructor = read_site(from)?;
    let methods = read_list(from, 4, MAX_METHODS, |from| {
        Ok(MethodSite { name: from.u32()?, instance: read_flag(from)?, closure: read_site(from)? })
    })?;
    Ok(TypeSite { name, fields, constructor, methods })
}

fn write_handler(to: &mut Writer, handler: &Handler) {
    to.u32(handler.start);
    to.u32(handler.end);
    to.u32(handler.target);
    to.u16(handler.register);
}

fn read_handler(from: &mut Reader) -> Result<Handler, CanonicalError> {
    Ok(Handler { start: from.u32()?, end: from.u32()?, target: from.u32()?, register: from.u16()? })
}

fn write_constant(to: &mut Writer, constant: &Constant) {
    match constant {
        Constant::Int(value) => {
            to.u8(1);
            to.i64(*value);
        }
        Constant::Float(bits) => {
            to.u8(2);
            to.raw(&bits.to_le_bytes());
        }
        Constant::Str(text) => {
            to.u8(3);
            to.text(text);
        }
        Constant::Bytes(bytes) => {
            to.u8(4);
            to.bytes(bytes);
        }
    }
}

fn read_constant(from: &mut Reader) -> Result<Constant, CanonicalError> {
    Ok(match from.u8()? {
        1 => Constant::Int(from.i64()?),
        2 => {
            let mut bits = [0; 8];
            bits.copy_from_slice(from.raw(8)?);
            Constant::Float(u64::from_le_bytes(bits))
        }
        3 => Constant::Str(from.text()?.into()),
        4 => Constant::Bytes(from.bytes()?.into()),
        _ => return Err(CanonicalError::Malformed),
    })
}

/// How many instructions have a site of this role: the most sites there can be. Their numbers must already rise as the
/// checker wants it, or else small words could ask for as many large sites.
fn makers(words: &[Word], role: Role) -> Result<usize, CanonicalError> {
    let operands = words.iter().flat_map(|&word| {
        let operands = word.op().map_or(&[][..], Op::operands);
        operands.iter().filter(move |operand| operand.1 == role).map(move |operand| word.field(operand.0))
    });
    let mut count = 0;
    for index in operands {
        if index as usize != count {
            return Err(CanonicalError::Malformed);
        }
        count += 1;
    }
    Ok(count)
}

/// How often constants are mentioned: the most of them there can be.
fn mentions(words: &[Word], types: &[TypeSite]) -> usize {
    let in_words = words.iter().filter(|word| constant(**word).is_some()).count();
    let in_types = types.iter().map(|site| 1 + site.fields.len() + site.methods.len()).sum::<usize>();
    in_words + in_types
}

fn write_debug(debug: &Debug) -> Vec<u8> {
    let mut to = Writer::new();
    to.text(&debug.name);
    to.text(&debug.file);
    to.u32(debug.span.start);
    to.u32(debug.span.end);
    to.u32(debug.line);
    match &debug.doc {
        None => to.u8(0),
        Some(doc) => {
            to.u8(1);
            to.text(doc);
        }
    }
    write_list(&mut to, &debug.params, |to, name| to.text(name));
    write_list(&mut to, &debug.free, |to, name| to.text(name));
    let mut last = Position { pc: 0, span: Span::default(), line: 0 };
    write_list(&mut to, &debug.positions, |to, position| {
        to.i32(position.pc.wrapping_sub(last.pc) as i32);
        to.i32(position.span.start.wrapping_sub(last.span.start) as i32);
        to.i32(position.line.wrapping_sub(last.line) as i32);
        to.i32(position.span.end.wrapping_sub(position.span.start) as i32);
        last = *position;
    });
    write_list(&mut to, &debug.locals, |to, local| {
        to.text(&local.name);
        to.u16(local.register);
        to.u32(local.start);
        to.u32(local.end);
    });
    to.into_bytes()
}

fn read_debug(bytes: &[u8], body: &Body) -> Result<Debug, CanonicalError> {
    let mut from = Reader::new(bytes);
    let name = from.text()?.into();
    let file = from.text()?.into();
    let span = Span::new(from.u32()?, from.u32()?);
    let line = from.u32()?;
    let doc = if read_flag(&mut from)? { Some(from.text()?.into()) } else { None };
    let text = |from: &mut Reader| from.text().map(String::from);
    let params = read_list(&mut from, 1, body.params() as usize, text)?;
    let free = read_list(&mut from, 1, body.free.len(), text)?;
    let mut last = Position { pc: 0, span: Span::default(), line: 0 };
    let positions = read_list(&mut from, 4, usize::MAX, |from| {
        let pc = last.pc.wrapping_add(from.i32()? as u32);
        let start = last.span.start.wrapping_add(from.i32()? as u32);
        let line = last.line.wrapping_add(from.i32()? as u32);
        let end = start.wrapping_add(from.i32()? as u32);
        last = Position { pc, span: Span::new(start, end), line };
        Ok(last)
    })?;
    let locals = read_list(&mut from, 4, usize::MAX, |from| {
        Ok(Local { name: text(from)?, register: from.u16()?, start: from.u32()?, end: from.u32()? })
    })?;
    from.end()?;
    Ok(Debug { name, file, span, line, doc, params, free, positions, locals })
}
