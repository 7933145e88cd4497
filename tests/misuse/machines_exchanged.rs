//! Two machines cannot trade places while their values are in use.

use quipu::vm::Vm;
use quipu::vm::host::Host;

fn exchange(here: &mut Vm, there: &mut Vm) {
    let _ = here.enter(|cx| {
        let _ = there.enter(|other| {
            std::mem::swap(cx, other);
            Ok(())
        });
        Ok(())
    });
}

fn main() {}
