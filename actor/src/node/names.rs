//! How many new actors the owner of a key may name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::identity::Key;

/// The time for which names count.
const HOUR: Duration = Duration::from_secs(3600);

/// Keys of which something is remembered before old ones are looked through.
const KEYS: usize = 1024;

/// The names of the hour, by key. Clients without one are one and the same.
pub(super) struct Names {
    most: u64,
    by_key: Mutex<HashMap<Option<Key>, Named>>,
}

#[derive(Clone, Copy)]
struct Named {
    /// When the hour began.
    from: Duration,
    count: u64,
}

impl Names {
    /// So many an hour for each key.
    pub fn new(most: u64) -> Names {
        Names { most, by_key: Mutex::default() }
    }

    /// Whether there may be a new name, which is counted if it `counts`.
    ///
    /// # Errors
    /// There were enough of them; people are told that.
    pub fn ask(&self, key: Option<Key>, now: Duration, counts: bool) -> Result<(), String> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |named: &Named| now.saturating_sub(named.from) >= HOUR;
        if by_key.len() >= KEYS {
            by_key.retain(|_, named| !is_over(named));
        }
        let named = by_key.entry(key).or_insert(Named { from: now, count: 0 });
        if is_over(named) {
            *named = Named { from: now, count: 0 };
        }
        if named.count >= self.most {
            let left = HOUR.saturating_sub(now.saturating_sub(named.from));
            return Err(format!(
                "{} new actors in an hour are all that one key may name, and they were named; more can be in {}. Actors \
                 that are there answer",
                self.most,
                shown(left)
            ));
        }
        named.count += u64::from(counts);
        Ok(())
    }
}

/// A time that is left, for people.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{} seconds", time.as_secs() + 1),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_later_there_are_new_names() {
        let names = Names::new(2);
        let at = |minutes: u64| Duration::from_secs(60 * minutes);
        let (ann, ben) = (Some(Key([1; 32])), Some(Key([2; 32])));
        assert!(names.ask(ann, at(5), true).is_ok() && names.ask(ann, at(50), true).is_ok());
        let why = names.ask(ann, at(55), true).unwrap_err();
        assert!(why.starts_with("2 new actors in an hour") && why.contains("in 10 minutes"), "{why}");
        assert!(names.ask(ben, at(55), true).is_ok() && names.ask(None, at(55), true).is_ok());
        assert!(names.ask(ann, at(64), true).is_err());
        assert!(names.ask(ann, at(65), false).is_ok() && names.ask(ann, at(65), true).is_ok());
    }

    #[test]
    fn keys_that_are_silent_are_forgotten() {
        let names = Names::new(2);
        for number in 0..3000_u32 {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_le_bytes());
            names.ask(Some(Key(key)), Duration::from_secs(60 * u64::from(number)), true).unwrap();
        }
        assert!(names.by_key.lock().unwrap().len() <= KEYS);
    }
}
