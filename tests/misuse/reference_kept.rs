//! A reference to data of the host ends with the call that it was given to.

use quipu::vm::host::{Class, HostType, Ref};

struct World {
    ticks: u32,
}

impl HostType for World {
    fn class() -> Class<World> {
        Class::<World>::new("World").getter("ticks", |world| world.ticks)
    }
}

fn keep(world: Ref<'_, World>) -> Ref<'static, World> {
    world
}

fn main() {}
