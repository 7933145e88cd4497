//! Images: a value and all it reaches as bytes, which any process can load again.
//!
//! ```text
//!   value ──of──> Image ──dump──> bytes ──parse──> Image ──load──> value
//!               in memory          file            checked       in another heap
//! ```
//!
//! Parsing believes nothing: every byte is checked, every hash computed, every code object verified. Nothing runs, neither
//! then nor when the value is built. An image that was parsed can be looked at without a machine.

mod error;
mod format;
mod outline;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

use quipu_code::effects::native;
use quipu_code::hash::GraphHash;
use quipu_code::{Code, CodeHash, Constant};

use crate::cx::Cx;
use crate::door::{caught, told};
use crate::graph::build::{Trouble, build};
use crate::graph::check::{Facts, check};
use crate::graph::read::counts;
use crate::graph::weight::of_check;
use crate::graph::write::write as write_graph;
use crate::graph::{self, error::GraphError};
use crate::heap::Value;
use crate::native::Fault;

pub use crate::graph::progress::Progress;
pub use error::{ImageError, ImageRule, Section};
pub use format::{VERSION, file_hash_of, repair};
pub use outline::{FiberStage, Met, Outline, Part, Parts, Place, Thing, Visit, Walk};

/// Where the code of thin images is found.
pub trait CodeTable {
    /// The code with this hash, if it is known.
    fn code(&self, hash: &CodeHash) -> Option<Code>;
}

/// Knows no code.
impl CodeTable for () {
    fn code(&self, _: &CodeHash) -> Option<Code> {
        None
    }
}

impl CodeTable for HashMap<CodeHash, Code> {
    fn code(&self, hash: &CodeHash) -> Option<Code> {
        self.get(hash).cloned()
    }
}

/// How an image is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// Without code: whoever opens it must have the code already.
    pub thin: bool,
    /// Without names and lines of functions. They change no hash.
    pub strip: bool,
}

/// How many there are in an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct Tally {
    pub functions: usize,
    pub cells: usize,
}

/// A value and all it reaches, apart from any machine.
pub struct Image {
    needs: Vec<String>,
    /// All code, children before those they are nested in.
    codes: Vec<Code>,
    graph: Vec<u8>,
    /// What loading it may take.
    memory: u64,
    /// What checking the graph has found; an image that was made of a value is checked when that is first needed.
    facts: OnceLock<Facts>,
    thin: bool,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image")
            .field("needs", &self.needs)
            .field("codes", &self.codes.len())
            .field("bytes", &self.graph.len())
            .finish_non_exhaustive()
    }
}

