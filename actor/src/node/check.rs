//! Verifying a store: every byte, and that every actor comes back as it was.

use serde::Serialize;

use super::access::Alone;
use super::functions::Functions;
use super::options::NodeOptions;
use super::recover::recover;
use crate::store::{Store, StoreError};

/// What a check has found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Checked {
    /// Actors that came back.
    pub actors: u64,
    /// Calls that were repeated and gave the same.
    pub replayed: u64,
    /// What is wrong, a line each.
    pub wrong: Vec<String>,
}

/// Checks a store. It changes nothing, and takes no actor over.
///
/// # Errors
/// The store cannot be read at all.
pub fn check(store: &mut dyn Store) -> Result<Checked, StoreError> {
    let mut checked = Checked { wrong: store.check()?, ..Checked::default() };
    let functions = Functions::new(NodeOptions::default().cache);
    for listed in store.actors()? {
        let name = &listed.name;
        if let Err(error) = store.replies(name) {
            checked.wrong.push(format!("actor `{name}`: {error}"));
        }
        if listed.seq == 0 && store.snapshots(name)?.is_empty() {
            // It was taken over, and then nothing came of it.
            continue;
        }
        match recover(&mut Alone(store), &functions, name, listed.seq) {
            Ok(recovered) => {
                checked.actors += 1;
                checked.replayed += recovered.replayed;
            }
            Err(error) => checked.wrong.push(format!("actor `{name}`: {error}")),
        }
    }
    Ok(checked)
}
