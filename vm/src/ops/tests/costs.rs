//! What operations on values cost: in proportion to what they look at, and the same for equal values however they are shared,
//! cached and kept.

use std::time::Duration;

use super::{fault, ok, with_cx, with_limits};
use crate::clock::Moment;
use crate::cx::Cx;
use crate::heap::{Value, View};
use crate::machine::Limits;
use crate::ops::key::{Key, can_be_key};
use crate::ops::{equal, index, order};

/// What something costs.
fn cost<'v>(cx: &mut Cx<'v>, action: impl FnOnce(&mut Cx<'v>)) -> u64 {
    let before = cx.machine.total_fuel_used();
    action(cx);
    cx.machine.total_fuel_used() - before
}

/// A tuple of two, each of two, and so on: as few objects as can be, or all of their own.
fn tree<'v>(cx: &mut Cx<'v>, depth: usize, shared: bool, leaf: Value<'v>) -> Value<'v> {
    if depth == 0 {
        return leaf;
    }
    let first = tree(cx, depth - 1, shared, leaf);
    let second = if shared { first } else { tree(cx, depth - 1, shared, leaf) };
    cx.heap().tuple(&[first, second]).into()
}

fn text<'v>(cx: &mut Cx<'v>, len: usize) -> Value<'v> {
    cx.heap().str(&"x".repeat(len)).into()
}

/// Everything that looks through two values that are equal.
fn all<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> [u64; 6] {
    let list = cx.heap().list(vec![b]);
    [
        cost(cx, |cx| assert!(ok(equal::equal(cx, a, b)))),
        cost(cx, |cx| assert!(ok(equal::same(cx, a, b)))),
        cost(cx, |cx| assert!(ok(order::compare(cx, "<", a, b)).is_some_and(|order| order.is_eq()))),
        cost(cx, |cx| _ = ok(Key::new(cx, a))),
        cost(cx, |cx| assert!(ok(index::contains(cx, a, list.into())))),
        cost(cx, |cx| {
            let map = cx.map();
            ok(map.insert(cx, a, Value::NIL));
            assert!(ok(map.contains(cx, b)));
        }),
    ]
}

#[test]
fn sharing_does_not_show() {
    with_cx(|cx| {
        let (leaf, list) = (text(cx, 100), Value::from(cx.heap().list(vec![Value::int(1), Value::int(2)])));
        for leaf in [Value::int(1), Value::NIL, leaf] {
            let (shared, other) = (tree(cx, 12, true, leaf), tree(cx, 12, false, leaf));
            let expected = all(cx, other, other);
            assert!(expected.iter().all(|&units| units > 4096 / 16), "{expected:?}");
            for (a, b) in [(shared, shared), (shared, other), (other, shared)] {
                assert_eq!(all(cx, a, b), expected);
            }
            let [asked, expected] = [shared, other].map(|tree| cost(cx, |cx| assert!(ok(can_be_key(cx, tree)))));
            assert!(asked == expected && asked > 4096 / 16, "{asked} {expected}");
        }
        // What has identity is looked into once.
        let (shared, other) = (tree(cx, 12, true, list), tree(cx, 12, false, list));
        let expected = cost(cx, |cx| assert!(ok(equal::equal(cx, other, other))));
        for (a, b) in [(shared, shared), (shared, other), (other, shared)] {
            assert_eq!(cost(cx, |cx| assert!(ok(equal::equal(cx, a, b)))), expected);
        }
    });
}

#[test]
fn what_is_one_costs_as_much_as_what_is_equal() {
    with_cx(|cx| {
        for len in [100, 1023, 1024, 5000, 1 << 20] {
            let (a, b) = (text(cx, len), text(cx, len));
            let expected = all(cx, a, b);
            // Keys that are strings are paid for if they are long.
            let paid = if len < 1024 { &expected[..5] } else { &expected[..] };
            assert!(paid.iter().all(|&units| units as usize >= len / 64), "{len}: {expected:?}");
            // The second time its hash is known.
            for (a, b) in [(a, b), (a, a), (b, b)] {
                assert_eq!(all(cx, a, b), expected);
            }
        }
    });
}

#[test]
fn strings_cost_what_they_have_in_common() {
    with_cx(|cx| {
        let a = text(cx, 1 << 20);
        for at in [0, 64, 1000, 1 << 17, (1 << 20) - 1] {
            let mut other = "x".repeat(1 << 20);
            other.replace_range(at..=at, "y");
            let b = Value::from(cx.heap().str(&other));
            for units in [
                cost(cx, |cx| assert!(!ok(equal::equal(cx, a, b)))),
                cost(cx, |cx| assert!(ok(order::compare(cx, "<", a, b)).is_some_and(|order| order.is_lt()))),
            ] {
                assert!((at / 64..=at / 64 + 1024).contains(&(units as usize)), "{at}: {units}");
            }
        }
        let short = text(cx, 1 << 19);
        assert_eq!(cost(cx, |cx| assert!(!ok(equal::equal(cx, a, short)))), 0);
    });
}

