//! Laws that equality, keys, order and text keep for all values.

use std::cmp::Ordering;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{ok, with_cx};
use crate::cx::Cx;
use crate::heap::Value;
use crate::ops::equal::{equal, same};
use crate::ops::index;
use crate::ops::key::Key;
use crate::ops::order::compare;
use crate::ops::text::repr_text;

/// A value before it is made.
#[derive(Clone, Debug)]
enum Tree {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    Range(i64, i64, bool),
    Tuple(Vec<Tree>),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

fn int() -> impl Strategy<Value = i64> {
    prop_oneof![-3..4i64, any::<i64>(), Just(9_007_199_254_740_993), Just(i64::MAX), Just(i64::MIN)]
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-3..4i64).prop_map(|i| i as f64),
        (-3..4i64).prop_map(|i| i as f64 / 2.0),
        any::<f64>().prop_filter("no nan", |f| !f.is_nan()),
        Just(9_007_199_254_740_992.0),
        Just(9_223_372_036_854_775_808.0),
        Just(-0.0),
    ]
}

fn leaf() -> impl Strategy<Value = Tree> {
    prop_oneof![
        1 => Just(Tree::Nil),
        1 => any::<bool>().prop_map(Tree::Bool),
        4 => int().prop_map(Tree::Int),
        3 => float().prop_map(Tree::Float),
        3 => "[ab]{0,2}|.{0,3}".prop_map(Tree::Str),
        1 => vec(any::<u8>(), 0..3).prop_map(Tree::Bytes),
    ]
}

/// Values that can be keys.
fn key() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(2, 8, 3, |inner| vec(inner, 0..3).prop_map(Tree::Tuple))
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        8 => leaf(),
        1 => (int(), int(), any::<bool>()).prop_map(|(a, b, inclusive)| Tree::Range(a, b, inclusive)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Tree::Tuple),
            vec(inner.clone(), 0..4).prop_map(Tree::List),
            vec((key(), inner), 0..4).prop_map(Tree::Map),
        ]
    })
}

/// The same value, with whole numbers of the other kind where that changes nothing.
fn twin(tree: &Tree) -> Tree {
    match tree {
        Tree::Int(i) if (*i as f64) as i128 == *i as i128 => Tree::Float(*i as f64),
        Tree::Tuple(parts) => Tree::Tuple(parts.iter().map(twin).collect()),
        Tree::List(parts) => Tree::List(parts.iter().map(twin).collect()),
        Tree::Map(entries) => Tree::Map(entries.iter().map(|(key, value)| (twin(key), twin(value))).collect()),
        other => other.clone(),
    }
}

