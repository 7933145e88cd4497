//! The replies that an actor keeps, so that a request which comes again is not carried out again.
//!
//! What is forgotten when depends on the steps alone. So it is the same after recovery, and the store is told with every
//! step what it may forget.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::options::NodeOptions;
use crate::identity::ClientId;
use crate::store::{Forgotten, Kept};

/// What a request that is known takes beside its reply, and a client beside its requests, about.
const ENTRY: usize = 160;
const CLIENT: usize = 250;

/// The replies of one actor.
pub(super) struct Replies {
    clients: HashMap<ClientId, Client>,
    /// Clients by their last step.
    by_last: BTreeMap<u64, ClientId>,
    /// Replies that are kept in full, by step.
    full: BTreeMap<u64, (ClientId, u64)>,
    /// Bytes of all replies.
    bytes: usize,
    /// How many requests are known.
    count: usize,
    per_client: usize,
    max_clients: usize,
    max_bytes: usize,
}

/// Step and bytes; no bytes if only the fact is still known.
type Reply = (u64, Option<Arc<[u8]>>);

#[derive(Default)]
struct Client {
    /// By number.
    requests: BTreeMap<u64, Reply>,
    last: u64,
}

/// What is known of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Request {
    /// It was not carried out.
    New,
    /// It was, and this was the reply.
    Replied(Arc<[u8]>),
    /// It was, and nobody knows the reply any more.
    Carried,
    /// It is so old that nobody knows whether it was.
    Old,
}

impl Replies {
    /// None yet.
    pub fn new(options: &NodeOptions) -> Replies {
        Replies {
            clients: HashMap::new(),
            by_last: BTreeMap::new(),
            full: BTreeMap::new(),
            bytes: 0,
            count: 0,
            per_client: options.replies.max(1),
            max_clients: options.clients.max(1),
            max_bytes: options.reply_bytes,
        }
    }

    /// Bytes that they take in memory, about.
    pub fn weight(&self) -> usize {
        self.bytes + ENTRY * self.count + CLIENT * self.clients.len()
    }

    /// Those that a store has kept, in the order of their steps.
    pub fn restore(&mut self, kept: Vec<Kept>) {
        for kept in kept {
            let reply = kept.reply.map(Arc::from);
            self.insert(kept.client, kept.request, kept.seq, reply);
        }
    }

    /// What is known of a request.
    pub fn find(&self, client: &ClientId, request: u64) -> Request {
        let Some(client) = self.clients.get(client) else { return Request::New };
        match client.requests.get(&request) {
            Some((_, Some(reply))) => Request::Replied(reply.clone()),
            Some((_, None)) => Request::Carried,
            // Whatever is below the smallest number of a full window may have been forgotten.
            None if client.requests.len() >= self.per_client
                && client.requests.first_key_value().is_some_and(|(&first, _)| request < first) =>
            {
                Request::Old
            }
            None => Request::New,
        }
    }

    /// Keeps a reply. Gives what is forgotten for it.
    pub fn add(&mut self, client: ClientId, request: u64, seq: u64, reply: Arc<[u8]>) -> Vec<Forgotten> {
        self.insert(client, request, seq, Some(reply));
        let mut forgotten = Vec::new();
        if let Some(of_client) = self.clients.get_mut(&client) {
            while of_client.requests.len() > self.per_client {
                let Some((request, (seq, reply))) = of_client.requests.pop_first() else { break };
                self.full.remove(&seq);
                self.bytes -= reply.map_or(0, |reply| reply.len());
                self.count -= 1;
                forgotten.push(Forgotten { client, request, mark: false });
            }
        }
        while self.clients.len() > self.max_clients {
            let Some((_, client)) = self.by_last.pop_first() else { break };
            let Some(gone) = self.clients.remove(&client) else { break };
            for (request, (seq, reply)) in gone.requests {
                self.full.remove(&seq);
                self.bytes -= reply.map_or(0, |reply| reply.len());
                self.count -= 1;
                forgotten.push(Forgotten { client, request, mark: false });
            }
        }
        while self.bytes > self.max_bytes && self.full.len() > 1 {
            let Some((_, (client, request))) = self.full.pop_first() else { break };
            let of_client = self.clients.get_mut(&client);
            if let Some((_, reply)) = of_client.and_then(|of_client| of_client.requests.get_mut(&request)) {
                self.bytes -= reply.take().map_or(0, |reply| reply.len());
                forgotten.push(Forgotten { client, request, mark: true });
            }
        }
        forgotten
    }

