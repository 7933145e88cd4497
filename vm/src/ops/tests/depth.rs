//! Deep, cyclic and much-shared data: no recursion in Rust, no endless loops, and limits that hold.

use super::{fault, ok, with_cx, with_limits};
use crate::cx::Cx;
use crate::heap::Value;
use crate::machine::Limits;
use crate::ops::key::Key;
use crate::ops::{equal, order, text};

const DEEP: usize = 200_000;

fn nested_lists<'v>(cx: &mut Cx<'v>, depth: usize) -> Value<'v> {
    (0..depth).fold(Value::int(1), |inner, _| cx.heap().list(vec![inner]).into())
}

fn nested_tuples<'v>(cx: &mut Cx<'v>, depth: usize) -> Value<'v> {
    (0..depth).fold(Value::int(1), |inner, _| cx.heap().tuple(&[inner]).into())
}

/// A tuple of itself twice, and so on: few objects, very many paths.
fn doubled<'v>(cx: &mut Cx<'v>, depth: usize) -> Value<'v> {
    (0..depth).fold(Value::int(1), |inner, _| cx.heap().tuple(&[inner, inner]).into())
}

/// A ring of lists, each holding a number and the next list.
fn ring<'v>(cx: &mut Cx<'v>, length: usize) -> Value<'v> {
    let lists: Vec<_> = (0..length).map(|_| cx.heap().list(vec![Value::int(7)])).collect();
    for (i, list) in lists.iter().enumerate() {
        ok(list.push(cx, lists[(i + 1) % length].into()));
    }
    lists[0].into()
}

#[test]
fn depth_is_data() {
    with_cx(|cx| {
        for make in [nested_lists, nested_tuples] {
            let (a, b) = (make(cx, DEEP), make(cx, DEEP));
            assert!(ok(equal::equal(cx, a, b)));
            assert_eq!(ok(order::compare(cx, "<", a, b)), Some(std::cmp::Ordering::Equal));
            let text = ok(text::repr_text(cx, a));
            assert!(text.len() >= 2 * DEEP);
            assert!(ok(text::repr_short(cx, a)).len() < 100);
        }
        let (a, b) = (nested_tuples(cx, DEEP), nested_tuples(cx, DEEP));
        assert!(ok(equal::same(cx, a, b)));
        assert_eq!(ok(Key::new(cx, a)).hash(), ok(Key::new(cx, b)).hash());
        let set = cx.set();
        assert!(ok(set.add_member(cx, a)) && !ok(set.add_member(cx, b)));
    });
}

#[test]
fn sharing_costs_no_more_than_the_objects() {
    with_cx(|cx| {
        let (a, b) = (doubled(cx, 2000), doubled(cx, 2000));
        assert!(ok(equal::equal(cx, a, b)));
        assert!(ok(equal::same(cx, a, b)));
        assert_eq!(ok(order::compare(cx, "<", a, b)), Some(std::cmp::Ordering::Equal));
        let set = cx.set();
        assert!(ok(set.add_member(cx, a)) && !ok(set.add_member(cx, b)));
        assert!(ok(text::repr_short(cx, a)).ends_with("..."));
    });
}

#[test]
fn rings_of_any_lengths_are_equal() {
    with_cx(|cx| {
        let (a, b) = (ring(cx, 10_007), ring(cx, 10_009));
        assert!(ok(equal::equal(cx, a, b)));
        assert_eq!(ok(order::compare(cx, "<", a, b)), Some(std::cmp::Ordering::Equal));
        let small = ring(cx, 1);
        assert!(ok(equal::equal(cx, a, small)));
        assert_eq!(ok(text::repr_text(cx, small)), "[7, ...]");
        let two = ring(cx, 2);
        assert_eq!(ok(text::repr_text(cx, two)), "[7, [7, ...]]");
    });
}

#[test]
fn a_difference_behind_a_cycle_is_found() {
    with_cx(|cx| {
        let (a, b) = (ring(cx, 500), ring(cx, 500));
        let mut last = b;
        for _ in 0..321 {
            last = last.as_list().and_then(|list| list.get(1)).unwrap_or(Value::NIL);
        }
        last.as_list().expect("a list").set(cx, 0, Value::int(8));
        assert!(!ok(equal::equal(cx, a, b)));
    });
}

#[test]
fn nan_is_a_difference_even_to_itself() {
    with_cx(|cx| {
        let list = Value::from(cx.heap().list(vec![Value::float(f64::NAN)]));
        assert!(!ok(equal::equal(cx, list, list)));
        assert!(ok(equal::same(cx, list, list)));
        let set = cx.set();
        assert!(fault(set.add_member(cx, Value::float(f64::NAN))).starts_with("value_error"));
    });
}

#[test]
fn text_without_end_meets_the_limits() {
    with_limits(Limits { fuel: Some(100_000), ..Limits::default() }, |cx| {
        let value = doubled(cx, 100);
        assert_eq!(fault(text::repr_text(cx, value)), "Fuel");
    });
    with_limits(Limits { heap: Some(4 << 20), ..Limits::default() }, |cx| {
        let value = doubled(cx, 100);
        assert!(fault(text::repr_text(cx, value)).starts_with("Collect"));
    });
}
