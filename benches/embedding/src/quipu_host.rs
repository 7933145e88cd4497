//! The tasks in Quipu.

use std::sync::LazyLock;

use quipu::vm::host::{Func, Host as _, HostSerde};
use quipu::vm::{Limits, Root};
use quipu::{Engine, Input, Session};

use crate::task::{Fleet, Host};

/// A session, which is a machine and the modules it has run.
pub struct Quipu(Session);

fn engine() -> Engine {
    Engine::builder().native("add", |a: i64, b: i64| a + b).build().expect("there is no other add")
}

static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

const SUM: &str = "|count| { var sum = 0; for i in 0..count { sum = add(sum, i) }; sum }";

impl Quipu {
    fn function(&mut self, text: &str) -> Root {
        self.0.run(&Input::text("task.qp", text)).expect("it compiles")
    }
}

impl Host for Quipu {
    type Function = Adder;
    type Value = Root;

    const NAME: &'static str = "quipu";

    fn machine() -> Quipu {
        Quipu(ENGINE.session(Limits::default()).expect("the library starts"))
    }

    fn from_nothing() -> Quipu {
        Quipu(engine().session(Limits::default()).expect("the library starts"))
    }

    fn adder(&mut self) -> Adder {
        let function = self.function("|a, b| a + b");
        Adder::Two(self.0.get(&function).expect("it takes two arguments"))
    }

    fn add(&mut self, adder: &Adder, a: i64, b: i64) -> i64 {
        let Adder::Two(adder) = adder else { panic!("it is the adder") };
        adder.call(&mut self.0, (a, b)).expect("it adds")
    }

    fn summer(&mut self) -> Adder {
        let function = self.function(SUM);
        Adder::One(self.0.get(&function).expect("it takes one argument"))
    }

    fn sum(&mut self, summer: &Adder, count: i64) -> i64 {
        let Adder::One(summer) = summer else { panic!("it is the summer") };
        summer.call(&mut self.0, (count,)).expect("it adds")
    }

    fn list(&mut self, items: &[i64]) -> Vec<i64> {
        let list = self.0.make(items.to_vec()).expect("there is room");
        self.0.get(&list).expect("they are ints")
    }

    fn write(&mut self, data: &Fleet) -> Root {
        self.0.to_value(data).expect("there is room")
    }

    fn read(&mut self, value: &Root) -> Fleet {
        self.0.data_of(value).expect("it has the fields")
    }
}

/// Functions of both shapes.
pub enum Adder {
    One(Func<(i64,), i64>),
    Two(Func<(i64, i64), i64>),
}
