//! A machine moves between threads and is never looked at by two.

use std::thread;

use quipu::vm::Vm;

fn share(vm: &Vm) {
    thread::scope(|scope| {
        scope.spawn(|| vm.stats());
    });
}

fn main() {}
