//! Keys: who a server is, whom it lets in, and the files where both are written down.
//!
//! ```text
//! private 64 digits          this side's secret; nobody else may read the file
//! server NAME 64 digits      a client's file: the server it talks to
//! client NAME 64 digits      a server's file: one that may call
//! operator NAME 64 digits    a server's file: one that may also look at actors and tidy up
//! ```
//!
//! Everything behind `#` is a comment.

use std::fmt;

use snow::resolvers::{CryptoResolver, DefaultResolver};

use crate::identity::Key;

/// A private key. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(super) [u8; 32]);

impl Secret {
    /// A new one, from the system's entropy.
    ///
    /// # Errors
    /// The system has none.
    pub fn new() -> Result<Secret, KeyFileError> {
        let mut random = DefaultResolver.resolve_rng().ok_or(KeyFileError::Entropy)?;
        let mut bytes = [0; 32];
        random.try_fill_bytes(&mut bytes).map_err(|_| KeyFileError::Entropy)?;
        Ok(Secret(bytes))
    }

    /// A secret that is known, for tests.
    #[doc(hidden)]
    pub fn known(bytes: [u8; 32]) -> Secret {
        Secret(bytes)
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> Key {
        let mut key = [0; 32];
        if let Some(mut exchange) = DefaultResolver.resolve_dh(&snow::params::DHChoice::Curve25519) {
            exchange.set(&self.0);
            key.copy_from_slice(exchange.pubkey());
        }
        Key(key)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret(of {})", self.public())
    }
}

/// What the owner of a key may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KeyRole {
    /// Call.
    Client,
    /// Call, look at actors, tidy up.
    Operator,
}

/// The keys that a server lets in.
#[derive(Clone, Default, Debug)]
pub struct Ring {
    known: Vec<(Key, KeyRole, String)>,
}

impl Ring {
    /// Lets one more in.
    pub fn add(&mut self, key: Key, role: KeyRole, name: impl Into<String>) {
        self.known.push((key, role, name.into()));
    }

    /// Who has this key, and what they may do.
    pub fn find(&self, key: &Key) -> Option<(KeyRole, &str)> {
        self.known.iter().find(|(known, ..)| known == key).map(|(_, role, name)| (*role, name.as_str()))
    }

    /// Whether nobody is let in.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// What a key file says.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// This side's secret.
    pub secret: Secret,
    /// The servers that a client knows, by name.
    pub servers: Vec<(String, Key)>,
    /// The clients that a server knows.
    pub ring: Ring,
}

impl KeyFile {
    /// Reads the text of a key file.
    ///
    /// # Errors
    /// A line is none of the four kinds, or there is not exactly one private key.
    pub fn read(text: &str) -> Result<KeyFile, KeyFileError> {
        let mut secret = None;
        let (mut servers, mut ring) = (Vec::new(), Ring::default());
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            let key = |text: &str| text.parse::<Key>().map_err(|_| KeyFileError::Digits(index + 1));
            match words[..] {
                [] => {}
                ["private", digits] if secret.is_none() => secret = Some(Secret(key(digits)?.0)),
                ["server", name, digits] => servers.push((name.to_owned(), key(digits)?)),
                ["client", name, digits] => ring.add(key(digits)?, KeyRole::Client, name),
                ["operator", name, digits] => ring.add(key(digits)?, KeyRole::Operator, name),
                _ => return Err(KeyFileError::Line(index + 1)),
            }
        }
        Ok(KeyFile { secret: secret.ok_or(KeyFileError::NoSecret)?, servers, ring })
    }

    /// The text of a new key file.
    pub fn fresh(secret: &Secret) -> String {
        let digits = Key(secret.0);
        format!(
            "# Keys of a Quipu actor server or client. Nobody else may read this file.\n\
             # The public key, to be given away: {}\n\
             private {digits}\n",
            secret.public()
        )
    }

    /// The key of the server at an address: the one of that name, or the only one there is.
    pub fn server(&self, address: &str) -> Option<Key> {
        let named = self.servers.iter().find(|(name, _)| name == address);
        let only = if self.servers.len() == 1 { self.servers.first() } else { None };
        named.or(only).map(|(_, key)| *key)
    }
}

/// What is wrong with a key file. It never shows what is in one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// A line that is none of those it can have.
    Line(usize),
    /// A key that is not 64 hexadecimal digits.
    Digits(usize),
    /// There is no private key.
    NoSecret,
    /// The system gave no entropy.
    Entropy,
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyFileError::Line(line) => write!(
                f,
                "line {line} is none of `private KEY`, `server NAME KEY`, `client NAME KEY`, `operator NAME KEY`, or \
                 there are two private keys"
            ),
            KeyFileError::Digits(line) => write!(f, "line {line}: a key has 64 hexadecimal digits"),
            KeyFileError::NoSecret => write!(f, "there is no line `private KEY`; `vm actor key FILE` makes one"),
            KeyFileError::Entropy => write!(f, "the system has no entropy"),
        }
    }
}

impl std::error::Error for KeyFileError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_read_and_shows_no_secret() {
        let secret = Secret::new().unwrap();
        let mut text = KeyFile::fresh(&secret);
        let other = Secret::new().unwrap().public();
        text.push_str(&format!("client ann {other} # she\n\noperator root {}\n", secret.public()));
        let file = KeyFile::read(&text).unwrap();
        assert_eq!(file.secret, secret);
        assert_eq!(file.ring.find(&other), Some((KeyRole::Client, "ann")));
        assert_eq!(file.ring.find(&secret.public()), Some((KeyRole::Operator, "root")));
        assert_eq!(file.server("x"), None);
        assert!(!format!("{file:?}").contains(&Key(secret.0).to_string()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let key = "ab".repeat(32);
        let error = |text: &str| KeyFile::read(text).unwrap_err();
        assert_eq!(error("# none"), KeyFileError::NoSecret);
        assert_eq!(error(&format!("\nprivate {key}\nclint x {key}")), KeyFileError::Line(3));
        assert_eq!(error(&format!("private {key}\nprivate {key}")), KeyFileError::Line(2));
        assert_eq!(error("private abc"), KeyFileError::Digits(1));
        assert!(!error("private abc").to_string().contains("abc"));
    }

    #[test]
    fn a_server_is_found_by_its_name_or_as_the_only_one() {
        let (a, b) = ("0a".repeat(32), "0b".repeat(32));
        let one = KeyFile::read(&format!("private {a}\nserver here {b}")).unwrap();
        assert_eq!(one.server("there"), Some(Key([0x0b; 32])));
        let two = KeyFile::read(&format!("private {a}\nserver here {b}\nserver there {a}")).unwrap();
        assert_eq!(two.server("there"), Some(Key([0x0a; 32])));
        assert_eq!(two.server("elsewhere"), None);
    }
}