    fn insert(&mut self, client: ClientId, request: u64, seq: u64, reply: Option<Arc<[u8]>>) {
        let of_client = self.clients.entry(client).or_default();
        self.by_last.remove(&of_client.last);
        of_client.last = of_client.last.max(seq);
        self.by_last.insert(of_client.last, client);
        if let Some(reply) = &reply {
            self.bytes += reply.len();
            self.full.insert(seq, (client, request));
        }
        if of_client.requests.insert(request, (seq, reply)).is_none() {
            self.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(replies: usize, clients: usize, reply_bytes: usize) -> Replies {
        Replies::new(&NodeOptions { replies, clients, reply_bytes, ..NodeOptions::default() })
    }

    fn reply(byte: u8, length: usize) -> Arc<[u8]> {
        vec![byte; length].into()
    }

    #[test]
    fn a_window_for_each_client() {
        let mut kept = replies(2, 10, 1000);
        let client = ClientId([1; 32]);
        assert_eq!(kept.find(&client, 5), Request::New);
        assert!(kept.add(client, 5, 1, reply(5, 1)).is_empty());
        assert!(kept.add(client, 3, 2, reply(3, 1)).is_empty());
        assert_eq!(kept.find(&client, 5), Request::Replied(reply(5, 1)));
        assert_eq!(kept.find(&client, 2), Request::Old);
        assert_eq!(kept.find(&client, 4), Request::New);
        assert_eq!(kept.add(client, 9, 3, reply(9, 1)), [Forgotten { client, request: 3, mark: false }]);
        assert_eq!(kept.find(&client, 3), Request::Old);
        assert_eq!(kept.find(&ClientId([2; 32]), 3), Request::New);
    }

    #[test]
    fn clients_that_were_silent_longest_are_forgotten() {
        let mut kept = replies(2, 2, 1000);
        kept.add(ClientId([1; 32]), 1, 1, reply(1, 1));
        kept.add(ClientId([2; 32]), 1, 2, reply(2, 1));
        kept.add(ClientId([1; 32]), 2, 3, reply(3, 1));
        let forgotten = kept.add(ClientId([3; 32]), 1, 4, reply(4, 1));
        assert_eq!(forgotten, [Forgotten { client: ClientId([2; 32]), request: 1, mark: false }]);
        assert_eq!(kept.find(&ClientId([1; 32]), 1), Request::Replied(reply(1, 1)));
        assert_eq!((kept.bytes, kept.count), (3, 3));
        assert_eq!(kept.weight(), 3 + 3 * ENTRY + 2 * CLIENT);
    }

    #[test]
    fn long_replies_leave_a_mark() {
        let mut kept = replies(100, 10, 100);
        kept.add(ClientId([1; 32]), 1, 1, reply(1, 60));
        let forgotten = kept.add(ClientId([1; 32]), 2, 2, reply(2, 60));
        assert_eq!(forgotten, [Forgotten { client: ClientId([1; 32]), request: 1, mark: true }]);
        assert_eq!(kept.find(&ClientId([1; 32]), 1), Request::Carried);
        // One that is too long alone is kept until the next.
        kept.add(ClientId([1; 32]), 3, 3, reply(3, 500));
        assert_eq!(kept.find(&ClientId([1; 32]), 3), Request::Replied(reply(3, 500)));
        assert_eq!(kept.find(&ClientId([1; 32]), 2), Request::Carried);
    }
}
