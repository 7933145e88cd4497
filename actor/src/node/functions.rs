//! Functions by hash: uploaded ones, those in the store, and the ones that were opened lately.
//!
//! ```text
//! a graph in the store  count:u32 hash* image      its code, children before those they are nested in; the thin image
//! code in the store     length:u32 code debug      the code object, and its debug information if there is any
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use quipu_code::hash::GraphHash;
use quipu_code::{Code, CodeHash, children_of};
use quipu_vm::Image;
use quipu_vm::image::{Form, ImageError};

use super::access::Access;
use crate::call::CodeBytes;
use crate::recent::Recent;
use crate::store::{BlobId, StoreError, StoredBlob};

/// A function that was opened and checked.
pub(super) struct Function {
    pub image: Image,
    /// What a store has to have before it can have entries with this function.
    pub blobs: Arc<[StoredBlob]>,
}

const INCOMPLETE: &str = "the list of its code is not complete";

/// The functions and code objects that are known without asking the store.
pub(super) struct Functions {
    known: Mutex<Known>,
}

struct Known {
    functions: Recent<GraphHash, Arc<Function>>,
    codes: Recent<CodeHash, Arc<Part>>,
}

/// A code object as it was sent, and put together with those nested in it once they were there.
struct Part {
    code: Vec<u8>,
    debug: Vec<u8>,
    children: Vec<CodeHash>,
    whole: OnceLock<Code>,
}

