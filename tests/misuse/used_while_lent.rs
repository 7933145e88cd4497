//! While programs may change the world, its owner must not look at it.

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

fn lend(vm: &mut Vm) {
    let mut world = World { ticks: 0 };
    vm.scope(|scope| {
        let lent = scope.lend_mut(&mut world);
        println!("{}", world.ticks);
        drop(lent);
    });
}

fn main() {}
