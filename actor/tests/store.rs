//! The stores of this crate keep to the rules of all stores, and what is left of the one in a file when a disk is full, a
//! write is torn or a checksum is wrong.

use std::path::Path;

use quipu_actor::store::suite::{conforms, function, steps};
use quipu_actor::store::{Claim, MemoryStore, SqliteStore, Store, StoreError};

#[test]
fn memory_conforms() {
    let memory = MemoryStore::new();
    conforms(Box::new(memory.clone()), |_| Box::new(memory.clone()));
}

#[test]
fn sqlite_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let open = || Box::new(SqliteStore::open(&path).expect("a store"));
    conforms(open(), |before| {
        drop(before);
        open()
    });
}

#[test]
fn every_store_is_asked() {
    let (asked, mut found) = (include_str!("store.rs"), 0);
    for file in std::fs::read_dir("src/store").expect("a folder") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        for store in text.split("impl Store for ").skip(1).filter_map(|rest| rest.split(' ').next()) {
            found += 1;
            let test = format!("fn {}_conforms()", store.trim_end_matches("Store").to_lowercase());
            assert!(asked.contains(&test), "`{store}` is not asked for what every store must do: `{test}` does that");
        }
    }
    assert!(found >= 2, "{found}");
}

#[test]
fn a_file_in_use_of_another_program_or_newer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let first = SqliteStore::open(&path).expect("a store");
    assert_eq!(SqliteStore::open(&path).err(), Some(StoreError::InUse));
    drop(first);
    let change = |sql: &str, path: &Path| {
        rusqlite::Connection::open(path).expect("a file").execute_batch(sql).expect("it is done");
    };
    change("PRAGMA user_version = 99", &path);
    assert_eq!(SqliteStore::open(&path).err(), Some(StoreError::Newer { found: 99 }));
    change("PRAGMA application_id = 1", &path);
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Damaged(_))));
    let text = folder.path().join("text");
    std::fs::write(&text, "this is no store, only a text that is long enough to be taken for something")
        .expect("a file");
    assert!(matches!(SqliteStore::open(&text), Err(StoreError::Damaged(_))));
}

#[test]
fn what_was_changed_behind_its_back_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let damage = |sql: &str| {
        let _ = std::fs::remove_file(&path);
        let mut store = SqliteStore::open(&path).expect("a store");
        store.claim("a").expect("a claim");
        store.commit(&steps("a", 1, 1..=3)).expect("steps");
        drop(store);
        rusqlite::Connection::open(&path).expect("a file").execute_batch(sql).expect("it is done");
        SqliteStore::open(&path).expect("a store")
    };
    let mut store = damage("UPDATE blob SET bytes = x'00' WHERE kind = 1");
    assert!(matches!(store.blob(function(1001)), Err(StoreError::Damaged(_))));
    assert_eq!(store.check().expect("a check").len(), 3);
    drop(store);
    let mut store = damage("UPDATE log SET args = x'00' WHERE seq = 2");
    assert!(matches!(store.log("a", 0, 10), Err(StoreError::Damaged(_))));
    drop(store);
    let mut store = damage("UPDATE reply SET reply = x'00' WHERE seq = 2");
    assert!(matches!(store.replies("a"), Err(StoreError::Damaged(_))));
    drop(store);
    let mut store = damage("UPDATE log SET engine = NULL WHERE seq = 2");
    assert!(matches!(store.log("a", 0, 10), Err(StoreError::Damaged(_))));
    drop(store);
    let mut store = damage(
        "INSERT INTO held SELECT id, 3, '', NULL, zeroblob(32), NULL, NULL, NULL, NULL, zeroblob(32) FROM actor",
    );
    assert!(matches!(store.held("a"), Err(StoreError::Damaged(_))));
    drop(store);
    let mut store = damage("DELETE FROM blob WHERE kind = 2");
    assert_eq!(store.check().expect("a check").len(), 1);
}

/// The log is cut off at any byte, as a power cut may do it: every commit that had returned by then is there, and none
/// is there in part.
#[test]
fn a_torn_write_loses_nothing_that_was_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, wal) = (folder.path().join("store"), folder.path().join("store-wal"));
    let mut store = SqliteStore::open(&path).expect("a store");
    store.claim("a").expect("a claim");
    let mut lengths = vec![std::fs::metadata(&wal).expect("a log").len()];
    for n in 0..8 {
        store.commit(&steps("a", 1, 2 * n + 1..=2 * n + 2)).expect("steps");
        lengths.push(std::fs::metadata(&wal).expect("a log").len());
    }
    let (base, log) = (std::fs::read(&path).expect("a file"), std::fs::read(&wal).expect("a log"));
    let torn = tempfile::tempdir().expect("a folder");
    let (torn_path, torn_wal) = (torn.path().join("store"), torn.path().join("store-wal"));
    for cut in (lengths[0] as usize..=log.len()).step_by(509) {
        let _ = std::fs::remove_file(torn.path().join("store-shm"));
        std::fs::write(&torn_path, &base).expect("a file");
        std::fs::write(&torn_wal, &log[..cut]).expect("a log");
        let mut store = SqliteStore::open(&torn_path).expect("a store");
        let commits = lengths.iter().filter(|&&length| length as usize <= cut).count() as u64 - 1;
        let claim = store.claim("a").expect("a claim");
        assert!(claim.seq >= 2 * commits && claim.seq.is_multiple_of(2), "{cut}: {claim:?}, {commits} commits");
        assert_eq!(store.log("a", 0, 100).expect("a log").len() as u64, claim.seq);
        assert_eq!(store.replies("a").expect("replies").len() as u64, claim.seq);
        assert_eq!(store.check(), Ok(Vec::new()));
    }
}

/// The disk is full at every size: what was committed stays, what was not is not there in part.
#[test]
fn a_full_disk_loses_nothing_that_was_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    for more in 0..24 {
        let path = folder.path().join(format!("store {more}"));
        let mut store = SqliteStore::open(&path).expect("a store");
        store.claim("a").expect("a claim");
        let pages = (store.size().expect("a size") / 4096) as u32;
        store.limit_pages(pages + more).expect("a limit");
        let mut committed = 0;
        let failed = (0..1000).find_map(|n| {
            let outcome = store.commit(&steps("a", 1, 2 * n + 1..=2 * n + 2));
            committed += 2 * u64::from(outcome.is_ok());
            outcome.err()
        });
        assert!(matches!(failed, Some(StoreError::Io(_))), "{failed:?}");
        drop(store);
        let mut store = SqliteStore::open(&path).expect("a store");
        assert_eq!(store.claim("a"), Ok(Claim { epoch: 2, seq: committed }));
        assert_eq!(store.log("a", 0, 5000).expect("a log").len() as u64, committed);
        assert_eq!(store.check(), Ok(Vec::new()));
    }
}