impl Functions {
    /// None yet; at most this many bytes of them.
    pub fn new(limit: usize) -> Functions {
        let (functions, codes) = (Recent::new(limit / 2), Recent::new(limit / 2));
        Functions { known: Mutex::new(Known { functions, codes }) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of all that is here.
    pub fn bytes(&self) -> usize {
        let known = self.known();
        known.functions.weight() + known.codes.weight()
    }

    /// A function that was opened.
    pub fn get(&self, hash: &GraphHash) -> Option<Arc<Function>> {
        self.known().functions.get(hash)
    }

    /// Whether a code object is here.
    pub fn has_code(&self, hash: &CodeHash) -> bool {
        self.known().codes.get(hash).is_some()
    }

    /// Takes a thin or fat image of a function and code for it. Gives those of `codes` that are neither here nor sent.
    ///
    /// Who knows a hash may have it from anywhere. So the bytes are read and hashed also if the function is here already,
    /// and code that is here is used only if it is in `codes`.
    pub fn put(
        &self,
        hash: &GraphHash,
        bytes: &[u8],
        codes: &[CodeHash],
        sent: &HashMap<CodeHash, CodeBytes>,
    ) -> Result<Vec<CodeHash>, String> {
        let mut parts: HashMap<CodeHash, Arc<Part>> = HashMap::new();
        for (hash, (code, debug)) in sent {
            if CodeHash::of(code) != *hash {
                return Err("the code has another hash".to_owned());
            }
            let children = children_of(code).map_err(|error| error.to_string())?;
            let (code, debug) = (code.clone(), debug.clone());
            parts.insert(*hash, Arc::new(Part { code, debug, children, whole: OnceLock::new() }));
        }
        let mut missing = Vec::new();
        {
            let mut known = self.known();
            for code in codes {
                if let Some(part) = known.codes.get(code) {
                    parts.insert(*code, part);
                } else if let Some(part) = parts.get(code) {
                    known.codes.put(*code, part.clone(), part.size());
                } else {
                    missing.push(*code);
                }
            }
        }
        if !missing.is_empty() {
            return Ok(missing);
        }
        let image = match Image::parse(bytes, &assemble(&parts)?) {
            Ok(image) if image.hash() == *hash => image,
            Ok(_) => return Err("the function has another hash".to_owned()),
            Err(ImageError::MissingCode(_)) => return Err(INCOMPLETE.to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let mut known = self.known();
        if known.functions.get(hash).is_none() {
            let function = Arc::new(Function::new(image));
            known.functions.put(*hash, function.clone(), function.size());
        }
        Ok(Vec::new())
    }

    /// A function out of a store.
    pub fn load(&self, hash: &GraphHash, store: &mut impl Access) -> Result<Option<Arc<Function>>, StoreError> {
        let Some(bytes) = store.with(|store| store.blob(BlobId::Graph(*hash)))? else { return Ok(None) };
        let damaged = |what: String| StoreError::Damaged(format!("a function: {what}"));
        let (codes, thin) = split_graph(&bytes).ok_or_else(|| damaged("it is cut off".to_owned()))?;
        let stored = store
            .with(|store| codes.iter().map(|code| store.blob(BlobId::Code(*code))).collect::<Result<Vec<_>, _>>())?;
        let mut table = HashMap::new();
        for bytes in stored {
            let bytes = bytes.ok_or_else(|| damaged("code is missing".to_owned()))?;
            let code = read_code(&bytes, &table).map_err(damaged)?;
            table.insert(code.hash(), code);
        }
        let image = Image::parse(thin, &table).map_err(|error| damaged(error.to_string()))?;
        if image.hash() != *hash {
            return Err(damaged("it has another hash".to_owned()));
        }
        let function = Arc::new(Function::new(image));
        self.known().functions.put(*hash, function.clone(), function.size());
        Ok(Some(function))
    }
}

/// Code objects out of their parts, those first that are nested in others.
fn assemble(parts: &HashMap<CodeHash, Arc<Part>>) -> Result<HashMap<CodeHash, Code>, String> {
    let mut table: HashMap<CodeHash, Code> = HashMap::new();
    let mut stack: Vec<CodeHash> = parts.keys().copied().collect();
    while let Some(&hash) = stack.last() {
        if table.contains_key(&hash) {
            stack.pop();
            continue;
        }
        let part = parts.get(&hash).ok_or(INCOMPLETE)?;
        let open = part.children.iter().filter(|child| !table.contains_key(child)).copied();
        let before = stack.len();
        // No code object is nested in itself: its hash would have to be in its own bytes.
        stack.extend(open);
        if stack.len() > before {
            continue;
        }
        stack.pop();
        let code = match part.whole.get() {
            Some(code) => code.clone(),
            None => {
                let code = decode(&part.code, &part.debug, &table)?;
                part.whole.get_or_init(|| code).clone()
            }
        };
        table.insert(hash, code);
    }
    Ok(table)
}

impl Part {
    /// Bytes that it takes, about; it is going to be whole.
    fn size(&self) -> usize {
        300 + 5 * self.code.len() + 3 * self.debug.len() + 32 * self.children.len()
    }
}

impl Function {
    fn new(image: Image) -> Function {
        let codes: Vec<CodeHash> = image.codes().iter().map(Code::hash).collect();
        let mut bytes = (codes.len() as u32).to_le_bytes().to_vec();
        codes.iter().for_each(|code| bytes.extend_from_slice(&code.0));
        bytes.extend_from_slice(&image.dump(Form { thin: true, strip: false }));
        let graph = StoredBlob { id: BlobId::Graph(image.hash()), bytes, links: codes };
        let code = |code: &Code| {
            let (body, debug) = (code.encode(), code.encode_debug().unwrap_or_default());
            let bytes = [&(body.len() as u32).to_le_bytes(), &body[..], &debug[..]].concat();
            StoredBlob { id: BlobId::Code(code.hash()), bytes, links: Vec::new() }
        };
        let blobs = image.codes().iter().map(code).chain([graph]).collect();
        Function { image, blobs }
    }

    /// Bytes that it takes, about.
    fn size(&self) -> usize {
        500 + 6 * self.blobs.iter().map(|blob| blob.bytes.len()).sum::<usize>()
    }
}

/// Code hashes and thin image of a stored graph.
fn split_graph(bytes: &[u8]) -> Option<(Vec<CodeHash>, &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let (codes, thin) = rest.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(32)?)?;
    Some((codes.as_chunks::<32>().0.iter().copied().map(CodeHash).collect(), thin))
}

/// A stored code object.
fn read_code(bytes: &[u8], table: &HashMap<CodeHash, Code>) -> Result<Code, String> {
    let parts = bytes.split_first_chunk::<4>();
    let parts = parts.and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
    let (code, debug) = parts.ok_or("its code is cut off")?;
    decode(code, debug, table)
}

fn decode(code: &[u8], debug: &[u8], table: &HashMap<CodeHash, Code>) -> Result<Code, String> {
    let code = Code::decode(code, |hash| table.get(hash).cloned()).map_err(|error| error.to_string())?;
    match debug.is_empty() {
        true => Ok(code),
        false => code.decode_debug(debug).map_err(|error| error.to_string()),
    }
}
