//! What an image format for functions is for: a cache of results by what a function *is*, and a channel that never sends
//! the same code twice.
//!
//! ```sh
//! cargo run --example function_cache
//! ```

use std::collections::{HashMap, HashSet};

use quipu::code::hash::GraphHash;
use quipu::code::{Code, CodeHash};
use quipu::vm::image::{Form, Image};
use quipu::vm::{Limits, Root};
use quipu::{Engine, Input, Session};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Results by the hash of the function that gave them.
#[derive(Default)]
struct Cache {
    results: HashMap<GraphHash, String>,
    hits: usize,
}

impl Cache {
    fn call(&mut self, session: &mut Session, function: &Root) -> Result<String> {
        let vm = session.vm();
        let hash = vm.hash(function).map_err(quipu::Error::from)?;
        if let Some(result) = self.results.get(&hash) {
            self.hits += 1;
            return Ok(result.clone());
        }
        let result = vm.call(function, &[]).and_then(|result| vm.repr(&result)).map_err(quipu::Error::from)?;
        self.results.insert(hash, result.clone());
        Ok(result)
    }
}

/// A receiver that keeps the code it has seen.
#[derive(Default)]
struct Receiver {
    codes: HashMap<CodeHash, Code>,
}

/// What goes over the wire: the graph without code, and the code that the receiver lacks.
struct Message {
    thin: Vec<u8>,
    codes: Vec<Vec<u8>>,
}

impl Message {
    fn len(&self) -> usize {
        self.thin.len() + self.codes.iter().map(Vec::len).sum::<usize>()
    }
}

/// Packs a function for a receiver that has this code.
fn pack(image: &Image, known: &HashSet<CodeHash>) -> Message {
    let new = image.codes().iter().filter(|code| !known.contains(&code.hash()));
    Message { thin: image.dump(Form { thin: true, strip: true }), codes: new.map(Code::encode).collect() }
}

impl Receiver {
    /// Takes a message apart: code first, each object checked and kept under the hash of its own bytes.
    fn receive(&mut self, message: &Message) -> Result<Image> {
        for bytes in &message.codes {
            let code = Code::decode(bytes, |hash| self.codes.get(hash).cloned())?;
            self.codes.insert(code.hash(), code);
        }
        Ok(Image::parse(&message.thin, &self.codes)?)
    }

    fn known(&self) -> HashSet<CodeHash> {
        self.codes.keys().copied().collect()
    }
}

const PROGRAM: &str = r#"
fn power(base) = || { var result = 1; for _ in 0..10 { result *= base }; result }
fn potenz(b) = || { var r = 1; for _ in 0..10 { r *= b }; r }
[power(2), power(3), potenz(2), power(2)]
"#;

fn main() -> Result<()> {
    let engine = Engine::new();
    let mut here = engine.session(Limits::default())?;
    let all = here.run(&Input::text("power.qp", PROGRAM))?;
    let functions: Vec<Root> = (0..4)
        .map(|index| {
            let pick = here.run(&Input::text("pick.qp", format!("|all| all[{index}]")))?;
            here.vm().call(&pick, std::slice::from_ref(&all)).map_err(quipu::Error::from)
        })
        .collect::<std::result::Result<_, _>>()?;

    // The same body, signature and captured values are the same key, whatever the names are; another captured value is
    // another key, although the code is the same.
    let mut cache = Cache::default();
    let results: Vec<String> =
        functions.iter().map(|function| cache.call(&mut here, function)).collect::<Result<_>>()?;
    println!("results {}, {} of 4 from the cache", results.join(" "), cache.hits);
    assert_eq!((results.as_slice(), cache.hits), (["1024", "59049", "1024", "1024"].map(String::from).as_slice(), 2));

    // The second function has the code of the first, so only its graph travels.
    let mut receiver = Receiver::default();
    let mut there = engine.session(Limits::default())?;
    for function in &functions[..2] {
        let image = here.vm().image(function).map_err(quipu::Error::from)?;
        let message = pack(&image, &receiver.known());
        let received = receiver.receive(&message)?;
        assert_eq!(received.hash(), image.hash());
        let copy = there.vm().load(&received).map_err(quipu::Error::from)?;
        let result = there.vm().call(&copy, &[]).and_then(|result| there.vm().repr(&result));
        let result = result.map_err(quipu::Error::from)?;
        println!("{} bytes sent, {} code objects among them: {result}", message.len(), message.codes.len());
    }
    Ok(())
}
