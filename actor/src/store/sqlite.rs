//! The durable store: one SQLite file.
//!
//! A commit is one transaction, in the write-ahead log and on disk when it returns (`synchronous = FULL`). The process
//! that has the file open has it alone. Every row that is read back carries a checksum of what it was made from.
//!
//! ```text
//! version 1   actor, log, reply, snapshot, blob, link
//! version 2   log has a column `engine`, which rows of before leave empty; held, cut, cut_snapshot
//! ```

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use quipu_code::hash::{CodeHash, GraphHash};
use quipu_stdlib::EngineEdition;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, params};

use super::bytes::{Sum, blob_sum};
use super::contract::{
    BlobId, Change, Claim, CommitStep, CutOff, Entry, Hold, Kept, ListedActor, STORE_VERSION, Snapshot, Store,
    StoreError, Swept,
};
use super::private::{copy_of_before, keep_private, made};
use super::rows::{action_of, action_parts, entry_sum, held_sum, reply_sum};
use crate::identity::ClientId;

/// "QUIP": tells the file from other SQLite files.
const APPLICATION: u32 = 0x5155_4950;

const TABLES: &str = "
CREATE TABLE actor (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, seq INTEGER NOT NULL
) STRICT;
CREATE TABLE log (
    actor INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT, function BLOB, args BLOB NOT NULL,
    client BLOB NOT NULL, request INTEGER NOT NULL, outcome BLOB NOT NULL, sum BLOB NOT NULL,
    PRIMARY KEY (actor, seq)
) STRICT;
CREATE TABLE reply (
    actor INTEGER NOT NULL, client BLOB NOT NULL, request INTEGER NOT NULL, seq INTEGER NOT NULL, reply BLOB,
    sum BLOB NOT NULL,
    PRIMARY KEY (actor, client, request)
) STRICT;
CREATE TABLE snapshot (
    actor INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (actor, seq)
) STRICT;
CREATE TABLE blob (
    kind INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (kind, hash)
) STRICT;
CREATE TABLE link (graph BLOB NOT NULL, code BLOB NOT NULL, PRIMARY KEY (graph, code)) STRICT, WITHOUT ROWID;
";

/// What came with version 2. New files get it in the same way as those of before.
const TABLES_2: &str = "
ALTER TABLE main.log ADD COLUMN engine BLOB;
CREATE TABLE main.held (
    actor INTEGER PRIMARY KEY, step INTEGER NOT NULL, reason TEXT NOT NULL, written BLOB, engine BLOB NOT NULL, gave BLOB,
    gave_text TEXT, gives BLOB, gives_text TEXT, sum BLOB NOT NULL
) STRICT;
CREATE TABLE main.cut (
    actor INTEGER NOT NULL, turn INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT, function BLOB,
    args BLOB NOT NULL, client BLOB NOT NULL, request INTEGER NOT NULL, outcome BLOB NOT NULL, sum BLOB NOT NULL,
    engine BLOB, reply BLOB, reply_sum BLOB,
    PRIMARY KEY (actor, turn, seq)
) STRICT;
CREATE TABLE main.cut_snapshot (
    actor INTEGER NOT NULL, turn INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (actor, turn, seq)
) STRICT;
";

/// What a file of version 1 looks like through it, for who only reads: nothing of it is written.
const VIEWS_OF_1: &str = "
CREATE TEMP VIEW log AS SELECT *, NULL AS engine FROM main.log;
CREATE TEMP TABLE held (actor, step, reason, written, engine, gave, gave_text, gives, gives_text, sum);
CREATE TEMP TABLE cut (
    actor, turn, seq, kind, name, function, args, client, request, outcome, sum, engine, reply, reply_sum
);
CREATE TEMP TABLE cut_snapshot (actor, turn, seq, hash);
";

