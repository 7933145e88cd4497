//! A scope gives back what was lent when it ends, so it cannot leave its closure.

use quipu::vm::Vm;
use quipu::vm::host::{Class, HostType};

struct World {
    ticks: u32,
}

impl HostType for World {
    fn class() -> Class<World> {
        Class::<World>::new("World").getter("ticks", |world| world.ticks)
    }
}

fn lend(vm: &mut Vm) -> u32 {
    let mut world = World { ticks: 0 };
    let scope = vm.scope(|scope| {
        let _ = scope.lend_mut(&mut world);
        scope
    });
    drop(scope);
    world.ticks
}

fn main() {}
