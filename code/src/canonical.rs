//! Canonical bytes: the one place that knows bincode, and how a value gets one byte string and no other.
//!
//! Numbers are bincode's standard ones: a byte as itself, wider ones by size (below 251 one byte; else a byte that
//! says how many follow, little end first), signed ones zigzagged first. Two ways lead here:
//!
//! - [`encode`] and [`decode`] take flat tables that derive serde's traits. They must not contain recursive types,
//!   maps, elements without bytes, `usize` or 128-bit numbers; text and bytes stand in them as [`Text`] and [`Blob`].
//! - [`Writer`] and [`Reader`] are for formats in which one table bounds another.
//!
//! Either way a length is believed only when the bytes for it are there.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// Why bytes are not the canonical form of anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CanonicalError {
    /// There are more bytes than the reader wants.
    TooLong,
    /// The bytes end too early, or a length says more than there is.
    Truncated,
    /// Bytes are left over.
    Trailing,
    /// A number, tag or text is none.
    Malformed,
    /// The value has another, canonical form.
    NotCanonical,
}

impl fmt::Display for CanonicalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CanonicalError::TooLong => "there are more bytes than allowed",
            CanonicalError::Truncated => "the bytes end too early",
            CanonicalError::Trailing => "bytes are left over at the end",
            CanonicalError::Malformed => "a number, tag or text is malformed",
            CanonicalError::NotCanonical => "the bytes are not the canonical ones",
        })
    }
}

impl std::error::Error for CanonicalError {}

impl From<bincode::error::DecodeError> for CanonicalError {
    fn from(error: bincode::error::DecodeError) -> CanonicalError {
        use bincode::error::DecodeError;
        match error {
            // The limit stands far above what the input can fill, so only a false length meets it.
            DecodeError::UnexpectedEnd { .. } | DecodeError::LimitExceeded => CanonicalError::Truncated,
            // So does one that is no number of bytes at all where addresses have 32 bits.
            DecodeError::OutsideUsizeRange(_) => CanonicalError::Truncated,
            _ => CanonicalError::Malformed,
        }
    }
}

/// The canonical bytes of a table.
///
/// # Panics
/// When a hand-written `Serialize` fails; derived ones never do.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).expect("plain tables always have bytes")
}

/// Reads a table from its canonical bytes: at most `limit` of them, all of them, and no other form of them.
///
/// # Errors
/// The bytes are not canonical, or there are more than the limit.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, CanonicalError> {
    const SMALL: usize = 1 << 20;
    const MIDDLE: usize = 1 << 26;
    // One less where it would not fit an address.
    const LARGE: usize = (u32::MAX as usize).saturating_add(1);
    const MOST: u64 = 1 << 32;
    if bytes.len() > limit {
        return Err(CanonicalError::TooLong);
    }
    // bincode counts sizes in memory against its limit, which are at most sixteen times those of the bytes. The limit
    // is a second line only: it keeps a length that slipped past `Text` and `Blob` from being allocated unseen.
    let config = bincode::config::standard();
    let (value, read): (T, usize) = match (bytes.len() as u64).saturating_mul(16) {
        size if size <= SMALL as u64 => bincode::serde::decode_from_slice(bytes, config.with_limit::<SMALL>())?,
        size if size <= MIDDLE as u64 => bincode::serde::decode_from_slice(bytes, config.with_limit::<MIDDLE>())?,
        size if size <= MOST => bincode::serde::decode_from_slice(bytes, config.with_limit::<LARGE>())?,
        _ => return Err(CanonicalError::TooLong),
    };
    if read != bytes.len() {
        return Err(CanonicalError::Trailing);
    }
    if encode(&value) != bytes {
        return Err(CanonicalError::NotCanonical);
    }
    Ok(value)
}

/// Text in a table. A `String` would be allocated at the length the bytes claim; this is not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Text(pub Arc<str>);

/// Bytes in a table. A `Vec` would be read byte by byte; this is not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Blob(pub Arc<[u8]>);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct Borrowed;
        impl Visitor<'_> for Borrowed {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }
        }
        deserializer.deserialize_str(Borrowed)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        struct Borrowed;
        impl Visitor<'_> for Borrowed {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.into()))
            }
        }
        deserializer.deserialize_bytes(Borrowed)
    }
}

/// The highest number that is one byte.
const ONE_BYTE: u8 = 250;