impl Image {
    /// The image of a value. The value stays what it is, and may go on changing.
    ///
    /// # Errors
    /// `not_portable` when it reaches a running fiber; a limit.
    pub fn of<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Image, Fault<'v>> {
        Image::of_with_progress(cx, value, &mut Progress::silent())
    }

    /// [`of`](Self::of), telling how far it has come.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn of_with_progress<'v>(
        cx: &mut Cx<'v>,
        value: Value<'v>,
        progress: &mut Progress<'_>,
    ) -> Result<Image, Fault<'v>> {
        let graph = write_graph(cx, value, progress)?;
        progress.outcome().map_err(|text| fault(cx, &ImageError::Host(text)))?;
        let mut codes = Vec::with_capacity(graph.codes.len());
        let mut seen = HashSet::new();
        graph.codes.iter().for_each(|code| add_code(code, &mut seen, &mut codes));
        Ok(Image {
            needs: needs(&graph.natives, &codes),
            codes,
            memory: graph.memory,
            graph: graph.into_bytes(),
            facts: OnceLock::new(),
            thin: false,
        })
    }

    /// Checks the bytes of an image. The code of a thin one is looked up in `table`.
    ///
    /// Bytes that are given away, as a `Vec`, are kept; of borrowed ones the graph is copied.
    ///
    /// # Errors
    /// What is wrong with the bytes, or the code that is missing.
    pub fn parse<'b>(bytes: impl Into<Cow<'b, [u8]>>, table: &dyn CodeTable) -> Result<Image, ImageError> {
        Image::parse_with_progress(bytes, table, &mut Progress::silent())
    }

    /// About how many bytes of memory opening an image takes while it is under way, beside those of its code. It is
    /// less than 40 times the length, whatever the bytes are; nothing of them has been checked.
    pub fn checking_takes(bytes: &[u8]) -> usize {
        let counts = format::graph_of(bytes).and_then(|graph| counts(graph).ok());
        counts.map_or(0, |(frozen, nodes)| of_check(frozen, nodes))
    }

    /// [`parse`](Self::parse), telling how far it has come.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with_progress<'b>(
        bytes: impl Into<Cow<'b, [u8]>>,
        table: &dyn CodeTable,
        progress: &mut Progress<'_>,
    ) -> Result<Image, ImageError> {
        let mut bytes = bytes.into();
        let (mut image, graph) = Image::checked(&bytes, table, progress)?;
        image.graph = match &mut bytes {
            Cow::Borrowed(bytes) => bytes[graph].to_vec(),
            Cow::Owned(bytes) => {
                let mut bytes = std::mem::take(bytes);
                bytes.truncate(graph.end);
                bytes.drain(..graph.start);
                bytes
            }
        };
        Ok(image)
    }

    /// An image that lacks its graph, and where that is in the bytes.
    fn checked(
        bytes: &[u8],
        table: &dyn CodeTable,
        progress: &mut Progress<'_>,
    ) -> Result<(Image, Range<usize>), ImageError> {
        let sections = format::read(bytes)?;
        let broken = |section, rule| ImageError::Broken { section, rule };
        let named = format::read_names(sections.needs)?;
        let thin = sections.flags & format::THIN != 0;
        let mut known: HashMap<CodeHash, Code> = HashMap::new();
        let mut order = Vec::new();
        if !thin {
            let debugs = match sections.flags & format::DEBUG != 0 {
                true => Some(format::read_blobs(sections.debug, Section::Debug)?),
                false => None,
            };
            let blobs = format::read_blobs(sections.code, Section::Code)?;
            if debugs.as_ref().is_some_and(|debugs| debugs.len() != blobs.len()) {
                let rule = ImageRule::Text("there is not one entry for each code object");
                return Err(broken(Section::Debug, rule));
            }
            for (index, blob) in blobs.iter().enumerate() {
                let code = Code::decode(&blob.0, |hash| known.get(hash).cloned())
                    .map_err(|error| broken(Section::Code, ImageRule::Code(index, error)))?;
                let code = match debugs.as_ref().and_then(|debugs| debugs.get(index)) {
                    Some(debug) if !debug.0.is_empty() => code
                        .decode_debug(&debug.0)
                        .map_err(|error| broken(Section::Debug, ImageRule::Debug(index, error)))?,
                    _ => code,
                };
                order.push(code.hash());
                known.insert(code.hash(), code);
            }
            if debugs.is_some_and(|debugs| debugs.iter().all(|debug| debug.0.is_empty())) {
                return Err(broken(Section::Debug, ImageRule::Text("it says nothing")));
            }
        }
        let panic = RefCell::new(None);
        let find = |hash: &CodeHash| {
            if !thin {
                return known.get(hash).cloned();
            }
            caught(|| table.code(hash)).unwrap_or_else(|text| {
                *panic.borrow_mut() = Some(told("the code table", &text));
                None
            })
        };
        let facts = check(sections.graph, Some(&find), progress);
        progress.outcome().map_err(ImageError::Host)?;
        if let Some(text) = panic.take() {
            return Err(ImageError::Host(text));
        }
        let facts = facts.map_err(|error| broken(Section::Graph, ImageRule::Graph(error)))?;
        if !facts.missing.is_empty() {
            return Err(match thin {
                true => ImageError::MissingCode(facts.missing),
                false => broken(Section::Code, ImageRule::Text("code that the graph names is missing")),
            });
        }
        let mut codes = Vec::with_capacity(order.len());
        let mut seen = HashSet::new();
        facts.codes.iter().filter_map(find).for_each(|code| add_code(&code, &mut seen, &mut codes));
        if let Some(text) = panic.take() {
            return Err(ImageError::Host(text));
        }
        if !thin && !codes.iter().map(Code::hash).eq(order) {
            let rule = ImageRule::Text("the code objects are not those of the graph in the order of their first use");
            return Err(broken(Section::Code, rule));
        }
        if sections.edition != if thin { 1 } else { edition_of(&codes) } {
            return Err(broken(Section::Header, ImageRule::Text("its edition is not that of its code")));
        }
        let image = Image {
            needs: needs(&facts.natives, &codes),
            codes,
            graph: Vec::new(),
            memory: facts.weight.total(facts.deepest),
            facts: OnceLock::from(facts),
            thin,
        };
        if image.needs != named {
            let rule = ImageRule::Text("the names are not those that graph and code mention");
            return Err(broken(Section::Needs, rule));
        }
        let rest = bytes.len() - sections.fill.len();
        let (needed, found) = (format::fill_for(rest, image.memory), sections.fill.len());
        if needed != found {
            return Err(broken(Section::Fill, ImageRule::Fill { needed, found }));
        }
        let start = format::HEADER + sections.needs.len() + sections.code.len();
        Ok((image, start..start + sections.graph.len()))
    }

    /// Builds the value anew, in the heap of a machine. Each time gives a value of its own.
    ///
    /// # Errors
    /// `image_error` with all names at once that the host does not provide; a limit.
    pub fn load<'v>(&self, cx: &mut Cx<'v>) -> Result<Value<'v>, Fault<'v>> {
        self.load_with_progress(cx, &mut Progress::silent())
    }

    /// [`load`](Self::load), telling how far it has come.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with_progress<'v>(&self, cx: &mut Cx<'v>, progress: &mut Progress<'_>) -> Result<Value<'v>, Fault<'v>> {
        let missing = self.missing(|name| cx.machine.provides(name));
        if !missing.is_empty() {
            return Err(fault(cx, &ImageError::Missing(missing)));
        }
        self.load_unbound(cx, progress)
    }

    /// [`load_with_progress`](Self::load_with_progress) where what the machine does not provide may stay unbound.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn load_unbound<'v>(
        &self,
        cx: &mut Cx<'v>,
        progress: &mut Progress<'_>,
    ) -> Result<Value<'v>, Fault<'v>> {
        let rule = |error| ImageError::Broken { section: Section::Graph, rule: ImageRule::Graph(error) };
        let codes: HashMap<CodeHash, &Code> = self.codes.iter().map(|code| (code.hash(), code)).collect();
        let find = |hash: &CodeHash| codes.get(hash).map(|&code| code.clone());
        let facts = match self.facts(&find, progress) {
            Ok(facts) => facts,
            Err(error) => return Err(fault(cx, &rule(error))),
        };
        let built = build(cx, &self.graph, facts, &find, progress);
        progress.outcome().map_err(|text| fault(cx, &ImageError::Host(text)))?;
        match built {
            Ok(value) => Ok(value),
            Err(Trouble::Fault(fault)) => Err(fault),
            Err(Trouble::Rule(error)) => Err(fault(cx, &rule(error))),
            Err(Trouble::Missing(names)) => {
                Err(fault(cx, &ImageError::Missing(names.iter().map(|name| name.to_string()).collect())))
            }
        }
    }

    /// [`load`](Self::load) where not everything that the machine provides is for the image: `allows` says of a name
    /// whether it is. What is loaded can reach nothing else by a name of its own; what it is handed later is up to those
    /// who hand it over, and so is what natives that it is allowed load for it.
    ///
    /// # Errors
    /// `image_error` with all names at once that are not allowed, before those that are not provided; a limit.
    pub fn load_within<'v>(&self, cx: &mut Cx<'v>, allows: impl FnMut(&str) -> bool) -> Result<Value<'v>, Fault<'v>> {
        let refused = self.missing(allows);
        if !refused.is_empty() {
            return Err(fault(cx, &ImageError::Refused(refused)));
        }
        self.load(cx)
    }

    fn facts(
        &self,
        find: &dyn Fn(&CodeHash) -> Option<Code>,
        progress: &mut Progress<'_>,
    ) -> Result<&Facts, GraphError> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        let facts = check(&self.graph, Some(find), progress)?;
        Ok(self.facts.get_or_init(|| facts))
    }

    /// The bytes of the image. Equal graphs have equal bytes in every form without debug information.
    pub fn dump(&self, form: Form) -> Vec<u8> {
        let mut flags = 0;
        let (mut code, mut debug) = (Vec::new(), Vec::new());
        if form.thin {
            flags |= format::THIN;
        } else {
            code = format::write_blobs(self.codes.iter().map(Code::encode));
            if !form.strip && self.codes.iter().any(|code| code.debug().is_some()) {
                flags |= format::DEBUG;
                debug = format::write_blobs(self.codes.iter().map(|code| code.encode_debug().unwrap_or_default()));
            }
        }
        let edition = if form.thin { 1 } else { edition_of(&self.codes) };
        format::write(flags, edition, &format::write_names(&self.needs), &code, &self.graph, &debug, self.memory)
    }

    /// The hash of the value and all it reaches: what `hash(v)` gives for it, thin or fat, stripped or not.
    pub fn hash(&self) -> GraphHash {
        graph::hash_of([&self.graph, &[]])
    }

    /// The names of what the host must provide, in the order in which graph and code mention them.
    pub fn needs(&self) -> &[String] {
        &self.needs
    }

    /// Those of its needs that are not provided.
    pub fn missing(&self, mut is_provided: impl FnMut(&str) -> bool) -> Vec<String> {
        self.needs.iter().filter(|name| !is_provided(name)).cloned().collect()
    }

    /// All code objects, each once, children before those they are nested in.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// How many functions and cells its graph has.
    pub fn tally(&self) -> Tally {
        let codes: HashMap<CodeHash, &Code> = self.codes.iter().map(|code| (code.hash(), code)).collect();
        let find = |hash: &CodeHash| codes.get(hash).map(|&code| code.clone());
        // The graph of an image was checked, or just written.
        let facts = self.facts(&find, &mut Progress::silent());
        facts.map_or(Tally::default(), |facts| Tally { functions: facts.functions, cells: facts.cells })
    }

    /// The code with this hash.
    pub fn code(&self, hash: &CodeHash) -> Option<&Code> {
        self.codes.iter().find(|code| code.hash() == *hash)
    }

    /// All code by hash, for parsing thin images.
    pub fn code_table(&self) -> HashMap<CodeHash, Code> {
        self.codes.iter().map(|code| (code.hash(), code.clone())).collect()
    }

    /// Whether the bytes it was parsed from had no code.
    pub fn is_thin(&self) -> bool {
        self.thin
    }

    /// The bytes of its graph.
    pub fn graph(&self) -> &[u8] {
        &self.graph
    }
}

