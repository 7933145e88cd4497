//! A function is called with the types that it was bound with.

use quipu::vm::Vm;
use quipu::vm::host::Func;

fn call(vm: &mut Vm, add: &Func<(i64, i64), i64>) {
    let _ = add.call(vm, (1, "two"));
}

fn main() {}
