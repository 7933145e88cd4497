//! What every store on a disk does alike: the columns of an action, and the checksums of rows.

use quipu_code::hash::GraphHash;

use super::bytes::{Sum, sum};
use super::contract::{Action, Entry, Hold};
use crate::identity::ClientId;

/// The checksum of an entry of the log.
pub(super) fn entry_sum(actor: &str, seq: u64, entry: &Entry) -> Sum {
    let (kind, name, function) = action_parts(&entry.action);
    let (seq, kind, request) = (seq.to_le_bytes(), [kind], entry.request.to_le_bytes());
    let mut parts: Vec<&[u8]> = vec![
        b"entry",
        actor.as_bytes(),
        &seq,
        &kind,
        name.unwrap_or_default().as_bytes(),
        function.map_or(&[][..], |hash| &hash.0),
        &entry.args,
        &entry.client.0,
        &request,
        &entry.outcome.0,
    ];
    // Those of before have none, and keep their sums.
    parts.extend(entry.engine.as_ref().map(|engine| &engine.0[..]));
    sum(&parts)
}

/// The checksum of a hold.
pub(super) fn held_sum(actor: &str, held: &Hold) -> Sum {
    let hash = |hash: Option<[u8; 32]>| hash.map_or_else(Vec::new, |hash| hash.to_vec());
    let text = |text: &Option<String>| text.as_ref().map_or_else(Vec::new, |text| [b"=", text.as_bytes()].concat());
    sum(&[
        b"held",
        actor.as_bytes(),
        &held.step.to_le_bytes(),
        held.reason.as_bytes(),
        &hash(held.written.map(|edition| edition.0)),
        &held.engine.0,
        &hash(held.gave.map(|hash| hash.0)),
        &text(&held.gave_text),
        &hash(held.gives.map(|hash| hash.0)),
        &text(&held.gives_text),
    ])
}

/// The checksum of a kept reply.
pub(super) fn reply_sum(actor: &str, client: &ClientId, request: u64, seq: u64, reply: &[u8]) -> Sum {
    sum(&[b"reply", actor.as_bytes(), &client.0, &request.to_le_bytes(), &seq.to_le_bytes(), reply])
}

/// An action as number, name and hash.
pub(super) fn action_parts(action: &Action) -> (u8, Option<&str>, Option<&GraphHash>) {
    match action {
        Action::Call(hash) => (1, None, Some(hash)),
        Action::Invoke(name) => (2, Some(name), None),
        Action::Install(name, hash) => (3, Some(name), Some(hash)),
    }
}

/// The action that these parts are.
pub(super) fn action_of(kind: u8, name: Option<String>, function: Option<GraphHash>) -> Option<Action> {
    match (kind, name, function) {
        (1, None, Some(hash)) => Some(Action::Call(hash)),
        (2, Some(name), None) => Some(Action::Invoke(name)),
        (3, Some(name), Some(hash)) => Some(Action::Install(name, hash)),
        _ => None,
    }
}
