//! Functions by hash: uploaded ones, those in the store, and the ones that were opened lately.
//!
//! ```text
//! a graph in the store  count:u32 hash* image      its code, children before those they are nested in; the thin image
//! code in the store     length:u32 code debug      the code object, and its debug information if there is any
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quipu_lang::code::{Code, CodeHash, children_of};
use quipu_vm::Image;
use quipu_vm::image::{Form, ImageError};

use super::generations::Generations;
use crate::store::{Blob, Hash, Kind, Store, StoreError};

/// A function that was opened and checked.
pub(super) struct Function {
    pub image: Image,
    /// What a store has to have before it can have entries with this function.
    pub blobs: Arc<[Blob]>,
}

/// The functions and code objects that are known without asking the store.
pub(super) struct Functions {
    known: Mutex<Known>,
}

struct Known {
    functions: Generations<Arc<Function>>,
    codes: Generations<Arc<Part>>,
}

/// A code object, whole or not yet.
enum Part {
    Whole(Code),
    /// Its bytes are in order, but those nested in it may be missing.
    Bytes {
        code: Vec<u8>,
        debug: Vec<u8>,
        children: Vec<CodeHash>,
    },
}

impl Functions {
    /// None yet; at most this many bytes of them.
    pub fn new(limit: usize) -> Functions {
        let (functions, codes) = (Generations::new(limit / 2), Generations::new(limit / 2));
        Functions { known: Mutex::new(Known { functions, codes }) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A function that was opened.
    pub fn get(&self, hash: &Hash) -> Option<Arc<Function>> {
        self.known().functions.get(hash)
    }

    /// Takes a thin or fat image of a function. Gives the code that is missing, as far as that is known.
    pub fn put_graph(&self, hash: &Hash, bytes: &[u8]) -> Result<Vec<Hash>, String> {
        let mut known = self.known();
        if known.functions.get(hash).is_some() {
            return Ok(Vec::new());
        }
        let mut table: HashMap<CodeHash, Code> = HashMap::new();
        // The first try tells what is needed, the second one has it.
        for _ in 0..2 {
            match Image::open(bytes, &table) {
                Ok(image) if image.hash() == *hash => {
                    let function = Arc::new(Function::new(image));
                    known.functions.put(*hash, function.clone(), function.size());
                    return Ok(Vec::new());
                }
                Ok(_) => return Err("the function has another hash".to_owned()),
                Err(ImageError::MissingCode(codes)) => {
                    let missing = known.assemble(&codes, &mut table)?;
                    if !missing.is_empty() {
                        return Ok(missing.iter().map(|hash| hash.0).collect());
                    }
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("the graph does not say what code it needs".to_owned())
    }

    /// Takes a code object. Those nested in it may come later. Gives the hash that it has.
    pub fn put_code(&self, code: &[u8], debug: &[u8]) -> Result<Hash, String> {
        let hash = CodeHash::of(code).0;
        let mut known = self.known();
        if known.codes.get(&hash).is_none() {
            let children = children_of(code).map_err(|error| error.to_string())?;
            let size = 200 + code.len() + debug.len();
            let part = Part::Bytes { code: code.to_vec(), debug: debug.to_vec(), children };
            known.codes.put(hash, Arc::new(part), size);
        }
        Ok(hash)
    }

    /// A function out of a store.
    pub fn load(&self, hash: &Hash, store: &mut dyn Store) -> Result<Option<Arc<Function>>, StoreError> {
        let Some(bytes) = store.blob(Kind::Graph, hash)? else { return Ok(None) };
        let damaged = |what: String| StoreError::Damaged(format!("a function: {what}"));
        let (codes, thin) = split_graph(&bytes).ok_or_else(|| damaged("it is cut off".to_owned()))?;
        let mut table = HashMap::new();
        for code in codes {
            let bytes = store.blob(Kind::Code, &code)?.ok_or_else(|| damaged("code is missing".to_owned()))?;
            let code = read_code(&bytes, &table).map_err(damaged)?;
            table.insert(code.hash(), code);
        }
        let image = Image::open(thin, &table).map_err(|error| damaged(error.to_string()))?;
        if image.hash() != *hash {
            return Err(damaged("it has another hash".to_owned()));
        }
        let function = Arc::new(Function::new(image));
        self.known().functions.put(*hash, function.clone(), function.size());
        Ok(Some(function))
    }
}

impl Known {
    /// Adds these code objects and all nested in them to a table. Gives those that are not known.
    fn assemble(&mut self, wanted: &[CodeHash], table: &mut HashMap<CodeHash, Code>) -> Result<Vec<CodeHash>, String> {
        let (mut missing, mut failed) = (Vec::new(), HashSet::new());
        let mut stack: Vec<CodeHash> = wanted.to_vec();
        while let Some(&hash) = stack.last() {
            if table.contains_key(&hash) || failed.contains(&hash) {
                stack.pop();
                continue;
            }
            match self.codes.get(&hash.0).as_deref() {
                None => {
                    failed.insert(hash);
                    missing.push(hash);
                }
                Some(Part::Whole(code)) => {
                    table.insert(hash, code.clone());
                }
                Some(Part::Bytes { code, debug, children }) => {
                    // No code object is nested in itself: its hash would have to be in its own bytes.
                    let is_open = |child: &&CodeHash| !table.contains_key(child) && !failed.contains(child);
                    let before = stack.len();
                    stack.extend(children.iter().filter(is_open));
                    if stack.len() > before {
                        continue;
                    }
                    if children.iter().all(|child| table.contains_key(child)) {
                        let whole = decode(code, debug, table)?;
                        let size = 200 + 4 * code.len() + 2 * debug.len();
                        self.codes.put(hash.0, Arc::new(Part::Whole(whole.clone())), size);
                        table.insert(hash, whole);
                    } else {
                        failed.insert(hash);
                    }
                }
            }
        }
        Ok(missing)
    }
}

impl Function {
    fn new(image: Image) -> Function {
        let codes: Vec<Hash> = image.codes().iter().map(|code| code.hash().0).collect();
        let mut bytes = (codes.len() as u32).to_le_bytes().to_vec();
        codes.iter().for_each(|code| bytes.extend_from_slice(code));
        bytes.extend_from_slice(&image.to_bytes(Form { thin: true, strip: false }));
        let hash = image.hash();
        let graph = Blob { kind: Kind::Graph, hash, bytes, links: codes };
        let code = |code: &Code| {
            let (body, debug) = (code.encode(), code.encode_debug().unwrap_or_default());
            let bytes = [&(body.len() as u32).to_le_bytes(), &body[..], &debug[..]].concat();
            Blob { kind: Kind::Code, hash: code.hash().0, bytes, links: Vec::new() }
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
fn split_graph(bytes: &[u8]) -> Option<(Vec<Hash>, &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let (codes, thin) = rest.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(32)?)?;
    Some((codes.as_chunks::<32>().0.to_vec(), thin))
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
