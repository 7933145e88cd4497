//! Instances with methods of their own as keys, elements and operands.

use super::{declare, fault, ok, with_cx};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::{Special, Type, Value, View};
use crate::native::{NativeFn, Outcome};
use crate::ops::{equal, order, text};

fn first_field<'v>(value: Value<'v>) -> Value<'v> {
    match value.view() {
        View::Instance(instance) => instance.get(0).unwrap_or(Value::NIL),
        _ => Value::NIL,
    }
}

fn eq<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    equal::equal(cx, first_field(args[0]), first_field(args[1])).map(Value::bool)
}

fn hash<'v>(_: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(first_field(args[0]))
}

fn cmp<'v>(_: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (a, b) = (first_field(args[0]).as_int(), first_field(args[1]).as_int());
    Ok(Value::int(a.unwrap_or(0) - b.unwrap_or(0)))
}

fn word<'v>(cx: &mut Cx<'v>, hash: NativeFn, eq: NativeFn) -> Type<'v> {
    declare(cx, "Word", &["s", "log"], &[(Special::eq, 2, eq), (Special::hash, 1, hash)])
}

fn make<'v>(cx: &mut Cx<'v>, ty: Type<'v>, fields: &[Value<'v>]) -> Value<'v> {
    cx.heap().checked_instance(ty, fields).expect("the right number of fields").into()
}

#[test]
fn equal_instances_are_one_key() {
    with_cx(|cx| {
        let ty = word(cx, hash, eq);
        let map = cx.map();
        for i in 0..100i64 {
            let key = make(cx, ty, &[Value::int(i % 50), Value::NIL]);
            let pair = cx.heap().tuple(&[key, Value::int(1)]).into();
            ok(map.insert(cx, if i % 3 == 0 { key } else { pair }, Value::int(i)));
        }
        let one = make(cx, ty, &[Value::float(7.0), Value::NIL]);
        assert_eq!(ok(map.get(cx, one)).and_then(Value::as_int), Some(57));
        let pair = cx.heap().tuple(&[one, Value::TRUE]).into();
        assert!(ok(map.get(cx, pair)).is_none());
        let pair = cx.heap().tuple(&[one, Value::int(1)]).into();
        assert_eq!(ok(map.get(cx, pair)).and_then(Value::as_int), Some(7));
        assert!(ok(map.get(cx, Value::int(7))).is_none());
    });
}

#[test]
fn instances_are_keys_by_identity_unless_they_say_otherwise() {
    with_cx(|cx| {
        let plain = declare(cx, "Plain", &["x"], &[]);
        let only_eq = declare(cx, "OnlyEq", &["x"], &[(Special::eq, 2, eq)]);
        let set = cx.set();
        let (a, b) = (make(cx, plain, &[Value::NIL]), make(cx, plain, &[Value::NIL]));
        assert!(ok(set.add_member(cx, a)) && ok(set.add_member(cx, b)) && !ok(set.add_member(cx, a)));
        let c = make(cx, only_eq, &[Value::NIL]);
        assert!(fault(set.add_member(cx, c)).starts_with("type_error: an instance of `OnlyEq`"));
        let list = cx.heap().list(Vec::new()).into();
        assert!(fault(set.contains(cx, list)).starts_with("type_error: a list cannot be a key"));
    });
}

#[test]
fn a_key_that_changes_its_map_is_an_error() {
    fn meddling<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
        let View::Instance(instance) = args[0].view() else { return Ok(Value::FALSE) };
        if let Some(View::Map(map)) = instance.get(1).map(Value::view) {
            map.clear(cx);
        }
        Ok(Value::TRUE)
    }
    with_cx(|cx| {
        let ty = word(cx, hash, meddling);
        let map = cx.map();
        let (a, b) = (make(cx, ty, &[Value::int(1), Value::NIL]), make(cx, ty, &[Value::int(1), map.into()]));
        ok(map.insert(cx, a, Value::NIL));
        assert!(fault(map.insert(cx, b, Value::NIL)).starts_with("changed: the map was changed"));
        assert!(map.is_empty());
    });
}

#[test]
fn keys_of_one_hash_are_asked_in_order() {
    fn logging<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
        let (View::Instance(this), View::Instance(other)) = (args[0].view(), args[1].view()) else {
            return Ok(Value::FALSE);
        };
        if let Some(View::List(log)) = this.get(1).map(Value::view) {
            log.push(cx, other.get(0).unwrap_or(Value::NIL))?;
        }
        Ok(Value::FALSE)
    }
    fn one<'v>(_: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
        Ok(Value::int(1))
    }
    for count in [5, 60] {
        with_cx(|cx| {
            let ty = word(cx, one, logging);
            let set = cx.set();
            for i in 0..count {
                let member = make(cx, ty, &[Value::int(i), Value::NIL]);
                assert!(ok(set.add_member(cx, member)));
            }
            let log = cx.heap().list(Vec::new());
            let asked = make(cx, ty, &[Value::int(-1), log.into()]);
            assert!(!ok(set.contains(cx, asked)));
            let seen: Vec<_> = log.to_vec().into_iter().filter_map(Value::as_int).collect();
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        });
    }
}

#[test]
fn a_hash_that_never_becomes_plain_is_an_error() {
    fn itself<'v>(_: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
        Ok(args[0])
    }
    with_cx(|cx| {
        let ty = word(cx, itself, eq);
        let key = make(cx, ty, &[Value::NIL, Value::NIL]);
        let set = cx.set();
        assert!(fault(set.add_member(cx, key)).starts_with("stack_overflow: `hash` of `Word`"));
    });
}

#[test]
fn elements_are_compared_by_their_methods() {
    fn fails<'v>(cx: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
        Err(cx.fail(ErrorKind::Value, "asked"))
    }
    with_cx(|cx| {
        let ty = declare(cx, "P", &["x"], &[(Special::eq, 2, eq), (Special::cmp, 2, cmp)]);
        let bad = declare(cx, "Bad", &[], &[(Special::eq, 2, fails)]);
        let [a, b, c] = [1, 1, 2].map(|i| make(cx, ty, &[Value::int(i)]));
        let bad = make(cx, bad, &[]);
        let [x, y, z] = [a, b, c].map(|p| Value::from(cx.heap().list(vec![Value::int(0), p, bad])));
        assert!(fault(equal::equal(cx, x, y)).contains("asked"));
        assert!(!ok(equal::equal(cx, x, z)));
        assert_eq!(ok(order::compare(cx, "<", x, z)), Some(std::cmp::Ordering::Less));
        assert!(fault(order::compare(cx, "<", x, y)).contains("asked"));
        // The right operand is asked when the left one cannot be.
        assert!(!ok(equal::equal(cx, Value::int(1), a)));
    });
}

#[test]
fn instances_are_shown_as_their_construction() {
    with_cx(|cx| {
        let ty = declare(cx, "Node", &["value", "next"], &[]);
        let node = make(cx, ty, &[Value::float(1.0), Value::NIL]);
        let View::Instance(instance) = node.view() else { return };
        assert_eq!(ok(text::repr_text(cx, node)), "Node(1.0, nil)");
        instance.set(cx, 1, node);
        assert_eq!(ok(text::repr_text(cx, node)), "Node(1.0, ...)");
        let map = cx.map();
        for key in [Value::NIL, Value::TRUE, Value::int(-1), ty.into(), node] {
            ok(map.insert(cx, key, Value::int(0)));
        }
        assert_eq!(ok(text::repr_text(cx, map.into())), "[(nil): 0, (true): 0, -1: 0, (Node): 0, Node(1.0, ...): 0]");
    });
}