/// What nothing needs: graphs of no entry, states of no snapshot, code of no graph that is needed.
const UNNEEDED: &str = "
    (kind = 1 AND hash NOT IN (SELECT function FROM log WHERE function IS NOT NULL)
        AND hash NOT IN (SELECT function FROM cut WHERE function IS NOT NULL))
    OR (kind = 3 AND hash NOT IN (SELECT hash FROM snapshot) AND hash NOT IN (SELECT hash FROM cut_snapshot))
    OR (kind = 2 AND hash NOT IN (SELECT code FROM link
        WHERE graph IN (SELECT function FROM log WHERE function IS NOT NULL)
        OR graph IN (SELECT function FROM cut WHERE function IS NOT NULL)))";

/// Blobs that are remembered to be there, so that most steps write none.
const REMEMBERED: usize = 65_536;

/// A store in a file.
pub struct SqliteStore {
    connection: Connection,
    present: HashSet<BlobId>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Damaged(error.to_string()),
            _ => StoreError::Io(error.to_string()),
        }
    }
}

opaque!(SqliteStore);

impl SqliteStore {
    /// Opens a file, or makes it; only its owner can read it. One of version 1 becomes one of the present version, in one
    /// transaction, after a copy of it was made beside it.
    ///
    /// # Errors
    /// It is no store, a newer one, in use, or cannot be read and written; there is no room for the copy.
    pub fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        made(path)?;
        let (connection, version) = SqliteStore::connect(path)?;
        keep_private(path);
        let upgrade = |tables: &str| {
            connection.execute_batch(&format!(
                "BEGIN; {tables} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {STORE_VERSION}; COMMIT"
            ))
        };
        match version {
            0 => upgrade(&[TABLES, TABLES_2].concat())?,
            1 => {
                let copy = copy_of_before(&connection, path, version)?;
                upgrade(TABLES_2)?;
                let (file, copy) = (path.display(), copy.display());
                tracing::warn!("{file} is of version {STORE_VERSION} now; as it was before, it is kept as {copy}");
            }
            _ => {}
        }
        Ok(SqliteStore { connection, present: HashSet::new() })
    }

    /// Opens a file that is there only to look at it: nothing is written, and one of version 1 stays one. What is tried to
    /// be written to that fails.
    ///
    /// # Errors
    /// It is no store, a newer one, in use, or cannot be read.
    pub fn look(path: &Path) -> Result<SqliteStore, StoreError> {
        let (connection, version) = SqliteStore::connect(path)?;
        match version {
            0 => return Err(StoreError::Damaged("it is empty".to_owned())),
            1 => connection.execute_batch(VIEWS_OF_1)?,
            _ => {}
        }
        Ok(SqliteStore { connection, present: HashSet::new() })
    }

    /// A file that nobody else has open, and its version; 0 if it is empty.
    fn connect(path: &Path) -> Result<(Connection, u32), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // Whoever has the file has it for long.
        connection.busy_timeout(Duration::from_millis(200))?;
        // Before anything is read: whoever comes second is told so at once.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
        let application: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        connection.set_prepared_statement_cache_capacity(64);
        match (application, version) {
            (0, 0) if tables == 0 => Ok((connection, 0)),
            (APPLICATION, 1..=STORE_VERSION) => Ok((connection, version)),
            (APPLICATION, found) => Err(StoreError::Newer { found }),
            _ => Err(StoreError::Damaged("it is a database of another program".to_owned())),
        }
    }

    /// Changes an entry of the log behind everybody's back, to see what happens.
    ///
    /// # Errors
    /// Those of the store.
    #[doc(hidden)]
    pub fn forge(&mut self, actor: &str, seq: u64, change: impl FnOnce(&mut Entry)) -> Result<(), StoreError> {
        let Some((_, mut entry)) = self.log(actor, seq - 1, 1)?.pop() else { return Ok(()) };
        change(&mut entry);
        let (kind, name, function) = action_parts(&entry.action);
        let sum = entry_sum(actor, seq, &entry);
        let sql = "UPDATE log SET kind = ?, name = ?, function = ?, args = ?, outcome = ?, engine = ?, sum = ?
            WHERE actor = ? AND seq = ?";
        let id = self.id(actor)?;
        let values = params![
            kind,
            name,
            function.map(|hash| hash.0),
            entry.args,
            entry.outcome.0,
            edition(&entry.engine),
            sum.0,
            id,
            seq as i64
        ];
        self.connection.execute(sql, values)?;
        Ok(())
    }

    /// Lets the file grow to this many pages only, to see what happens when a disk is full.
    ///
    /// # Errors
    /// Those of the store.
    #[doc(hidden)]
    pub fn limit_pages(&self, pages: u32) -> Result<u32, StoreError> {
        Ok(self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get(0))?)
    }

    fn write(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let mut writing = Writing { transaction, present: &mut self.present, touched: Vec::new() };
        for change in changes {
            match change {
                Change::Step(step) => writing.step(step)?,
                Change::Snapshot(snapshot) => writing.snapshot(snapshot)?,
                Change::Hold { actor, epoch, held } => writing.hold(actor, *epoch, held)?,
                Change::Free { actor, epoch } => writing.free(actor, *epoch)?,
                Change::Cut { actor, epoch, seq, anew } => writing.cut(actor, *epoch, *seq, *anew)?,
            }
        }
        writing.finish()
    }

    fn id(&self, actor: &str) -> Result<Option<i64>, StoreError> {
        let mut find = self.connection.prepare_cached("SELECT id FROM actor WHERE name = ?")?;
        Ok(find.query_row([actor], |row| row.get(0)).optional()?)
    }
}

