//! The bytes of an image file.
//!
//! ```text
//! file   = header needs code graph debug fill
//! header = 8b "QUIPU" 0d 0a        magic
//!          version:u16 flags:u16   flags: 1 thin, 2 with debug information
//!          edition:u32             the highest of its code objects; 1 if there are none in it
//!          length:u64 * 5          of needs, code, graph, debug, fill
//!          hash: 32 bytes          FileHash: of the header up to here, and of all sections
//! needs  = table of names          in the order in which graph and code mention them first
//! code   = table of code objects   canonical bytes, children before those they are nested in; empty if thin
//! graph  = as `graph::tag` says
//! debug  = table of byte strings   one for each code object, empty where there is none
//! fill   = zeros                   so many that loading takes at most 16 times the length, and a little
//! ```
//!
//! Numbers in the header are little-endian. The tables are encoded with serde and bincode, canonically.

use std::ops::Range;

use quipu_code::EDITION;
use quipu_code::canonical::{self, Blob, Text};
use quipu_code::hash::FileHash;

use super::error::{ImageError, ImageRule, Section};

/// The version that is written.
pub const VERSION: u16 = 1;

pub(super) const THIN: u16 = 1;
pub(super) const DEBUG: u16 = 2;

const MAGIC: [u8; 8] = *b"\x8bQUIPU\r\n";
const HASHED: usize = 56;
pub(super) const HEADER: usize = HASHED + 32;

/// Under which image files are hashed; kind and version in one.
const CONTEXT: &str = "quipu image file v1";

/// Memory that any image may take to load, however short it is.
const FREE: u64 = 512 << 10;

/// The sections of a file whose header and hash are in order.
pub(super) struct Sections<'b> {
    pub flags: u16,
    pub edition: u32,
    pub needs: &'b [u8],
    pub code: &'b [u8],
    pub graph: &'b [u8],
    pub debug: &'b [u8],
    pub fill: &'b [u8],
}

/// Puts a file together. `memory` is what loading it may take.
pub(super) fn write(
    flags: u16,
    edition: u32,
    needs: &[u8],
    code: &[u8],
    graph: &[u8],
    debug: &[u8],
    memory: u64,
) -> Vec<u8> {
    let length = HEADER + needs.len() + code.len() + graph.len() + debug.len();
    let fill = fill_for(length, memory);
    let mut bytes = Vec::with_capacity(length + fill);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&flags.to_le_bytes());
    bytes.extend_from_slice(&edition.to_le_bytes());
    for length in [needs.len(), code.len(), graph.len(), debug.len(), fill] {
        bytes.extend_from_slice(&(length as u64).to_le_bytes());
    }
    bytes.extend_from_slice(&[0; 32]);
    for section in [needs, code, graph, debug] {
        bytes.extend_from_slice(section);
    }
    bytes.resize(length + fill, 0);
    let hash = file_hash(&bytes);
    bytes[HASHED..HEADER].copy_from_slice(&hash.0);
    bytes
}

/// How many zeros a file of this length needs.
pub(super) fn fill_for(length: usize, memory: u64) -> usize {
    let wanted = memory.saturating_sub(FREE).div_ceil(16);
    usize::try_from(wanted.saturating_sub(length as u64)).unwrap_or(usize::MAX)
}

fn file_hash(bytes: &[u8]) -> FileHash {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&bytes[..HASHED]);
    hasher.update(&bytes[HEADER..]);
    FileHash(hasher.finalize().into())
}

/// The hash of a file's bytes as its header has it, if they are long enough to have one.
pub fn file_hash_of(bytes: &[u8]) -> Option<FileHash> {
    bytes.get(HASHED..HEADER)?.try_into().ok().map(FileHash)
}

/// What a header says, before anybody has looked whether it can be. Only this knows where it stands.
struct Header<'b> {
    version: u16,
    flags: u16,
    edition: u32,
    lengths: [u64; 5],
    hash: FileHash,
    /// What follows it.
    rest: &'b [u8],
}

