//! Hashes, ids and keys: 32 bytes that stand for something, each kind with a type of its own.
//!
//! What they have in common is here and nowhere else: 64 hexadecimal digits wherever people or texts meet them, so in
//! [`Display`](fmt::Display), in [`Debug`](fmt::Debug), in [`FromStr`](std::str::FromStr) and in serde. Formats that have
//! the bytes themselves take them out.

use std::fmt;

#[doc(hidden)]
pub use serde;

/// Declares types of 32 bytes, which differ in what they stand for.
#[macro_export]
macro_rules! hashes {
    ($($(#[$about:meta])* $visible:vis struct $Name:ident;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visible struct $Name(pub [u8; 32]);

        impl $Name {
            /// The first twelve digits, where that is enough for people to tell them apart.
            pub fn short(&self) -> String {
                format!("{self:.12}")
            }
        }

        impl ::std::fmt::Display for $Name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::hash::write_digits(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for $Name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl ::std::str::FromStr for $Name {
            type Err = $crate::hash::NotDigits;

            fn from_str(text: &str) -> ::std::result::Result<$Name, $crate::hash::NotDigits> {
                $crate::hash::read_digits(text).map($Name)
            }
        }

        impl $crate::hash::serde::Serialize for $Name {
            fn serialize<S>(&self, to: S) -> ::std::result::Result<S::Ok, S::Error>
            where
                S: $crate::hash::serde::Serializer,
            {
                to.collect_str(self)
            }
        }

        impl<'de> $crate::hash::serde::Deserialize<'de> for $Name {
            fn deserialize<D>(from: D) -> ::std::result::Result<$Name, D::Error>
            where
                D: $crate::hash::serde::Deserializer<'de>,
            {
                $crate::hash::deserialize(from).map($Name)
            }
        }
    )*};
}

hashes! {
    /// The content hash of a code object: BLAKE3-256 of its canonical bytes.
    pub struct CodeHash;

    /// The hash of a value and all it reaches: BLAKE3-256 of its graph's bytes.
    pub struct GraphHash;

    /// The hash of an image file, which its header has: BLAKE3-256 of all but itself.
    pub struct FileHash;
}

/// A text that is not the 64 hexadecimal digits of a hash, an id or a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotDigits;

impl fmt::Display for NotDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is not 64 hexadecimal digits")
    }
}

impl std::error::Error for NotDigits {}

#[doc(hidden)]
pub fn write_digits(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    // A width fills it up, and a precision gives its first digits.
    f.pad(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
}

#[doc(hidden)]
pub fn read_digits(text: &str) -> Result<[u8; 32], NotDigits> {
    let text = text.as_bytes();
    if text.len() != 64 {
        return Err(NotDigits);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8).ok_or(NotDigits);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

#[doc(hidden)]
pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
    struct Digits;

    impl serde::de::Visitor<'_> for Digits {
        type Value = [u8; 32];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("64 hexadecimal digits")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<[u8; 32], E> {
            read_digits(text).map_err(E::custom)
        }
    }

    from.deserialize_str(Digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde::Deserialize;
    use serde::de::value::{Error, StrDeserializer};

    const DIGITS: &str = "00ff102030405060708090a0b0c0d0e0f00123456789abcdef00000000000001";

    #[test]
    fn digits_are_read_back() {
        let hash: GraphHash = DIGITS.parse().unwrap();
        assert_eq!(hash.0[..3], [0, 0xff, 0x10]);
        assert_eq!((hash.to_string(), format!("{hash:?}")), (DIGITS.to_owned(), DIGITS.to_owned()));
        assert_eq!(DIGITS.to_uppercase().parse(), Ok(hash));
        assert_eq!((hash.short(), format!("{hash:>66}")), ("00ff10203040".to_owned(), format!("  {DIGITS}")));
    }

    #[test]
    fn what_is_not_64_digits_is_none() {
        for text in
            ["", "0", &DIGITS[1..], &format!("{DIGITS}0"), &DIGITS.replace('f', "g"), &DIGITS.replace("ff", "ä")]
        {
            assert_eq!(text.parse::<CodeHash>(), Err(NotDigits), "{text}");
        }
    }

    #[test]
    fn serde_has_the_digits() {
        let read = |text| FileHash::deserialize(StrDeserializer::<Error>::new(text));
        assert_eq!(read(DIGITS), Ok(DIGITS.parse().unwrap()));
        assert_eq!(read("00ff").unwrap_err().to_string(), NotDigits.to_string());
    }
}
