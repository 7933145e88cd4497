//! A native takes data of the host by a guard: a plain reference says nothing of how long it is good for.

use quipu::{Class, Engine, HostType};

struct World;

impl HostType for World {
    fn class() -> Class<World> {
        Class::<World>::new("World")
    }
}

fn look(_: &World) -> i64 {
    1
}

fn main() {
    let _ = Engine::builder().class::<World>().native("look", look).build();
}
