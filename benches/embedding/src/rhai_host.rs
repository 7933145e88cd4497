//! The tasks in rhai. Its engine is what the others call a machine; a compiled program is a tree.

use rhai::{AST, CallFnOptions, Dynamic, Engine, Scope};

use crate::task::{Fleet, Host};

/// An engine and the variables of its programs.
pub struct Rhai {
    engine: Engine,
    scope: Scope<'static>,
}

impl Rhai {
    fn call(&mut self, program: &AST, arguments: impl rhai::FuncArgs) -> i64 {
        let options = CallFnOptions::new().eval_ast(false);
        self.engine.call_fn_with_options(options, &mut self.scope, program, "task", arguments).expect("it adds")
    }
}

impl Host for Rhai {
    type Function = AST;
    type Value = Dynamic;

    const NAME: &'static str = "rhai";

    fn machine() -> Rhai {
        Rhai { engine: Engine::new(), scope: Scope::new() }
    }

    fn from_nothing() -> Rhai {
        Rhai::machine()
    }

    fn adder(&mut self) -> AST {
        self.engine.compile("fn task(a, b) { a + b }").expect("it compiles")
    }

    fn add(&mut self, adder: &AST, a: i64, b: i64) -> i64 {
        self.call(adder, (a, b))
    }

    fn summer(&mut self) -> AST {
        self.engine.register_fn("add", |a: i64, b: i64| a + b);
        let text = "fn task(count) { let sum = 0; for i in 0..count { sum = add(sum, i); } sum }";
        self.engine.compile(text).expect("it compiles")
    }

    fn sum(&mut self, summer: &AST, count: i64) -> i64 {
        self.call(summer, (count,))
    }

    fn list(&mut self, items: &[i64]) -> Vec<i64> {
        let list: Dynamic = items.iter().map(|&item| Dynamic::from_int(item)).collect::<Vec<_>>().into();
        let items = list.read_lock::<rhai::Array>().expect("it is a list");
        items.iter().map(|item| item.as_int().expect("they are ints")).collect()
    }

    fn write(&mut self, data: &Fleet) -> Dynamic {
        rhai::serde::to_dynamic(data).expect("it can be written")
    }

    fn read(&mut self, value: &Dynamic) -> Fleet {
        rhai::serde::from_dynamic(value).expect("it has the fields")
    }
}
