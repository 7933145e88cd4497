//! A server of actors inside of the test, and engines whose programs reach it.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use quipu::Engine;
use quipu::actor::Address;
use quipu::actor::client::Dialer;
use quipu::actor::node::{Node, Options};
use quipu::actor::server::{self, serve};
use quipu::actor::store::Memory;
use quipu::stdlib::{Connection, Dial, Endpoint, Grant, Streams, Trouble};

/// Starts a server in memory, which stays until the process ends, and gives its address.
pub fn start(options: Options) -> String {
    let node = Node::open(options, Box::new(Memory::default())).unwrap();
    let (to, from) = sync_channel(1);
    std::thread::spawn(move || {
        let listen = server::Options::new(Address::Tcp("127.0.0.1:0".to_owned()));
        serve(listen, &node, None, |address, _| to.send(address.to_string()).unwrap()).unwrap();
    });
    from.recv().unwrap()
}

/// Reaches one server whatever address a program names.
#[derive(Debug)]
pub struct Redirected(pub String);

impl Dial for Redirected {
    fn dial(&self, to: &Endpoint<'_>, go_on: &mut dyn FnMut() -> bool) -> Result<Box<dyn Connection>, Trouble> {
        Dialer.dial(&Endpoint { address: &self.0, ..to.clone() }, go_on)
    }
}

/// An engine with everything, whose programs reach this server by any address.
pub fn engine(address: &str) -> Engine {
    let streams = Streams::new(std::io::empty(), std::io::sink());
    let dialer: Arc<dyn Dial> = Arc::new(Redirected(address.to_owned()));
    Engine::granting(&Grant { streams, dialer: Some(dialer), ..Grant::all(Vec::new()) })
}