impl<'b> Header<'b> {
    /// None if the bytes are too few for one.
    fn of(bytes: &'b [u8]) -> Option<Header<'b>> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let number =
            |range: Range<usize>| header[range].iter().rev().fold(0, |number, &byte| number << 8 | byte as u64);
        Some(Header {
            version: number(8..10) as u16,
            flags: number(10..12) as u16,
            edition: number(12..16) as u32,
            lengths: [0, 1, 2, 3, 4].map(|index| number(16 + 8 * index..24 + 8 * index)),
            hash: file_hash_of(bytes)?,
            rest,
        })
    }

    /// The sections, those left out that do not end in the file, and what stands behind the last one.
    fn sections(&self) -> ([Option<&'b [u8]>; 5], &'b [u8]) {
        let mut rest = self.rest;
        let sections = self.lengths.map(|length| {
            let (section, others) = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length))?;
            rest = others;
            Some(section)
        });
        (sections, rest)
    }
}

/// The bytes of the graph, if the lengths in the header are those of a file. Nothing else is looked at.
pub(super) fn graph_of(bytes: &[u8]) -> Option<&[u8]> {
    match Header::of(bytes)?.sections().0 {
        [Some(_), Some(_), graph, ..] => graph,
        _ => None,
    }
}

/// Writes the FileHash of changed bytes into their header, for tests of what is behind it.
#[doc(hidden)]
pub fn repair(bytes: &mut [u8]) {
    if bytes.len() >= HEADER {
        let hash = file_hash(bytes);
        bytes[HASHED..HEADER].copy_from_slice(&hash.0);
    }
}

/// Takes a file apart.
pub(super) fn read(bytes: &[u8]) -> Result<Sections<'_>, ImageError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(ImageError::NotAnImage);
    }
    let broken = |text| ImageError::Broken { section: Section::Header, rule: ImageRule::Text(text) };
    let header = Header::of(bytes).ok_or(broken("it is cut off"))?;
    let Header { version, flags, edition, .. } = header;
    if version > VERSION {
        return Err(ImageError::Newer { what: "format version", found: version.into(), known: VERSION.into() });
    }
    if edition > EDITION {
        return Err(ImageError::Newer { what: "edition", found: edition, known: EDITION });
    }
    if version == 0 || edition == 0 {
        return Err(broken("versions and editions count from 1"));
    }
    let (sections, rest) = header.sections();
    let [Some(needs), Some(code), Some(graph), Some(debug), Some(fill)] = sections else {
        return Err(broken("a section ends behind the end of the file"));
    };
    if !rest.is_empty() {
        return Err(broken("there are bytes behind the last section"));
    }
    if header.hash != file_hash(bytes) {
        return Err(ImageError::Damaged);
    }
    if flags & !(THIN | DEBUG) != 0 {
        return Err(broken("it has flags that this version does not know"));
    }
    let (thin, has_debug) = (flags & THIN != 0, flags & DEBUG != 0);
    if thin && (has_debug || !code.is_empty()) || has_debug == debug.is_empty() {
        return Err(broken("its flags and lengths contradict one another"));
    }
    if fill.iter().any(|&byte| byte != 0) {
        return Err(ImageError::Broken { section: Section::Fill, rule: ImageRule::Text("it is not all zeros") });
    }
    Ok(Sections { flags, edition, needs, code, graph, debug, fill })
}

pub(super) fn write_names(names: &[String]) -> Vec<u8> {
    canonical::encode(&names.iter().map(|name| Text(name.as_str().into())).collect::<Vec<_>>())
}

pub(super) fn read_names(bytes: &[u8]) -> Result<Vec<String>, ImageError> {
    let names: Vec<Text> = canonical::decode(bytes, bytes.len())
        .map_err(|error| ImageError::Broken { section: Section::Needs, rule: error.into() })?;
    Ok(names.iter().map(|name| name.0.to_string()).collect())
}

pub(super) fn write_blobs(blobs: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    canonical::encode(&blobs.map(|blob| Blob(blob.into())).collect::<Vec<_>>())
}

pub(super) fn read_blobs(bytes: &[u8], section: Section) -> Result<Vec<Blob>, ImageError> {
    canonical::decode(bytes, bytes.len()).map_err(|error| ImageError::Broken { section, rule: error.into() })
}
