//! A function that is to be called elsewhere, ready to be sent in parts.

use quipu_code::hash::GraphHash;
use quipu_vm::image::{Form, Image};

use crate::wire::Request;

/// A function apart from any machine.
#[derive(Debug)]
pub struct Function {
    hash: GraphHash,
    image: Image,
}

impl Function {
    /// From its image.
    pub fn new(image: Image) -> Function {
        Function { hash: image.hash(), image }
    }

    /// Its hash, by which it is called.
    pub fn hash(&self) -> GraphHash {
        self.hash
    }

    /// The message with its graph.
    pub(super) fn graph(&self) -> Request {
        let codes = self.image.codes().iter().map(|code| code.hash()).collect();
        let image = self.image.dump(Form { thin: true, strip: true });
        Request::Graph { hash: self.hash, codes, image }
    }

    /// The message with the code that is missing.
    pub(super) fn codes(&self, missing: &[bool]) -> Request {
        let asked = self.image.codes().iter().zip(missing).filter(|(_, missing)| **missing);
        let codes = asked.map(|(code, _)| (code.encode(), code.encode_debug().unwrap_or_default())).collect();
        Request::Codes { hash: self.hash, codes }
    }
}
