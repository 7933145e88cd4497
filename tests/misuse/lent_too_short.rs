//! What is lent must outlive the scope that it is lent in.

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
    vm.scope(|scope| {
        let mut world = World { ticks: 0 };
        let _ = scope.lend_mut(&mut world);
    });
}

fn main() {}
