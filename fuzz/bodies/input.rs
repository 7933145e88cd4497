//! How targets read their bytes: as choices, and as the parts of an image or code in which hashes stand by number.
//!
//! ```text
//! image = mode:u8 needs graph debug code*   mode: bit 0 thin
//! part  = length:u16 bytes                  little-endian; a length beyond the end means the rest
//! ```
//!
//! In code and graph, 32 equal bytes `0xc0 + i` stand for the hash of the code with number `i`, so that a change to code
//! does not make everything around it wrong.

use std::collections::HashSet;

use quipu::code::{Code, CodeHash, Constant, Op};
use quipu::vm::image::{CodeTable, Image, ImageError, ImageRule};

use super::parts::{HEAD, Parts, count, replace};

/// Numbers from bytes; after the last byte all are 0.
pub struct Choices<'d>(&'d [u8]);

impl Choices<'_> {
    pub fn of(data: &[u8]) -> Choices<'_> {
        Choices(data)
    }

    /// A number below another one, which is not 0.
    pub fn below(&mut self, below: u64) -> u64 {
        let bytes = if below > 256 { 2 } else { 1 };
        let (now, later) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = later;
        now.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)) % below
    }
}

/// The byte that the hash of the first code object stands as.
const FIRST: u8 = 0xc0;
/// The most zeros that are put at the end.
const MOST_FILL: usize = 1 << 20;

fn parts_of(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let (part, others) = after.split_at(after.len().min(u16::from_le_bytes(*length).into()));
        rest = others;
        Some(part)
    })
}

fn put_part(to: &mut Vec<u8>, part: &[u8]) {
    let part = &part[..part.len().min(u16::MAX.into())];
    to.extend((part.len() as u16).to_le_bytes());
    to.extend(part);
}

fn put_hashes(bytes: &mut [u8], hashes: &[CodeHash]) {
    for (hash, byte) in hashes.iter().zip(FIRST..=u8::MAX) {
        replace(bytes, &[byte; 32], &hash.0);
    }
}

/// The bytes of code objects, with the hashes of those before them in their places.
pub fn code_of(data: &[u8]) -> Vec<Vec<u8>> {
    with_hashes(parts_of(data)).0
}

fn with_hashes<'d>(parts: impl Iterator<Item = &'d [u8]>) -> (Vec<Vec<u8>>, Vec<CodeHash>) {
    let (mut codes, mut hashes) = (Vec::new(), Vec::new());
    for part in parts {
        let mut code = part.to_vec();
        put_hashes(&mut code, &hashes);
        hashes.push(CodeHash::of(&code));
        codes.push(code);
    }
    (codes, hashes)
}

/// The file of an image, lengths, hashes and fill put right.
pub fn assemble(data: &[u8]) -> Vec<u8> {
    let (mode, rest) = data.split_first().unwrap_or((&0, &[]));
    let mut parts = parts_of(rest);
    let mut next = || parts.next().unwrap_or_default().to_vec();
    let (needs, mut graph, debug) = (next(), next(), next());
    let (codes, hashes) = with_hashes(parts);
    put_hashes(&mut graph, &hashes);
    let mut code = Vec::new();
    if mode & 1 == 0 {
        count(&mut code, codes.len());
        for bytes in &codes {
            count(&mut code, bytes.len());
            code.extend(bytes);
        }
    }
    let mut start = HEAD;
    start[10] = mode & 1 | u8::from(!debug.is_empty()) << 1;
    filled(Parts { start, needs, code, graph, debug, fill: 0 }, &())
}

fn filled(mut parts: Parts, table: &dyn CodeTable) -> Vec<u8> {
    if let Err(ImageError::Broken { rule: ImageRule::Fill { needed, .. }, .. }) = Image::parse(parts.bytes(), table) {
        parts.fill = needed.min(MOST_FILL);
    }
    parts.bytes()
}

/// The file of an image whose graph reaches this code, which is in the table.
pub fn file_of_code(code: &Code, graph: Vec<u8>, table: &dyn CodeTable) -> Vec<u8> {
    let (mut seen, mut names) = (HashSet::new(), Vec::new());
    add_names(code, &mut seen, &mut names);
    let mut needs = Vec::new();
    count(&mut needs, names.len());
    for name in names {
        count(&mut needs, name.len());
        needs.extend(name.as_bytes());
    }
    let mut start = HEAD;
    start[10] = 1;
    filled(Parts { start, needs, code: Vec::new(), graph, debug: Vec::new(), fill: 0 }, table)
}

/// Adds the names of natives, each once, those of nested code first.
fn add_names<'c>(code: &'c Code, seen: &mut HashSet<CodeHash>, to: &mut Vec<&'c str>) {
    if !seen.insert(code.hash()) {
        return;
    }
    code.body().children.iter().for_each(|child| add_names(child, seen, to));
    for word in code.body().words.iter().filter(|word| word.op() == Some(Op::GetNative)) {
        if let Some(Constant::Str(name)) = code.body().constants.get(word.x() as usize)
            && !to.contains(&&**name)
        {
            to.push(name);
        }
    }
}

/// The input that makes an image: what fuzzing begins with.
pub fn take_apart(bytes: &[u8]) -> Vec<u8> {
    let parts = Parts::of(bytes);
    let mut codes: Vec<Vec<u8>> = Image::parse(bytes, &()).unwrap().codes().iter().map(Code::encode).collect();
    let mut graph = parts.graph;
    let hashes: Vec<CodeHash> = codes.iter().map(|code| CodeHash::of(code)).collect();
    for (hash, byte) in hashes.iter().zip(FIRST..=u8::MAX) {
        replace(&mut graph, &hash.0, &[byte; 32]);
        codes.iter_mut().for_each(|code| replace(code, &hash.0, &[byte; 32]));
    }
    let mut input = vec![0];
    [&parts.needs, &graph, &parts.debug].into_iter().chain(&codes).for_each(|part| put_part(&mut input, part));
    input
}

/// The input of `code_check` that has the code of an image taken apart.
pub fn only_code(parts: &[u8]) -> Vec<u8> {
    let mut input = vec![0];
    parts_of(&parts[1..]).skip(3).for_each(|part| put_part(&mut input, part));
    input
}