fn make<'v>(cx: &mut Cx<'v>, tree: &Tree) -> Value<'v> {
    match tree {
        Tree::Nil => Value::NIL,
        Tree::Bool(b) => Value::bool(*b),
        Tree::Int(i) => Value::int(*i),
        Tree::Float(f) => Value::float(*f),
        Tree::Str(s) => cx.heap().str(s).into(),
        Tree::Bytes(b) => cx.heap().bytes(&[b]).into(),
        Tree::Range(a, b, inclusive) => cx.heap().range(*a, *b, 1, *inclusive).into(),
        Tree::Tuple(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| make(cx, part)).collect();
            cx.heap().tuple(&parts).into()
        }
        Tree::List(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| make(cx, part)).collect();
            cx.heap().list(parts).into()
        }
        Tree::Map(entries) => {
            let map = cx.map();
            for (key, value) in entries {
                let (key, value) = (make(cx, key), make(cx, value));
                ok(map.insert(cx, key, value));
            }
            map.into()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equality_is_reflexive_and_blind_to_the_kind_of_numbers(tree in tree()) {
        with_cx(|cx| {
            let (a, b, c) = (make(cx, &tree), make(cx, &tree), make(cx, &twin(&tree)));
            for (x, y) in [(a, a), (a, b), (b, a), (a, c), (c, a)] {
                assert!(ok(equal(cx, x, y)));
            }
        });
    }

    #[test]
    fn equality_is_symmetric_and_transitive(a in tree(), b in tree(), c in tree()) {
        with_cx(|cx| {
            let (a, b, c) = (make(cx, &a), make(cx, &b), make(cx, &c));
            let (ab, ba) = (ok(equal(cx, a, b)), ok(equal(cx, b, a)));
            let (bc, ac) = (ok(equal(cx, b, c)), ok(equal(cx, a, c)));
            assert_eq!(ab, ba);
            assert!(!(ab && bc) || ac);
        });
    }

    #[test]
    fn equal_keys_have_equal_hashes_and_are_one(a in key(), b in key()) {
        with_cx(|cx| {
            let (x, y, z) = (make(cx, &a), make(cx, &b), make(cx, &twin(&a)));
            let (hx, hy, hz) = (ok(Key::new(cx, x)).hash(), ok(Key::new(cx, y)).hash(), ok(Key::new(cx, z)).hash());
            assert_eq!(hx, hz);
            let one = ok(equal(cx, x, y));
            assert_eq!(hx == hy, one);
            let set = cx.set();
            assert!(ok(set.add_member(cx, x)));
            assert!(!ok(set.add_member(cx, z)));
            assert_eq!(ok(set.contains(cx, y)), one);
        });
    }

    #[test]
    fn sameness_is_finer_than_equality(a in key(), b in key()) {
        with_cx(|cx| {
            let (x, y, again) = (make(cx, &a), make(cx, &b), make(cx, &a));
            assert!(ok(same(cx, x, again)));
            assert!(!ok(same(cx, x, y)) || ok(equal(cx, x, y)));
        });
    }

    #[test]
    fn numbers_are_ordered_totally(a in prop_oneof![int().prop_map(Tree::Int), float().prop_map(Tree::Float)],
                                   b in prop_oneof![int().prop_map(Tree::Int), float().prop_map(Tree::Float)],
                                   c in prop_oneof![int().prop_map(Tree::Int), float().prop_map(Tree::Float)]) {
        with_cx(|cx| {
            let (a, b, c) = (make(cx, &a), make(cx, &b), make(cx, &c));
            let [ab, ba, bc, ac] = [(a, b), (b, a), (b, c), (a, c)]
                .map(|(x, y)| ok(compare(cx, "<", x, y)).expect("no nan"));
            assert_eq!(ab, ba.reverse());
            assert!(ab != bc || ab == ac);
            assert_eq!(ab == Ordering::Equal, ok(equal(cx, a, b)));
        });
    }

    #[test]
    fn sequences_of_numbers_are_ordered_as_theirs_are(a in vec(-2..3i64, 0..5), b in vec(-2..3i64, 0..5)) {
        with_cx(|cx| {
            let list = |values: &[i64]| Tree::List(values.iter().map(|&i| Tree::Int(i)).collect());
            let (x, y) = (make(cx, &list(&a)), make(cx, &list(&b)));
            assert_eq!(ok(compare(cx, "<", x, y)), Some(a.cmp(&b)));
        });
    }

    #[test]
    fn values_that_read_alike_are_equal(a in tree(), b in tree()) {
        with_cx(|cx| {
            let (a, b) = (make(cx, &a), make(cx, &b));
            let (x, y) = (ok(repr_text(cx, a)), ok(repr_text(cx, b)));
            assert!(x != y || ok(equal(cx, a, b)), "{x}");
        });
    }

    #[test]
    fn slices_are_clamped_as_elsewhere(text in ".{0,6}", a in -9..9i64, b in -9..9i64, inclusive in any::<bool>()) {
        with_cx(|cx| {
            let chars: Vec<char> = text.chars().collect();
            let len = chars.len() as i64;
            let at = |i: i64| (if i < 0 { i + len } else { i }).clamp(0, len);
            let end = if b < 0 { b + len } else { b } + inclusive as i64;
            let (from, to) = (at(a), end.clamp(0, len));
            let expected: String = if from < to { chars[from as usize..to as usize].iter().collect() } else { String::new() };
            let value = cx.heap().str(&text).into();
            let got = ok(index::slice(cx, value, Value::int(a), Value::int(b), inclusive));
            assert_eq!(got.as_str(), Some(expected.as_str()));
            let list = cx.heap().list(chars.iter().map(|&c| Value::int(c as i64)).collect());
            let got = ok(index::slice(cx, list.into(), Value::int(a), Value::int(b), inclusive));
            let codes: Vec<_> = got.as_list().expect("a list").to_vec().into_iter().filter_map(Value::as_int).collect();
            assert_eq!(codes, expected.chars().map(|c| c as i64).collect::<Vec<_>>());
        });
    }

    #[test]
    fn bytes_are_found_where_they_are(bytes in vec(0..2u8, 0..60), part in vec(0..2u8, 0..14), from in 0..70usize) {
        with_cx(|cx| {
            let expected = (from..=bytes.len()).find(|&at| bytes[at..].starts_with(&part));
            assert_eq!(ok(index::find_bytes(cx, &bytes, &part, from)), expected);
        });
    }

    #[test]
    fn ranges_know_their_elements(start in -20..20i64, end in -20..20i64, step in prop_oneof![-7..-1i64, 1..7i64], inclusive in any::<bool>()) {
        with_cx(|cx| {
            let range = cx.heap().range(start, end, step, inclusive);
            let mut expected = Vec::new();
            let mut at = start;
            while if step > 0 { at < end } else { at > end } || (inclusive && at == end) {
                expected.push(at);
                at += step;
            }
            let got: Vec<_> = (0..range.len()).filter_map(|i| range.get(i)).collect();
            assert_eq!(&got, &expected);
            for number in -40..40 {
                assert_eq!(range.position(number), expected.iter().position(|&x| x == number).map(|at| at as u128));
            }
            let third = ok(index::slice(cx, range.into(), Value::int(1), Value::int(3), false));
            let crate::View::Range(part) = third.view() else { panic!("no range") };
            let got: Vec<_> = (0..part.len()).filter_map(|i| part.get(i)).collect();
            assert_eq!(&got[..], expected.get(1..3.min(expected.len())).unwrap_or(&[]));
        });
    }
}

#[test]
fn the_widest_ranges_do_not_overflow() {
    with_cx(|cx| {
        let all = cx.heap().range(i64::MIN, i64::MAX, 1, true);
        assert_eq!(all.len(), 1 << 64);
        assert_eq!(all.get((1 << 64) - 1), Some(i64::MAX));
        assert_eq!(all.position(i64::MAX), Some((1 << 64) - 1));
        let down = cx.heap().range(i64::MAX, i64::MIN, i64::MIN, true);
        assert_eq!(down.len(), 2);
        assert_eq!(down.get(1), Some(-1));
    });
}
