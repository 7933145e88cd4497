//! A machine takes the data of the host along when it moves to another thread.

use std::rc::Rc;

use quipu::vm::host::{Class, HostType};

struct Local {
    name: Rc<str>,
}

impl HostType for Local {
    fn class() -> Class<Local> {
        Class::<Local>::new("Local").getter("name", |local| local.name.to_string())
    }
}

fn main() {}
