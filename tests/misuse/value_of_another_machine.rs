//! A value of one machine means nothing to another.

use quipu::vm::Vm;
use quipu::vm::host::Host;

fn carry(here: &mut Vm, there: &mut Vm) {
    let _ = here.enter(|cx| {
        let text = cx.str("mine")?;
        let _ = there.enter(|other| Ok(other.root(text)));
        Ok(())
    });
}

fn main() {}
