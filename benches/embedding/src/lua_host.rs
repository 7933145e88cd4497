//! The tasks in Lua, through mlua: Lua 5.4 or LuaJIT, whichever this is built with.

use mlua::{FromLua, Function, Lua, LuaSerdeExt, Value};

use crate::task::{Fleet, Host};

/// A state with the libraries that mlua calls safe.
pub struct Luas(Lua);

const SUM: &str = "function(count) local sum = 0; for i = 0, count - 1 do sum = add(sum, i) end; return sum end";

impl Luas {
    fn function(&mut self, text: &str) -> Function {
        self.0.load(format!("return {text}")).eval().expect("it compiles")
    }
}

impl Host for Luas {
    type Function = Function;
    type Value = Value;

    const NAME: &'static str = if cfg!(feature = "luajit") { "luajit" } else { "lua54" };

    fn machine() -> Luas {
        Luas(Lua::new())
    }

    fn from_nothing() -> Luas {
        Luas(Lua::new())
    }

    fn adder(&mut self) -> Function {
        self.function("function(a, b) return a + b end")
    }

    fn add(&mut self, adder: &Function, a: i64, b: i64) -> i64 {
        adder.call((a, b)).expect("it adds")
    }

    fn summer(&mut self) -> Function {
        let add = self.0.create_function(|_, (a, b): (i64, i64)| Ok(a + b)).expect("there is room");
        self.0.globals().set("add", add).expect("there is room");
        self.function(SUM)
    }

    fn sum(&mut self, summer: &Function, count: i64) -> i64 {
        summer.call(count).expect("it adds")
    }

    fn list(&mut self, items: &[i64]) -> Vec<i64> {
        let table = self.0.create_sequence_from(items.iter().copied()).expect("there is room");
        Vec::from_lua(Value::Table(table), &self.0).expect("they are ints")
    }

    fn write(&mut self, data: &Fleet) -> Value {
        self.0.to_value(data).expect("there is room")
    }

    fn read(&mut self, value: &Value) -> Fleet {
        self.0.from_value(value.clone()).expect("it has the fields")
    }
}
