//! What is measured: the tasks, and the data that they work on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A language as a host uses it. Every method panics when the language gives a wrong result.
pub trait Host: Sized {
    /// What a function of the program is kept in.
    type Function;
    /// What a value of the program is kept in.
    type Value;

    /// The language's name.
    const NAME: &'static str;

    /// A machine with the standard library, of an engine that is there already if the language has such.
    fn machine() -> Self;
    /// A machine with everything that it needs.
    fn from_nothing() -> Self;
    /// Compiles a function that adds two ints.
    fn adder(&mut self) -> Self::Function;
    /// Calls it with two ints.
    fn add(&mut self, adder: &Self::Function, a: i64, b: i64) -> i64;
    /// Compiles a function that calls the host's function `add` so many times and gives the sum of the numbers below.
    fn summer(&mut self) -> Self::Function;
    /// Calls it.
    fn sum(&mut self, summer: &Self::Function, count: i64) -> i64;
    /// Makes a list of the language and reads it back.
    fn list(&mut self, items: &[i64]) -> Vec<i64>;
    /// Makes a value of data.
    fn write(&mut self, data: &Fleet) -> Self::Value;
    /// Makes data of a value.
    fn read(&mut self, value: &Self::Value) -> Fleet;
}

/// Data with a bit of everything, three levels deep.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Fleet {
    name: String,
    version: u32,
    load: f64,
    parent: Option<String>,
    labels: BTreeMap<String, String>,
    servers: Vec<Server>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Server {
    host: String,
    port: u16,
    active: bool,
    tags: Vec<String>,
    quota: Quota,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Quota {
    memory: i64,
    share: f64,
    weights: Vec<i64>,
}

impl Fleet {
    /// One with twenty servers.
    pub fn example() -> Fleet {
        let server = |number: u16| Server {
            host: format!("node-{number}.example"),
            port: 8000 + number,
            active: number % 3 != 0,
            tags: vec!["eu".to_owned(), format!("rack-{}", number / 4)],
            quota: Quota { memory: 1 << 30, share: 1.5, weights: (0..5).map(|weight| weight * 10).collect() },
        };
        Fleet {
            name: "edge".to_owned(),
            version: 7,
            load: 0.75,
            parent: Some("core".to_owned()),
            labels: [("stage", "live"), ("team", "ropes")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            servers: (0..20).map(server).collect(),
        }
    }
}
