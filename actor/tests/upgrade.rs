//! Files of version 1 become files of version 2, whatever happens meanwhile; and nobody but their owner can read them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use quipu_actor::node::check;
use quipu_actor::store::{SqliteStore, Store, StoreError};

/// A store of version 1, with calls to repeat.
fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/stores/engine_1/closed.db")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

fn sql(path: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn version(path: &Path) -> i64 {
    sql(path, "PRAGMA user_version")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// All steps of all actors, and the replies.
fn content(store: &mut SqliteStore) -> String {
    let names: Vec<String> = store.actors().unwrap().into_iter().map(|listed| listed.name).collect();
    let of = |name: &String| {
        let (log, replies) = (store.log(name, 0, 1000).unwrap(), store.replies(name).unwrap());
        format!("{name} {:?} {log:?} {replies:?}\n", store.snapshots(name).unwrap())
    };
    names.iter().map(of).collect()
}

#[test]
fn a_file_of_version_1_is_upgraded_behind_a_copy_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    fs::copy(golden(), &path).unwrap();
    let before = content(&mut SqliteStore::look(&path).unwrap());
    assert!(before.contains("numbers") && before.contains("engine: None") && !before.contains("engine: Some"));
    // Looking changes nothing.
    assert_eq!((version(&path), beside(&path, ".v1").exists()), (1, false));
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(content(&mut store), before);
    assert_eq!(store.holds(), Ok(0));
    assert_eq!(store.check(), Ok(Vec::new()));
    drop(store);
    let copy = beside(&path, ".v1");
    assert_eq!((version(&path), version(&copy)), (2, 1));
    assert_eq!(content(&mut SqliteStore::look(&copy).unwrap()), before);
    assert_eq!(check(&mut SqliteStore::look(&copy).unwrap()).unwrap().wrong, Vec::<String>::new());
    // Once is enough.
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let made = time(&copy);
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(time(&copy), made);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_copy_that_is_there_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (first, second) = (beside(&path, ".v1"), beside(&path, ".v1.1"));
    fs::copy(golden(), &path).unwrap();
    fs::write(&first, "somebody's").unwrap();
    fs::write(beside(&path, ".v1.part"), "a part of a copy").unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(fs::read(&first).unwrap(), b"somebody's");
    assert_eq!((version(&second), version(&path), beside(&path, ".v1.part").exists()), (1, 2, false));
    // The same content again, as after a kill behind the copy, needs no other copy.
    fs::copy(&second, &path).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!((version(&path), beside(&path, ".v1.2").exists()), (2, false));
    // Calls that came in between do.
    fs::copy(&second, &path).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE actor SET epoch = epoch + 1", []).unwrap();
    drop(connection);
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!((version(&path), version(&beside(&path, ".v1.2"))), (2, 1));
}

#[test]
fn without_room_for_the_copy_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    fs::copy(golden(), &path).unwrap();
    // Something that cannot be taken away stands where the copy is written.
    fs::create_dir_all(beside(&path, ".v1.part").join("x")).unwrap();
    let error = SqliteStore::open(&path).err().unwrap();
    assert!(
        matches!(&error, StoreError::Io(what) if what.contains("nothing was changed") && what.contains(".v1")),
        "{error}"
    );
    assert_eq!(version(&path), 1);
}

/// The log of the upgrade is cut off at any byte, as a power cut may do it.
#[test]
fn a_torn_upgrade_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    fs::copy(golden(), &path).unwrap();
    // Everything in the file itself, then the upgrade alone in the log.
    let before = content(&mut SqliteStore::look(&path).unwrap());
    let store = SqliteStore::open(&path).unwrap();
    let (base, log) = (fs::read(&path).unwrap(), fs::read(beside(&path, "-wal")).unwrap());
    drop(store);
    let (mut old, mut new) = (0, 0);
    for cut in (0..=log.len()).step_by(1013).chain([log.len()]) {
        let torn = tempfile::tempdir().unwrap();
        let path = torn.path().join("store");
        fs::write(&path, &base).unwrap();
        fs::write(beside(&path, "-wal"), &log[..cut]).unwrap();
        let copy = beside(&path, ".v1");
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(content(&mut store), before);
        assert_eq!(store.check(), Ok(Vec::new()));
        drop(store);
        assert_eq!(version(&path), 2);
        match copy.exists() {
            true => old += 1,
            false => new += 1,
        }
    }
    assert!(old > 0 && new > 0, "{old} {new}");
}

