//! Handles may be anywhere, but what they stand for is only reached through the machine, which one thread has.

use std::thread;

use quipu::Session;
use quipu::vm::Root;

fn both(session: &mut Session, function: &Root, value: &Root) {
    thread::scope(|scope| {
        scope.spawn(|| session.vm().call(function, &[]));
        scope.spawn(|| session.repr(value));
    });
}

fn main() {}
