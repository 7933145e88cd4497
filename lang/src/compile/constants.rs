//! Constants: each once in a function, in order of first use, with texts shared across a source.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quipu_code::Constant;

/// From here on a function's constants are looked up by hash instead of one by one.
const MANY: usize = 16;

/// The texts of a source, each allocated once.
#[derive(Default)]
pub(super) struct Texts {
    numbers: HashMap<Arc<str>, u32, RandomState>,
    texts: Vec<Arc<str>>,
}

impl Texts {
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }
}

/// What tells a constant from the others of a function.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Int(i64),
    Float(u64),
    Text(u32),
    Bytes(Arc<[u8]>),
}

/// The constants of the function that is being compiled.
#[derive(Default)]
pub(super) struct Constants {
    list: Vec<Constant>,
    keys: Vec<Key>,
    index: HashMap<Key, u32, RandomState>,
}

impl Constants {
    pub(super) fn int(&mut self, value: i64) -> u32 {
        self.add(Key::Int(value), || Constant::Int(value))
    }

    pub(super) fn float(&mut self, value: f64) -> u32 {
        self.add(Key::Float(value.to_bits()), || Constant::Float(value.to_bits()))
    }

    pub(super) fn text(&mut self, texts: &mut Texts, value: &str) -> u32 {
        let number = texts.intern(value);
        self.add(Key::Text(number), || Constant::Str(texts.texts[number as usize].clone()))
    }

    pub(super) fn bytes(&mut self, value: &[u8]) -> u32 {
        let value: Arc<[u8]> = value.into();
        self.add(Key::Bytes(value.clone()), || Constant::Bytes(value))
    }

    fn add(&mut self, key: Key, constant: impl FnOnce() -> Constant) -> u32 {
        let next = self.list.len() as u32;
        if self.keys.len() < MANY {
            if let Some(found) = self.keys.iter().position(|known| *known == key) {
                return found as u32;
            }
        } else {
            if self.index.is_empty() {
                self.index.extend(self.keys.iter().cloned().zip(0..));
            }
            let found = *self.index.entry(key.clone()).or_insert(next);
            if found != next {
                return found;
            }
        }
        self.keys.push(key);
        self.list.push(constant());
        next
    }

    /// Gives the constants away; the room they stood in is kept for the next function.
    pub(super) fn take(&mut self) -> Vec<Constant> {
        self.keys.clear();
        self.index.clear();
        self.list.drain(..).collect()
    }
}