/// In another process: opens a store, which upgrades it.
#[test]
fn opens_a_store_for_the_test_below() {
    if let Some(path) = std::env::var_os("UPGRADED") {
        drop(SqliteStore::open(Path::new(&path)).unwrap());
    }
}

#[test]
fn who_is_killed_in_an_upgrade_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large");
    fs::copy(golden(), &large).unwrap();
    // So that copying takes its time.
    let connection = rusqlite::Connection::open(&large).unwrap();
    let blob = "INSERT INTO blob VALUES (3, randomblob(32), randomblob(3000000), x'')";
    (0..8).for_each(|_| assert_eq!(connection.execute(blob, []), Ok(1)));
    drop(connection);
    let before = content(&mut SqliteStore::look(&large).unwrap());
    let begin = |path: &Path| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "upgrade::opens_a_store_for_the_test_below"]).env("UPGRADED", path);
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let path = folder.path().join("store");
    fs::copy(&large, &path).unwrap();
    let began = Instant::now();
    assert!(begin(&path).wait().unwrap().success());
    let whole = began.elapsed();
    let mut found = [0; 3];
    for part in 0..16 {
        let path = folder.path().join(format!("store {part}"));
        fs::copy(&large, &path).unwrap();
        let mut child = begin(&path);
        std::thread::sleep(whole.max(Duration::from_millis(16)) * part / 14);
        let _ = child.kill();
        child.wait().unwrap();
        let copy = beside(&path, ".v1");
        match (copy.exists(), version(&path)) {
            (false, 1) => found[0] += 1,
            (true, 1) => found[1] += 1,
            (true, 2) => found[2] += 1,
            other => panic!("{other:?}"),
        }
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(content(&mut store), before);
        drop(store);
        assert_eq!((version(&path), version(&copy)), (2, 1));
        assert_eq!(content(&mut SqliteStore::look(&copy).unwrap()), before);
        assert!(!beside(&path, ".v1.1").exists() && !beside(&path, ".v1.part").exists());
        [path, copy].iter().for_each(|file| fs::remove_file(file).unwrap());
    }
    assert!(found[0] > 0, "none was killed before its copy was made: {found:?}");
}

#[test]
fn only_the_owner_can_read_a_store_its_log_and_its_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = SqliteStore::open(&path).unwrap();
    store.claim("a").unwrap();
    assert_eq!((mode(&path), mode(&beside(&path, "-wal"))), (0o600, 0o600));
    drop(store);
    // One that others could read is taken from them, and so is its log.
    let old = folder.path().join("old");
    fs::copy(golden(), &old).unwrap();
    fs::write(beside(&old, "-wal"), "").unwrap();
    [old.clone(), beside(&old, "-wal")]
        .iter()
        .for_each(|file| fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap());
    let mut store = SqliteStore::open(&old).unwrap();
    store.claim("a").unwrap();
    for end in ["", "-wal", ".v1"] {
        assert_eq!(mode(&beside(&old, end)), 0o600, "{end}");
    }
    drop(store);
    // What is no store stays as it is.
    let text = folder.path().join("text");
    fs::write(&text, "this is no store, only a text that is long enough to be taken for something").unwrap();
    fs::set_permissions(&text, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(SqliteStore::open(&text), Err(StoreError::Damaged(_))));
    assert_eq!(mode(&text), 0o644);
}