/// The fault that a program sees when an image cannot be loaded.
pub fn fault<'v>(cx: &mut Cx<'v>, error: &ImageError) -> Fault<'v> {
    let names: Vec<&str> = match error {
        ImageError::Missing(names) | ImageError::Refused(names) => names.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    let data: Vec<Value<'v>> = names.iter().map(|name| cx.heap().str(name).into()).collect();
    let data = if data.is_empty() { Value::NIL } else { cx.heap().list(data).into() };
    cx.fail_with(crate::ErrorKind::Image, error.to_string(), data)
}

/// The highest edition of code objects; 1 if there are none.
fn edition_of(codes: &[Code]) -> u32 {
    codes.iter().map(Code::edition).max().unwrap_or(1)
}

/// Adds a code object behind all that are nested in it, unless it is there.
fn add_code(code: &Code, seen: &mut HashSet<CodeHash>, to: &mut Vec<Code>) {
    // Code nests at most 255 deep.
    if seen.insert(code.hash()) {
        code.body().children.iter().for_each(|child| add_code(child, seen, to));
        to.push(code.clone());
    }
}

/// The names that a graph and its code mention, each once.
fn needs(natives: &[Box<str>], codes: &[Code]) -> Vec<String> {
    let mut seen = HashSet::new();
    let of_codes = codes.iter().flat_map(|code| {
        let body = code.body();
        body.words.iter().filter_map(move |&word| match body.constants.get(native(word)? as usize) {
            Some(Constant::Str(name)) => Some(&**name),
            _ => None,
        })
    });
    let names = natives.iter().map(|name| &**name).chain(of_codes);
    names.filter(|&name| seen.insert(name)).map(str::to_owned).collect()
}