/// Writes changes inside of one transaction.
struct Writing<'t> {
    transaction: Transaction<'t>,
    present: &'t mut HashSet<BlobId>,
    /// Actors that have steps or snapshots in this commit.
    touched: Vec<Touched<'t>>,
}

struct Touched<'t> {
    name: &'t str,
    id: i64,
    epoch: u64,
    before: u64,
    seq: u64,
}

impl<'t> Writing<'t> {
    fn touch(&mut self, name: &'t str, epoch: u64) -> Result<&mut Touched<'t>, StoreError> {
        if let Some(at) = self.touched.iter().position(|touched| touched.name == name && touched.epoch == epoch) {
            return Ok(&mut self.touched[at]);
        }
        let mut find = self.transaction.prepare_cached("SELECT id, seq FROM actor WHERE name = ? AND epoch = ?")?;
        let found = find.query_row(params![name, epoch as i64], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)));
        let (id, seq) = found.optional()?.ok_or_else(|| StoreError::Stale(name.to_owned()))?;
        let before = seq as u64;
        Ok(self.touched.push_mut(Touched { name, id, epoch, before, seq: before }))
    }

    fn blob(&mut self, id: BlobId, bytes: &[u8], links: &[CodeHash]) -> Result<(), StoreError> {
        if self.present.contains(&id) {
            return Ok(());
        }
        let (kind, hash) = id.parts();
        let mut put = self.transaction.prepare_cached("INSERT OR IGNORE INTO blob VALUES (?, ?, ?, ?)")?;
        put.execute(params![kind, hash, bytes, blob_sum(id, bytes).0])?;
        let mut link = self.transaction.prepare_cached("INSERT OR IGNORE INTO link VALUES (?, ?)")?;
        for code in links {
            link.execute(params![hash, code.0])?;
        }
        self.present.insert(id);
        Ok(())
    }

    fn step(&mut self, step: &'t CommitStep) -> Result<(), StoreError> {
        let touched = self.touch(&step.actor, step.epoch)?;
        touched.seq += 1;
        if step.seq != touched.seq {
            return Err(StoreError::Stale(step.actor.to_string()));
        }
        let id = touched.id;
        for blob in &*step.blobs {
            self.blob(blob.id, &blob.bytes, &blob.links)?;
        }
        let entry = &step.entry;
        let (kind, name, function) = action_parts(&entry.action);
        let sum = entry_sum(&step.actor, step.seq, entry);
        let (seq, request) = (step.seq as i64, entry.request as i64);
        let mut put = self.transaction.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        let (args, client, outcome) = (&entry.args, entry.client.0, entry.outcome.0);
        let (function, engine) = (function.map(|hash| hash.0), edition(&entry.engine));
        put.execute(params![id, seq, kind, name, function, args, client, request, outcome, sum.0, engine])?;
        for forgotten in &step.forgotten {
            let sql = match forgotten.mark {
                true => "UPDATE reply SET reply = NULL WHERE actor = ? AND client = ? AND request = ?",
                false => "DELETE FROM reply WHERE actor = ? AND client = ? AND request = ?",
            };
            let mut forget = self.transaction.prepare_cached(sql)?;
            forget.execute(params![id, forgotten.client.0, forgotten.request as i64])?;
        }
        let sum = reply_sum(&step.actor, &entry.client, entry.request, step.seq, &step.reply);
        let mut put = self.transaction.prepare_cached("INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?, ?, ?)")?;
        put.execute(params![id, entry.client.0, request, seq, &*step.reply, sum.0])?;
        Ok(())
    }

    fn snapshot(&mut self, snapshot: &'t Snapshot) -> Result<(), StoreError> {
        let touched = self.touch(&snapshot.actor, snapshot.epoch)?;
        if snapshot.seq > touched.seq {
            return Err(StoreError::Stale(snapshot.actor.to_string()));
        }
        let id = touched.id;
        self.blob(BlobId::State(snapshot.hash), &snapshot.bytes, &[])?;
        let (seq, from) = (snapshot.seq as i64, snapshot.from as i64);
        let transaction = &self.transaction;
        transaction.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", params![id, seq, snapshot.hash.0])?;
        transaction.execute("DELETE FROM snapshot WHERE actor = ? AND seq < ?", params![id, from])?;
        transaction.execute("DELETE FROM log WHERE actor = ? AND seq <= ?", params![id, from])?;
        Ok(())
    }

    fn hold(&mut self, actor: &'t str, epoch: u64, held: &Hold) -> Result<(), StoreError> {
        let id = self.touch(actor, epoch)?.id;
        let sum = held_sum(actor, held);
        let Hold { step, reason, engine, gave_text, gives_text, .. } = held;
        let (gave, gives) = (held.gave.map(|hash| hash.0), held.gives.map(|hash| hash.0));
        self.transaction.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                id,
                *step as i64,
                reason,
                edition(&held.written),
                engine.0,
                gave,
                gave_text,
                gives,
                gives_text,
                sum.0
            ],
        )?;
        Ok(())
    }

    fn free(&mut self, actor: &'t str, epoch: u64) -> Result<(), StoreError> {
        let id = self.touch(actor, epoch)?.id;
        self.transaction.execute("DELETE FROM held WHERE actor = ?", [id])?;
        Ok(())
    }

    fn cut(&mut self, actor: &'t str, epoch: u64, seq: u64, anew: bool) -> Result<(), StoreError> {
        let touched = self.touch(actor, epoch)?;
        if seq > touched.seq || anew && seq > 0 {
            return Err(StoreError::Stale(actor.to_owned()));
        }
        touched.seq = seq;
        let id = touched.id;
        let transaction = &self.transaction;
        let turns = "SELECT max(turn) FROM (SELECT turn FROM cut WHERE actor = ?1
            UNION ALL SELECT turn FROM cut_snapshot WHERE actor = ?1)";
        let turn = 1 + transaction.query_row(turns, [id], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0);
        let steps =
            "INSERT INTO cut SELECT log.actor, ?3, log.seq, kind, name, function, args, log.client, log.request,
            outcome, log.sum, engine, reply.reply, reply.sum
            FROM log LEFT JOIN reply ON reply.actor = log.actor AND reply.client = log.client
                AND reply.request = log.request AND reply.seq = log.seq
            WHERE log.actor = ?1 AND log.seq > ?2";
        let states = "INSERT INTO cut_snapshot SELECT actor, ?3, seq, hash FROM snapshot WHERE actor = ?1 AND seq > ?2";
        let (seq, states_from) = (seq as i64, if anew { -1 } else { seq as i64 });
        for (sql, seq) in [(steps, seq), (states, states_from)] {
            transaction.execute(sql, params![id, seq, turn])?;
        }
        for (table, seq) in [("log", seq), ("reply", seq), ("snapshot", states_from)] {
            transaction.execute(&format!("DELETE FROM {table} WHERE actor = ? AND seq > ?"), params![id, seq])?;
        }
        self.free(actor, epoch)
    }

    fn finish(self) -> Result<(), StoreError> {
        for touched in self.touched.iter().filter(|touched| touched.seq != touched.before) {
            let sql = "UPDATE actor SET seq = ? WHERE id = ? AND epoch = ? AND seq = ?";
            let mut update = self.transaction.prepare_cached(sql)?;
            let (seq, epoch, before) = (touched.seq as i64, touched.epoch as i64, touched.before as i64);
            if update.execute(params![seq, touched.id, epoch, before])? != 1 {
                return Err(StoreError::Stale(touched.name.to_owned()));
            }
        }
        Ok(self.transaction.commit()?)
    }
}

