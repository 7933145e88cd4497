//! Writing and reading the parts of a message. Numbers are in groups of seven bits, lowest first, and have one form only.

use super::violation::Violation;

/// Writes a number.
pub(super) fn put_number(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Writes bytes behind their length.
pub(super) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_number(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

/// A number at the beginning of bytes and what it is long; `None` if it goes on behind their end.
pub(super) fn number_at(bytes: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let mut number = 0u64;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        // The tenth group has room for one bit.
        if index == 9 && bits > 1 {
            return Err(Violation::Canonical);
        }
        number |= bits << (7 * index);
        if byte & 0x80 == 0 {
            // A last group of zeros could have been left out.
            return if index > 0 && byte == 0 { Err(Violation::Canonical) } else { Ok(Some((number, index + 1))) };
        }
    }
    if bytes.len() >= 10 { Err(Violation::Canonical) } else { Ok(None) }
}

/// The rest of a message that is being read.
pub(super) struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    pub fn byte(&mut self) -> Result<u8, Violation> {
        let (&byte, rest) = self.0.split_first().ok_or(Violation::Body)?;
        self.0 = rest;
        Ok(byte)
    }

    pub fn number(&mut self) -> Result<u64, Violation> {
        let (number, length) = number_at(self.0)?.ok_or(Violation::Body)?;
        self.0 = &self.0[length..];
        Ok(number)
    }

    pub fn small(&mut self) -> Result<u32, Violation> {
        u32::try_from(self.number()?).map_err(|_| Violation::Canonical)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Violation> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Violation::Body)?;
        self.0 = rest;
        Ok(*array)
    }

    pub fn bytes(&mut self) -> Result<&'b [u8], Violation> {
        let length = usize::try_from(self.number()?).map_err(|_| Violation::Body)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Violation::Body)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A text of at most `most` bytes.
    pub fn text(&mut self, most: usize) -> Result<&'b str, Violation> {
        let bytes = self.bytes()?;
        if bytes.len() > most {
            return Err(Violation::Canonical);
        }
        std::str::from_utf8(bytes).map_err(|_| Violation::Canonical)
    }

    /// How many items follow, each of at least `least` bytes: so many that they can be there.
    pub fn count(&mut self, least: usize) -> Result<usize, Violation> {
        let count = usize::try_from(self.number()?).map_err(|_| Violation::Body)?;
        if count > self.0.len() / least { Err(Violation::Body) } else { Ok(count) }
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'b [u8] {
        std::mem::take(&mut self.0)
    }

    pub fn end(&self) -> Result<(), Violation> {
        if self.0.is_empty() { Ok(()) } else { Err(Violation::Body) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u32::MAX.into(), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(number_at(&bytes), Ok(Some((number, bytes.len()))));
            assert_eq!(number_at(&bytes[..bytes.len() - 1]), Ok(None));
            if bytes.len() < 10 {
                *bytes.last_mut().unwrap() |= 0x80;
                bytes.push(0);
                assert_eq!(number_at(&bytes), Err(Violation::Canonical), "{number}");
            }
        }
        assert_eq!(number_at(&[0xff; 10]), Err(Violation::Canonical));
        assert_eq!(number_at(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), Err(Violation::Canonical));
    }

    #[test]
    fn a_count_is_not_believed() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, u64::MAX);
        assert_eq!(Reader(&bytes).count(1), Err(Violation::Body));
        assert_eq!(Reader(&bytes).bytes(), Err(Violation::Body));
    }
}