/// What stands before numbers of more than one byte.
const TWO_BYTES: u8 = 251;
const FOUR_BYTES: u8 = 252;
const EIGHT_BYTES: u8 = 253;

/// Puts numbers, text and bytes behind one another.
#[derive(Default, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

/// Takes numbers, text and bytes off the front; each method is the twin of the writer's of that name.
///
/// It accepts numbers that are written longer than need be, but for the two whose names say otherwise. Who reads a whole
/// value writes it again and compares.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl Writer {
    /// A writer of nothing yet.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Number of bytes written so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Makes room for so many more bytes.
    pub fn reserve(&mut self, more: usize) {
        self.bytes.reserve(more);
    }

    /// Takes back all but the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A number of at most two bytes.
    #[inline]
    pub fn u16(&mut self, value: u16) {
        self.long(value.into());
    }

    /// A number of at most four bytes.
    #[inline]
    pub fn u32(&mut self, value: u32) {
        self.long(value.into());
    }

    /// A signed number of at most four bytes.
    #[inline]
    pub fn i32(&mut self, value: i32) {
        self.long(((value << 1) ^ (value >> 31)) as u32 as u64);
    }

    /// A signed number of at most eight bytes.
    #[inline]
    pub fn i64(&mut self, value: i64) {
        self.long((value << 1 ^ value >> 63) as u64);
    }

    /// How many of something follow.
    #[inline]
    pub fn count(&mut self, count: usize) {
        self.long(count as u64);
    }

    #[inline]
    fn long(&mut self, number: u64) {
        match number {
            0..=0xfa => self.bytes.push(number as u8),
            0xfb..=0xffff => {
                let [a, b] = (number as u16).to_le_bytes();
                self.bytes.extend_from_slice(&[TWO_BYTES, a, b]);
            }
            0x1_0000..=0xffff_ffff => {
                let [a, b, c, d] = (number as u32).to_le_bytes();
                self.bytes.extend_from_slice(&[FOUR_BYTES, a, b, c, d]);
            }
            _ => {
                self.bytes.push(EIGHT_BYTES);
                self.bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    /// Bytes of a length that the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes with their number before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// Text as UTF-8 with the number of its bytes before it.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// Bytes are left.
    pub fn end(self) -> Result<(), CanonicalError> {
        if self.rest.is_empty() { Ok(()) } else { Err(CanonicalError::Trailing) }
    }

    /// One byte.
    ///
    /// # Errors
    /// The bytes end too early, or the number is out of range.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, CanonicalError> {
        Ok(self.raw(1)?[0])
    }

    /// A number of at most two bytes.
    ///
    /// # Errors
    /// The bytes end too early, or the number is out of range.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, CanonicalError> {
        self.short().map_or_else(|| self.number(), |byte| Ok(byte.into()))
    }

    /// A number of at most four bytes.
    ///
    /// # Errors
    /// The bytes end too early, or the number is out of range.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, CanonicalError> {
        self.short().map_or_else(|| self.number(), |byte| Ok(byte.into()))
    }

    /// A signed number of at most four bytes.
    ///
    /// # Errors
    /// The bytes end too early, or the number is out of range.
    #[inline]
    pub fn i32(&mut self) -> Result<i32, CanonicalError> {
        self.short().map_or_else(|| self.number(), |byte| Ok(i32::from(byte >> 1) ^ -i32::from(byte & 1)))
    }

    /// A signed number of at most eight bytes.
    ///
    /// # Errors
    /// The bytes end too early, or the number is out of range.
    pub fn i64(&mut self) -> Result<i64, CanonicalError> {
        self.number()
    }

    /// How many of something follow, each of which takes at least `least` bytes, so that room may be made for all.
    ///
    /// # Errors
    /// The bytes end too early, or there cannot be so many.
    pub fn count(&mut self, least: usize) -> Result<usize, CanonicalError> {
        let count: u64 = self.short().map_or_else(|| self.number(), |byte| Ok(byte.into()))?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() / least.max(1) => Ok(count),
            _ => Err(CanonicalError::Truncated),
        }
    }

    /// Number of bytes that are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Any count or index in its shortest form: for what is too large to be written again and compared.
    ///
    /// # Errors
    /// The bytes end too early, or the number is written longer than need be.
    #[inline]
    pub fn shortest_count(&mut self) -> Result<u64, CanonicalError> {
        self.short().map_or_else(|| self.shortest_long(), |byte| Ok(byte.into()))
    }

    /// A number of one byte, if there is one.
    #[inline]
    fn short(&mut self) -> Option<u8> {
        match self.rest {
            [first, rest @ ..] if *first <= ONE_BYTE => {
                self.rest = rest;
                Some(*first)
            }
            _ => None,
        }
    }

    fn shortest_long(&mut self) -> Result<u64, CanonicalError> {
        let (value, least, rest) = match self.rest {
            [TWO_BYTES, a, b, rest @ ..] => (u64::from(u16::from_le_bytes([*a, *b])), u64::from(ONE_BYTE) + 1, rest),
            [FOUR_BYTES, a, b, c, d, rest @ ..] => (u64::from(u32::from_le_bytes([*a, *b, *c, *d])), 1 << 16, rest),
            [EIGHT_BYTES, rest @ ..] => match rest.split_first_chunk() {
                Some((bytes, rest)) => (u64::from_le_bytes(*bytes), 1 << 32, rest),
                None => return Err(CanonicalError::Truncated),
            },
            // Cut off, or no number of this size.
            _ => return self.number(),
        };
        self.rest = rest;
        if value >= least { Ok(value) } else { Err(CanonicalError::NotCanonical) }
    }

    /// What [`Writer::i64`] wrote, in its shortest form.
    ///
    /// # Errors
    /// The bytes end too early, or the number is written longer than need be.
    #[inline]
    pub fn shortest_i64(&mut self) -> Result<i64, CanonicalError> {
        let zigzag = self.shortest_count()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// Bytes of a known length.
    ///
    /// # Errors
    /// The bytes end too early.
    #[inline]
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], CanonicalError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(CanonicalError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Bytes with their number before them.
    ///
    /// # Errors
    /// The bytes end too early.
    pub fn bytes(&mut self) -> Result<&'a [u8], CanonicalError> {
        let length = self.count(1)?;
        self.raw(length)
    }

    /// Text as UTF-8 with the number of its bytes before it.
    ///
    /// # Errors
    /// The bytes end too early, or they are no UTF-8.
    pub fn text(&mut self) -> Result<&'a str, CanonicalError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| CanonicalError::Malformed)
    }

    fn number<T: bincode::Decode<()>>(&mut self) -> Result<T, CanonicalError> {
        let (value, read) = bincode::decode_from_slice(self.rest, bincode::config::standard())?;
        self.rest = &self.rest[read..];
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_written_here_are_those_of_tables() {
        let bits = (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, u64::MAX >> bit]);
        for number in bits.chain([0, 250, 251, 252, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000]) {
            let mut writer = Writer::new();
            writer.long(number);
            assert_eq!(writer.as_bytes(), encode(&number), "{number}");
            assert_eq!(Reader::new(writer.as_bytes()).shortest_count(), Ok(number));
            for end in 0..writer.len() {
                assert_eq!(Reader::new(&writer.as_bytes()[..end]).shortest_count(), Err(CanonicalError::Truncated));
            }
            for int in [number as i64, (number as i64).wrapping_neg()] {
                let mut writer = Writer::new();
                writer.i64(int);
                assert_eq!(writer.as_bytes(), encode(&int), "{int}");
                assert_eq!(Reader::new(writer.as_bytes()).shortest_i64(), Ok(int));
                let mut writer = Writer::new();
                writer.u16(int as u16);
                writer.u32(int as u32);
                writer.i32(int as i32);
                assert_eq!(writer.as_bytes(), encode(&(int as u16, int as u32, int as i32)), "{int}");
                let mut reader = Reader::new(writer.as_bytes());
                assert_eq!(reader.u16(), Ok(int as u16));
                assert_eq!(reader.u32(), Ok(int as u32));
                assert_eq!(reader.i32(), Ok(int as i32));
            }
        }
        for long in [&[251, 250, 0][..], &[252, 0xff, 0xff, 0, 0], &[253, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]] {
            assert_eq!(Reader::new(long).shortest_count(), Err(CanonicalError::NotCanonical));
        }
        assert!(Reader::new(&[254; 20]).shortest_count().is_err() && Reader::new(&[255; 20]).shortest_count().is_err());
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Table {
        numbers: Vec<u32>,
        name: Text,
        data: Blob,
    }

    fn table() -> Table {
        Table {
            numbers: vec![0, 250, 251, 70_000], name: Text("näme".into()), data: Blob([1, 2, 3].as_slice().into())
        }
    }

    #[test]
    fn a_table_comes_back() {
        let bytes = encode(&table());
        assert_eq!(decode::<Table>(&bytes, bytes.len()), Ok(table()));
    }

    #[test]
    fn more_than_the_limit_is_not_looked_at() {
        let bytes = encode(&table());
        assert_eq!(decode::<Table>(&bytes, bytes.len() - 1), Err(CanonicalError::TooLong));
    }

    #[test]
    fn what_is_left_over_is_refused() {
        let mut bytes = encode(&table());
        bytes.push(0);
        assert_eq!(decode::<Table>(&bytes, 1000), Err(CanonicalError::Trailing));
    }

    #[test]
    fn every_beginning_is_refused() {
        let bytes = encode(&table());
        for end in 0..bytes.len() {
            assert_eq!(decode::<Table>(&bytes[..end], 1000), Err(CanonicalError::Truncated));
        }
    }

    #[test]
    fn a_number_written_too_long_is_refused() {
        assert_eq!(decode::<u32>(&[251, 5, 0], 10), Err(CanonicalError::NotCanonical));
        assert_eq!(Reader::new(&[251, 5, 0]).u32(), Ok(5));
    }

    #[test]
    fn only_the_shortest_form_of_a_number_will_do() {
        let edges = [0u64, 1, 250, 251, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX];
        for value in edges {
            let mut writer = Writer::new();
            writer.long(value);
            writer.i64(value as i64);
            writer.i64((value as i64).wrapping_neg());
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.shortest_count(), Ok(value));
            assert_eq!(reader.shortest_i64(), Ok(value as i64));
            assert_eq!(reader.shortest_i64(), Ok((value as i64).wrapping_neg()));
            assert_eq!(reader.left(), 0);
        }
        for long in [&[251, 250, 0][..], &[252, 255, 255, 0, 0], &[253, 255, 255, 255, 255, 0, 0, 0, 0]] {
            assert_eq!(Reader::new(long).shortest_count(), Err(CanonicalError::NotCanonical));
        }
        assert_eq!(Reader::new(&[254; 17]).shortest_count(), Err(CanonicalError::Malformed));
        assert_eq!(Reader::new(&[252, 0]).shortest_count(), Err(CanonicalError::Truncated));
    }

    #[test]
    fn a_length_is_not_believed() {
        // The number of bytes to come is 2^64 - 1.
        let bomb = [253, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(decode::<Text>(&bomb, 10), Err(CanonicalError::Truncated));
        assert_eq!(decode::<Blob>(&bomb, 10), Err(CanonicalError::Truncated));
        assert_eq!(decode::<String>(&bomb, 10), Err(CanonicalError::Truncated));
        assert_eq!(decode::<Vec<u64>>(&bomb, 10), Err(CanonicalError::Truncated));
        assert_eq!(Reader::new(&bomb).count(1), Err(CanonicalError::Truncated));
        assert_eq!(Reader::new(&bomb).text(), Err(CanonicalError::Truncated));
    }

    #[test]
    fn a_count_needs_room_for_its_elements() {
        assert_eq!(Reader::new(&[2, 0, 0, 0, 0]).count(2), Ok(2));
        assert_eq!(Reader::new(&[3, 0, 0, 0, 0]).count(2), Err(CanonicalError::Truncated));
    }

    #[test]
    fn text_must_be_utf8() {
        assert_eq!(decode::<Text>(&[1, 0xff], 10), Err(CanonicalError::Malformed));
        assert_eq!(Reader::new(&[1, 0xff]).text(), Err(CanonicalError::Malformed));
    }

    #[test]
    fn the_reader_is_the_writers_twin() {
        let mut writer = Writer::new();
        writer.u8(255);
        writer.u16(u16::MAX);
        writer.u32(251);
        writer.i32(i32::MIN);
        writer.i64(-1);
        writer.bytes(b"ab");
        writer.text("é");
        writer.raw(&[9]);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(255));
        assert_eq!(reader.u16(), Ok(u16::MAX));
        assert_eq!(reader.u32(), Ok(251));
        assert_eq!(reader.i32(), Ok(i32::MIN));
        assert_eq!(reader.i64(), Ok(-1));
        assert_eq!(reader.bytes(), Ok(&b"ab"[..]));
        assert_eq!(reader.text(), Ok("é"));
        assert_eq!(reader.raw(1), Ok(&[9][..]));
        assert_eq!(reader.end(), Ok(()));
    }
}