impl Store for SqliteStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn claim(&mut self, actor: &str) -> Result<Claim, StoreError> {
        let sql = "INSERT INTO actor (name, epoch, seq) VALUES (?, 1, 0)
            ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch, seq";
        let claim =
            self.connection.query_row(sql, [actor], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        Ok(Claim { epoch: claim.0 as u64, seq: claim.1 as u64 })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if self.present.len() > REMEMBERED {
            self.present.clear();
        }
        let written = self.write(changes);
        if written.is_err() {
            // What was written in a transaction that was rolled back is not there.
            self.present.clear();
        }
        written
    }

    fn blob(&mut self, id: BlobId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut find = self.connection.prepare_cached("SELECT bytes, sum FROM blob WHERE kind = ? AND hash = ?")?;
        let (kind, hash) = id.parts();
        let found = find.query_row(params![kind, hash], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1).map(Sum)?)));
        let Some((bytes, sum)) = found.optional()? else { return Ok(None) };
        match blob_sum(id, &bytes) == sum {
            true => Ok(Some(bytes)),
            false => Err(StoreError::Damaged("a blob has changed".to_owned())),
        }
    }

    fn snapshots(&mut self, actor: &str) -> Result<Vec<(u64, GraphHash)>, StoreError> {
        let sql = "SELECT seq, hash FROM snapshot WHERE actor = ? ORDER BY seq DESC";
        let mut find = self.connection.prepare_cached(sql)?;
        let rows =
            find.query_map([self.id(actor)?], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1).map(GraphHash)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn log(&mut self, actor: &str, after: u64, count: usize) -> Result<Vec<(u64, Entry)>, StoreError> {
        let sql = "SELECT seq, kind, name, function, args, client, request, outcome, engine, sum FROM log
            WHERE actor = ? AND seq > ? ORDER BY seq LIMIT ?";
        let mut find = self.connection.prepare_cached(sql)?;
        let rows = find.query_map(params![self.id(actor)?, after as i64, count as i64], |row| {
            Ok((row.get::<_, i64>(0)? as u64, entry_of(row)?, row.get(9).map(Sum)?))
        })?;
        let mut entries = Vec::new();
        for row in rows {
            let (seq, entry, sum) = row?;
            match entry {
                Some(entry) if entry_sum(actor, seq, &entry) == sum => entries.push((seq, entry)),
                _ => return Err(StoreError::Damaged(format!("entry {seq} of actor `{actor}` has changed"))),
            }
        }
        Ok(entries)
    }

    fn replies(&mut self, actor: &str) -> Result<Vec<Kept>, StoreError> {
        let sql = "SELECT client, request, seq, reply, sum FROM reply WHERE actor = ? ORDER BY seq";
        let mut find = self.connection.prepare_cached(sql)?;
        let rows = find.query_map([self.id(actor)?], |row| {
            let (request, seq) = (row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
            Ok((Kept { client: row.get(0).map(ClientId)?, request, seq, reply: row.get(3)? }, row.get(4).map(Sum)?))
        })?;
        let mut replies = Vec::new();
        for row in rows {
            let (kept, sum) = row?;
            let is_whole = |reply: &Vec<u8>| reply_sum(actor, &kept.client, kept.request, kept.seq, reply) == sum;
            if !kept.reply.as_ref().is_none_or(is_whole) {
                return Err(StoreError::Damaged(format!("reply {} of actor `{actor}` has changed", kept.seq)));
            }
            replies.push(kept);
        }
        Ok(replies)
    }

    fn held(&mut self, actor: &str) -> Result<Option<Hold>, StoreError> {
        let sql =
            "SELECT step, reason, written, engine, gave, gave_text, gives, gives_text, sum FROM held WHERE actor = ?";
        let mut find = self.connection.prepare_cached(sql)?;
        let found = find.query_row([self.id(actor)?], |row| {
            let (step, reason) = (row.get::<_, i64>(0)? as u64, row.get(1)?);
            let (written, engine) = (row.get::<_, Option<_>>(2)?.map(EngineEdition), row.get(3).map(EngineEdition)?);
            let graph = |column| row.get::<_, Option<_>>(column).map(|hash| hash.map(GraphHash));
            let (gave, gave_text, gives, gives_text) = (graph(4)?, row.get(5)?, graph(6)?, row.get(7)?);
            let held = Hold { step, reason, written, engine, gave, gave_text, gives, gives_text };
            Ok((held, row.get(8).map(Sum)?))
        });
        match found.optional()? {
            Some((held, sum)) if held_sum(actor, &held) != sum => {
                Err(StoreError::Damaged(format!("why actor `{actor}` is held has changed")))
            }
            found => Ok(found.map(|(held, _)| held)),
        }
    }

    fn holds(&mut self) -> Result<u64, StoreError> {
        let mut count = self.connection.prepare_cached("SELECT count(*) FROM held")?;
        Ok(count.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    fn cut_off(&mut self, actor: &str, count: usize) -> Result<Vec<CutOff>, StoreError> {
        let sql =
            "SELECT seq, kind, name, function, args, client, request, outcome, engine, sum, turn, reply, reply_sum
            FROM cut WHERE actor = ? ORDER BY turn DESC, seq DESC LIMIT ?";
        let mut find = self.connection.prepare_cached(sql)?;
        let rows = find.query_map(params![self.id(actor)?, count as i64], |row| {
            let step = (row.get::<_, i64>(10)? as u64, row.get::<_, i64>(0)? as u64);
            let reply = (row.get::<_, Option<Vec<u8>>>(11)?, row.get::<_, Option<_>>(12)?.map(Sum));
            Ok((step, entry_of(row)?, row.get(9).map(Sum)?, reply))
        })?;
        let mut steps = Vec::new();
        for row in rows {
            let ((turn, seq), entry, sum, (reply, reply_was)) = row?;
            let damaged = || StoreError::Damaged(format!("step {seq} that was cut off of actor `{actor}` has changed"));
            let entry = entry.filter(|entry| entry_sum(actor, seq, entry) == sum).ok_or_else(damaged)?;
            let reply_is = reply.as_ref().map(|reply| reply_sum(actor, &entry.client, entry.request, seq, reply));
            if reply_is.is_some() && reply_is != reply_was {
                return Err(damaged());
            }
            steps.push(CutOff { turn, seq, entry, reply });
        }
        steps.reverse();
        Ok(steps)
    }

    fn actors(&mut self) -> Result<Vec<ListedActor>, StoreError> {
        let sql = "SELECT name, epoch, seq, step FROM actor LEFT JOIN held ON held.actor = actor.id ORDER BY name";
        let mut find = self.connection.prepare_cached(sql)?;
        let rows = find.query_map([], |row| {
            let (epoch, seq) = (row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
            let held = row.get::<_, Option<i64>>(3)?.map(|step| step as u64);
            Ok(ListedActor { name: row.get(0)?, epoch, seq, held })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn sweep(&mut self, dry_run: bool) -> Result<Swept, StoreError> {
        let transaction = self.connection.transaction()?;
        let count = |condition: &str| {
            let sql = format!("SELECT count(*), coalesce(sum(length(bytes)), 0) FROM blob WHERE {condition}");
            transaction.query_row(&sql, [], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)))
        };
        let (blobs, bytes) = count(UNNEEDED)?;
        let swept = Swept { blobs, bytes, kept: count("true")?.0 - blobs };
        if !dry_run && blobs > 0 {
            self.present.clear();
            transaction.execute(&format!("DELETE FROM blob WHERE {UNNEEDED}"), [])?;
            let graphs = |table: &str| format!("(SELECT function FROM {table} WHERE function IS NOT NULL)");
            let (log, cut) = (graphs("log"), graphs("cut"));
            transaction.execute(&format!("DELETE FROM link WHERE graph NOT IN {log} AND graph NOT IN {cut}"), [])?;
            transaction.commit()?;
        }
        Ok(swept)
    }

    fn size(&mut self) -> Result<u64, StoreError> {
        let pages: i64 = self.connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let size: i64 = self.connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        Ok((pages * size) as u64)
    }

    fn check(&mut self) -> Result<Vec<String>, StoreError> {
        let mut found: Vec<String> = Vec::new();
        let mut integrity = self.connection.prepare("PRAGMA integrity_check(20)")?;
        for line in integrity.query_map([], |row| row.get::<_, String>(0))? {
            let line = line?;
            if line != "ok" {
                found.push(line);
            }
        }
        let mut blobs = self.connection.prepare("SELECT kind, hash, bytes, sum FROM blob")?;
        let mut rows = blobs.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, hash, bytes, sum): (u8, _, Vec<u8>, _) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3).map(Sum)?);
            if BlobId::of(kind, hash).is_none_or(|id| blob_sum(id, &bytes) != sum) {
                found.push(format!("blob {} is damaged", GraphHash(hash)));
            }
        }
        let missing = "SELECT 'graph ' || hex(function) FROM log WHERE function IS NOT NULL
                AND function NOT IN (SELECT hash FROM blob WHERE kind = 1)
            UNION SELECT 'graph ' || hex(function) FROM cut WHERE function IS NOT NULL
                AND function NOT IN (SELECT hash FROM blob WHERE kind = 1)
            UNION SELECT 'state ' || hex(hash) FROM cut_snapshot
                WHERE hash NOT IN (SELECT hash FROM blob WHERE kind = 3)
            UNION SELECT 'state ' || hex(hash) FROM snapshot WHERE hash NOT IN (SELECT hash FROM blob WHERE kind = 3)
            UNION SELECT 'code ' || hex(code) FROM link WHERE code NOT IN (SELECT hash FROM blob WHERE kind = 2)
                AND graph IN (SELECT function FROM log WHERE function IS NOT NULL)";
        let mut missing = self.connection.prepare(missing)?;
        for line in missing.query_map([], |row| row.get::<_, String>(0))? {
            found.push(format!("{} is missing", line?.to_lowercase()));
        }
        Ok(found)
    }
}

/// What the column `engine` of an entry or a hold has.
fn edition(of: &Option<EngineEdition>) -> Option<[u8; 32]> {
    of.map(|edition| edition.0)
}

/// The entry that the columns `kind, name, function, args, client, request, outcome, engine` behind the first one are.
fn entry_of(row: &Row<'_>) -> rusqlite::Result<Option<Entry>> {
    let action = action_of(row.get(1)?, row.get(2)?, row.get::<_, Option<_>>(3)?.map(GraphHash));
    let (args, client, request) = (row.get(4)?, row.get(5).map(ClientId)?, row.get::<_, i64>(6)? as u64);
    let (outcome, engine) = (row.get(7).map(GraphHash)?, row.get::<_, Option<_>>(8)?.map(EngineEdition));
    Ok(action.map(|action| Entry { action, args, client, request, outcome, engine }))
}
