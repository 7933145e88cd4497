//! The host's side: conversions, typed natives and functions, errors with their type.

use std::collections::{BTreeMap, HashMap};

use quipu::vm::host::{Blob, Func, Host, IntoNative, Rest};
use quipu::vm::{Cx, Limits};
use quipu::{Engine, Input};

#[test]
fn natives_from_closures_of_all_shapes() {
    fn free(a: i64, b: i64) -> i64 {
        a * b
    }
    let defs = vec![
        free.into_native("free".to_owned()),
        (|| 1).into_native("none".to_owned()),
        (|a: i64, b: f64| a as f64 + b).into_native("two".to_owned()),
        (|s: &str, n: Option<usize>| s.repeat(n.unwrap_or(2))).into_native("text".to_owned()),
        (|all: Rest<i64>| all.0.iter().sum::<i64>()).into_native("rest".to_owned()),
        (|cx: &mut Cx<'_>, f: Func<(i64,), i64>, n: i64| f.call(cx, (n,))).into_native("back".to_owned()),
        (|m: HashMap<String, Vec<i64>>| m.into_iter().map(|(k, v)| (k, v.len())).collect::<BTreeMap<_, _>>())
            .into_native("map".to_owned()),
        (|b: &[u8]| Blob(b.iter().rev().copied().collect())).into_native("bytes".to_owned()),
    ];
    let shapes: Vec<_> = defs.iter().map(|d| (d.required, d.optional, d.rest)).collect();
    assert_eq!(
        shapes,
        [
            (2, 0, false),
            (0, 0, false),
            (2, 0, false),
            (1, 1, false),
            (0, 0, true),
            (2, 0, false),
            (1, 0, false),
            (1, 0, false)
        ]
    );
}

#[test]
fn functions_with_rust_types() {
    let mut session = Engine::new().session(Limits::default()).unwrap();
    let add = session.run(&Input::text("<t>", "|a, b| a + b")).unwrap();
    let vm = session.vm();
    let add: Func<(i64, i64), i64> = vm.get(&add).unwrap();
    assert_eq!(add.call(vm, (1, 2)).unwrap(), 3);
    let wrong = vm.get::<Func<(i64,), i64>>(add.value()).unwrap_err();
    assert_eq!(wrong.to_string(), "type_error: expected a function of 1 argument, got one that takes 2 arguments");
}
