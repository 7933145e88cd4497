//! Image files taken apart and put together again.

use quipu::vm::image::{Image, ImageError, ImageRule, repair};

/// How many zeros a file that has none needs.
pub fn fill_needed(parts: &Parts) -> usize {
    match Image::parse(parts.bytes(), &()) {
        Err(ImageError::Broken { rule: ImageRule::Fill { needed, found: 0 }, .. }) => needed,
        Err(error) => panic!("{error}"),
        Ok(_) => 0,
    }
}

/// An image without code that has this graph.
pub fn file_of(graph: &[u8]) -> Vec<u8> {
    Parts { start: HEAD, needs: vec![0], code: vec![0], graph: graph.to_vec(), debug: Vec::new(), fill: 0 }.bytes()
}

/// The first bytes of a file without flags, up to the lengths.
pub const HEAD: [u8; 16] = [0x8b, b'Q', b'U', b'I', b'P', b'U', b'\r', b'\n', 1, 0, 0, 0, 1, 0, 0, 0];

/// The sections of a file, to be changed one by one.
pub struct Parts {
    pub start: [u8; 16],
    pub needs: Vec<u8>,
    pub code: Vec<u8>,
    pub graph: Vec<u8>,
    pub debug: Vec<u8>,
    pub fill: usize,
}

impl Parts {
    pub fn of(bytes: &[u8]) -> Parts {
        let mut rest = &bytes[88..];
        let mut next = |section: usize| {
            let length = u64::from_le_bytes(*bytes[16 + 8 * section..].first_chunk().unwrap());
            let (part, others) = rest.split_at(length as usize);
            rest = others;
            part.to_vec()
        };
        let [needs, code, graph, debug, fill] = [next(0), next(1), next(2), next(3), next(4)];
        Parts { start: *bytes.first_chunk().unwrap(), needs, code, graph, debug, fill: fill.len() }
    }

    /// The file, its lengths and hash put right.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.start.to_vec();
        let sections = [&self.needs, &self.code, &self.graph, &self.debug, &vec![0; self.fill]];
        sections.iter().for_each(|section| bytes.extend((section.len() as u64).to_le_bytes()));
        bytes.extend([0; 32]);
        sections.iter().for_each(|section| bytes.extend(section.iter()));
        repair(&mut bytes);
        bytes
    }
}

pub fn count(to: &mut Vec<u8>, count: usize) {
    match count {
        0..=250 => to.push(count as u8),
        251..=0xffff => {
            to.push(251);
            to.extend((count as u16).to_le_bytes());
        }
        _ => {
            to.push(252);
            to.extend((count as u32).to_le_bytes());
        }
    }
}

pub fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

pub fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], old) {
        bytes[from + at..][..new.len()].copy_from_slice(new);
        from += at + new.len();
    }
}