#[test]
fn what_is_shared_very_often_is_looked_at_once() {
    with_cx(|cx| {
        let (a, b) = (tree(cx, 60, true, Value::int(1)), tree(cx, 60, true, Value::int(1)));
        let list = Value::from(cx.heap().list(vec![]));
        let no_key = tree(cx, 60, true, list);
        all(cx, a, b);
        assert!(ok(can_be_key(cx, a)) && !ok(can_be_key(cx, no_key)));
    });
}

#[test]
fn what_is_shared_very_often_meets_the_fuel() {
    let limits = || Limits { fuel: Some(1 << 40), ..Limits::default() };
    with_limits(limits(), |cx| {
        let a = tree(cx, 60, true, Value::int(1));
        assert_eq!(fault(equal::equal(cx, a, a)), "Fuel");
    });
    with_limits(limits(), |cx| {
        let a = tree(cx, 60, true, Value::int(1));
        assert_eq!(fault(order::compare(cx, "<", a, a)), "Fuel");
    });
    with_limits(limits(), |cx| {
        let a = tree(cx, 60, true, Value::int(1));
        assert_eq!(fault(Key::new(cx, a)), "Fuel");
    });
    with_limits(limits(), |cx| {
        let a = tree(cx, 60, true, Value::int(1));
        assert_eq!(fault(equal::same(cx, a, a)), "Fuel");
    });
    with_limits(limits(), |cx| {
        let a = tree(cx, 60, true, Value::int(1));
        assert_eq!(fault(can_be_key(cx, a)), "Fuel");
    });
}

#[test]
fn long_work_looks_at_the_clock() {
    type Work = for<'v> fn(&mut Cx<'v>, Value<'v>, Value<'v>) -> String;
    let work: [(&str, Work); 5] = [
        ("==", |cx, a, b| fault(equal::equal(cx, a, b))),
        ("<", |cx, a, b| fault(order::compare(cx, "<", a, b))),
        ("hash", |cx, a, _| fault(Key::new(cx, a))),
        ("in", |cx, a, b| fault(index::contains(cx, a, b))),
        ("[]", |cx, a, _| {
            let wide = Value::from(cx.heap().str(&"é".repeat(a.as_str().map_or(0, str::len))));
            fault(index::get_index(cx, wide, Value::int(-1)))
        }),
    ];
    for (name, action) in work {
        with_limits(Limits { deadline: Some(Moment::now()), ..Limits::default() }, |cx| {
            let (a, b) = (text(cx, 4 << 20), text(cx, 4 << 20));
            // Whoever has a slice does not look at once.
            cx.machine.slice_end = cx.machine.fuel_used + 20_000;
            cx.machine.fuel = 20_000;
            std::thread::sleep(Duration::from_millis(1));
            assert_eq!(action(cx, a, b), "Time", "{name}");
        });
    }
}

#[test]
fn elements_of_long_texts_are_where_they_were() {
    with_cx(|cx| {
        let content: String = (0..200_000_u64).map(|i| ['a', 'é', '€', '😀'][(i * i % 7 % 4) as usize]).collect();
        let text = Value::from(cx.heap().str(&content));
        let chars: Vec<char> = content.chars().collect();
        for at in [0, 1, 511, 512, 65_535, 65_536, 100_000, 199_999] {
            let found = ok(index::get_index(cx, text, Value::int(at as i64)));
            assert_eq!(found.as_str(), Some(chars[at].to_string().as_str()), "{at}");
            let end = (at + 70_000).min(chars.len());
            let slice = ok(index::slice(cx, text, Value::int(at as i64), Value::int(end as i64), false));
            assert_eq!(slice.as_str(), Some(chars[at..end].iter().collect::<String>().as_str()), "{at}");
            let View::Str(text) = text.view() else { panic!("no text") };
            assert_eq!(text.byte_of_char(at), content.char_indices().nth(at).map(|(at, _)| at));
        }
        assert!(fault(index::get_index(cx, text, Value::int(200_000))).starts_with("index_error"));
    });
}

#[test]
fn parts_are_found_across_pieces() {
    with_cx(|cx| {
        for len in [1, 5, 9, 100, 70_000] {
            let part = "ab".repeat(len).replacen("ba", "éc", 1);
            for before in [0, 1, 65_534, 65_535, 65_536, 131_071, 140_001] {
                let content = "a".repeat(before) + &part + &"b".repeat(70_000);
                let (whole, part_of) = (Value::from(cx.heap().str(&content)), Value::from(cx.heap().str(&part)));
                assert!(ok(index::contains(cx, part_of, whole)), "{len} {before}");
                let missing = Value::from(cx.heap().str(&(part.clone() + "c")));
                assert!(!ok(index::contains(cx, missing, whole)), "{len} {before}");
                let expected = content.find(&part);
                assert_eq!(ok(index::find_bytes(cx, content.as_bytes(), part.as_bytes(), 0)), expected);
            }
        }
    });
}
