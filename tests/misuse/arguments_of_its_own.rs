//! Arguments are tuples and nothing else: another type could keep values that the call frees.

use quipu::vm::host::IntoArguments;
use quipu::vm::{Cx, Fault, Value};

struct Mine;

impl IntoArguments for Mine {
    const COUNT: usize = 0;

    fn with<'v, R>(
        self,
        cx: &mut Cx<'v>,
        then: impl FnOnce(&mut Cx<'v>, &[Value<'v>]) -> Result<R, Fault<'v>>,
    ) -> Result<R, Fault<'v>> {
        then(cx, &[])
    }
}

fn main() {}
