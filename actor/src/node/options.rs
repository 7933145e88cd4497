//! What a node's host decides.

use std::time::Duration;

use super::memory;
use crate::clock::ServerClock;

options! {
    /// Bounds and habits of a node.
    #[derive(Clone, Debug)]
    pub struct NodeOptions {
        /// The image of the state with which an actor begins; an empty map if there is none.
        pub init: Option<Vec<u8>>,
        /// Threads that carry calls out. With none, nothing happens but in [`Node::turn`](super::Node::turn) and
        /// [`Node::write`](super::Node::write): for tests in which everything has its time.
        pub threads: usize,
        /// Fuel of a call.
        pub fuel: u64,
        /// Fuel within which a call may be carried out on the thread that brings it, if nothing else waits for its actor. One
        /// that needs more is undone and handed to a thread of the node. With 0 all are handed over.
        pub quick: u64,
        /// Bytes of an actor's heap.
        pub heap: usize,
        /// How long a call may take.
        pub time: Duration,
        /// The longest image of arguments.
        pub args: usize,
        /// The longest image of a result.
        pub result: usize,
        /// Calls that may wait for one actor.
        pub queue: usize,
        /// Bytes of arguments that may wait for all actors.
        pub waiting: usize,
        /// Actors that are open at once. For one more, the one that was called longest ago is put away.
        pub actors: usize,
        /// Bytes of all actors that are open, with what calls under way may add. For more, those that were called longest ago
        /// are put away.
        pub memory: usize,
        /// New actors that the owner of a key may name in an hour.
        pub new_names: u64,
        /// Bytes of functions and code that are kept ready.
        pub cache: usize,
        /// Replies that are kept for one client, for each actor.
        pub replies: usize,
        /// Clients whose replies are kept, for each actor.
        pub clients: usize,
        /// Bytes of replies that are kept for each actor.
        pub reply_bytes: usize,
        /// Calls after which a snapshot is taken, unless the state is so large that it pays to wait longer.
        pub snapshot: u64,
        /// After how much time without calls an actor is put away, until it is called again.
        pub idle: Duration,
        /// The time for what idles, for new names, and for how long a call holds a thread.
        pub clock: ServerClock,
    }
}

impl Default for NodeOptions {
    fn default() -> NodeOptions {
        NodeOptions {
            init: None,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            fuel: 100_000_000,
            quick: 20_000,
            heap: 1 << 30,
            time: Duration::from_secs(10),
            args: 16 << 20,
            result: 16 << 20,
            queue: 1024,
            waiting: 1 << 30,
            actors: 1024,
            memory: memory::usual(),
            new_names: 1024,
            cache: 256 << 20,
            replies: 1024,
            clients: 4096,
            reply_bytes: 64 << 20,
            snapshot: 10_000,
            idle: Duration::from_secs(600),
            clock: ServerClock::default(),
        }
    }
}
