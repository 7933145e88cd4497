//! Long texts: those that are made by appending, and where their characters stand.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{fault_text, ok, with_cx};
use crate::cx::Cx;
use crate::heap::{Str, Value, View};
use crate::native::Fault;
use crate::ops::{Operator, arith, index, places};

/// What is appended: to which of the strings so far, counted from the last one, a part of how many letters, and which.
fn steps() -> impl Strategy<Value = Vec<(usize, usize, char)>> {
    let letter = prop_oneof![6 => Just('a'), 1 => Just('é'), 1 => Just('€'), 1 => Just('😀')];
    vec((prop_oneof![8 => Just(0), 1 => 0..40usize], prop_oneof![8 => 0..40usize, 1 => 0..3000usize], letter), 1..80)
}

fn text<'v>(value: Value<'v>) -> Str<'v> {
    let View::Str(text) = value.view() else { panic!("no text") };
    text
}

/// The strings that come of the steps beside what they have to be.
fn appended<'v>(cx: &mut Cx<'v>, steps: &[(usize, usize, char)]) -> Vec<(Value<'v>, String)> {
    let first = "the beginning, ".repeat(20);
    let mut all = vec![(Value::from(cx.heap().str(&first)), first)];
    for &(back, count, letter) in steps {
        let (value, content) = &all[all.len() - 1 - back.min(all.len() - 1)];
        let (value, content) = (*value, content.clone());
        let part = letter.to_string().repeat(count);
        let part_value = cx.heap().str(&part).into();
        let sum = ok(arith::binary(cx, Operator::Add, value, part_value));
        all.push((sum, content + &part));
    }
    all
}

fn check_places<'v>(cx: &mut Cx<'v>, value: Value<'v>, content: &str) {
    let text = text(value);
    let starts: Vec<usize> = content.char_indices().map(|(at, _)| at).chain([content.len()]).collect();
    assert_eq!(ok(places::char_count(cx, text)), starts.len() - 1);
    for number in (0..starts.len()).step_by(61).chain([starts.len() - 1]) {
        assert_eq!(ok(places::byte_of_char(cx, text, number)), Some(starts[number]));
        assert_eq!(ok(places::chars_before(cx, text, starts[number])), number);
    }
    for number in [starts.len(), starts.len() + 1, starts.len() + 5000, usize::MAX / 4, usize::MAX] {
        assert_eq!(ok(places::byte_of_char(cx, text, number)), None);
    }
}

proptest! {
    #[test]
    fn what_is_appended_is_there_and_nothing_else_changes(steps in steps()) {
        with_cx(|cx| {
            let all = appended(cx, &steps);
            for (value, content) in &all {
                assert_eq!(value.as_str(), Some(content.as_str()));
                assert_eq!(text(*value).is_ascii(), content.is_ascii());
            }
            for (value, content) in all.iter().rev().step_by(7).chain(&all[all.len() / 2..]) {
                check_places(cx, *value, content);
            }
        });
    }

    #[test]
    fn without_memory_for_more_it_is_the_same(steps in steps()) {
        with_cx(|cx| {
            // From here on nothing has room that need not be there.
            let all = appended(cx, &steps[..steps.len() / 2]);
            cx.heap().limit = cx.heap().bytes;
            for (value, content) in &all {
                check_places(cx, *value, content);
                let first = text(*value);
                let parts = [first.as_str(), "x"];
                assert_eq!(cx.heap().str_appended(first, &parts, content.len() + 1, content.is_ascii()).as_str(), parts.concat());
            }
        });
    }
}

/// What finding a place cost when characters were counted from the beginning, in pieces.
fn counted(text: &str, from: usize, number: usize) -> (usize, usize) {
    let (mut at, mut left, mut cost) = (from, number, 0);
    while at < text.len() {
        let piece = &text.as_bytes()[at..text.len().min(at + (64 << 10))];
        cost += piece.len() / 64;
        let starts: Vec<usize> = (0..piece.len()).filter(|&i| piece[i] as i8 >= -0x40).collect();
        if let Some(&start) = starts.get(left) {
            return (at + start, cost + piece.len() / 64);
        }
        (at, left) = (at + piece.len(), left - starts.len());
    }
    (text.len(), cost)
}

#[test]
fn places_cost_what_counting_them_cost() {
    with_cx(|cx| {
        for len in [3, 340, 341, 5_000, 21_845, 21_846, 80_001, 200_000] {
            let content = "€".to_owned() + &"aé".repeat(len);
            let value = cx.heap().str(&content).into();
            let chars = 2 * len + 1;
            for at in [0, 1, len / 3, len, chars - 2, chars - 1] {
                for wide in [1, 2, len / 2, len * 3] {
                    let end = (at + wide).min(chars);
                    let before = cx.machine.total_fuel_used();
                    let part = ok(index::slice(cx, value, Value::int(at as i64), Value::int(end as i64), false));
                    let used = cx.machine.total_fuel_used() - before;
                    let (from, first) = counted(&content, 0, at);
                    let (to, second) = counted(&content, from, end - at);
                    assert_eq!(part.as_str(), Some(&content[from..to]));
                    let expected = content.len() / 64 + first + second + (to - from) / 64;
                    assert_eq!(used, expected as u64, "{len} {at} {wide}");
                }
            }
        }
    });
}

#[test]
fn appending_copies_little() {
    with_cx(|cx| {
        let mut value: Value<'_> = cx.heap().str("").into();
        let part = cx.heap().str("some").into();
        // Nothing is collected here, and beginnings count in full until then.
        cx.heap().limit = usize::MAX;
        let before = cx.heap().bytes;
        for _ in 0..50_000 {
            value = ok(arith::binary(cx, Operator::Add, value, part));
        }
        assert_eq!(value.as_str().map(str::len), Some(200_000));
        // A few times the text, and a small object for each of its beginnings; five thousand millions if all were copies.
        assert!(cx.heap().bytes - before < 6 * 200_000 + 50_000 * 48, "{}", cx.heap().bytes - before);
    });
}

#[test]
fn a_short_text_keeps_no_long_one() {
    with_cx(|cx| {
        let mut value: Value<'_> = cx.heap().str(&"x".repeat(300)).into();
        let part = cx.heap().str("y").into();
        for _ in 0..5_000 {
            value = ok(arith::binary(cx, Operator::Add, value, part));
            let (room, len) = (text(value).room(), value.as_str().map_or(0, str::len));
            assert!(room <= len + len / 2 + 1, "{len} {room}");
        }
    });
}

#[test]
fn beginnings_count_as_if_each_had_its_own_bytes() {
    with_cx(|cx| {
        let mut value: Value<'_> = cx.heap().str(&"x".repeat(1_000)).into();
        let part = cx.heap().str("y").into();
        cx.heap().limit = 3_000_000;
        let mut made = 0;
        loop {
            match arith::binary(cx, Operator::Add, value, part) {
                Ok(sum) => value = sum,
                Err(Fault::Collect(_)) => break,
                Err(fault) => panic!("{}", fault_text(fault)),
            }
            made += 1;
            // Whoever stores them needs as much.
            assert!(made * 1_000 < 3_000_000, "{made}");
        }
        // What is left is one of them.
        cx.heap().mark(|marker| marker.slot(value.slot()));
        cx.heap().sweep();
        assert!(cx.heap().has_room(2_900_000));
        assert_eq!(value.as_str().map(str::len), Some(1_000 + made));
    });
}
