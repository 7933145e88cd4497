//! Threads share an engine, so its natives are for all of them.

use std::cell::Cell;
use std::rc::Rc;

use quipu::Engine;

fn main() {
    let calls = Rc::new(Cell::new(0));
    let _ = Engine::builder().native("count", move || calls.set(calls.get() + 1));
}
