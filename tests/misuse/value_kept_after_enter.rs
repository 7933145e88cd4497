//! A value belongs to the call that made it; what is to live on is a `Root`.

use quipu::vm::Vm;
use quipu::vm::host::Host;

fn keep(vm: &mut Vm) {
    let mut kept = None;
    let _ = vm.enter(|cx| {
        kept = Some(cx.str("mine")?);
        Ok(())
    });
    drop(kept);
}

fn main() {}
