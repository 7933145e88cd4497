//! Lists and tables against simple models, with `atomic`s that are kept or undone.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{ok, with_cx};
use crate::cx::Cx;
use crate::heap::{List, Map, Value};

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, i64),
    Remove(usize),
    RemoveFirst,
    RemoveLast,
    Clear,
    Begin,
    Commit,
    RollBack,
    /// A loop goes on by some steps.
    Walk(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..40usize, any::<i64>()).prop_map(|(key, value)| Step::Insert(key, value)),
        6 => (0..40usize).prop_map(Step::Remove),
        3 => Just(Step::RemoveFirst),
        2 => Just(Step::RemoveLast),
        1 => Just(Step::Clear),
        2 => Just(Step::Begin),
        1 => Just(Step::Commit),
        1 => Just(Step::RollBack),
        3 => (1..5usize).prop_map(Step::Walk),
    ]
}

fn begin(cx: &mut Cx<'_>) {
    cx.heap().begin_atomic();
}

/// Keys of every sort; number `i` always makes an equal key, of one of two equal forms.
fn keys<'v>(cx: &mut Cx<'v>) -> Vec<[Value<'v>; 2]> {
    let mut keys = Vec::new();
    for i in 0..40i64 {
        let pair = match i % 5 {
            0 => [Value::int(i), Value::float(i as f64)],
            1 => [Value::float(i as f64 + 0.5), Value::float(i as f64 + 0.5)],
            2 => [0, 1].map(|_| cx.heap().str(&format!("key {i}")).into()),
            3 => [0, 1].map(|_| cx.heap().bytes(&[&[i as u8]]).into()),
            _ => [0, 1].map(|form| {
                let text = cx.heap().str("é");
                let number = if form == 0 { Value::int(i) } else { Value::float(i as f64) };
                cx.heap().tuple(&[number, text.into()]).into()
            }),
        };
        keys.push(pair);
    }
    keys[0] = [Value::NIL, Value::NIL];
    keys[10] = [Value::TRUE, Value::TRUE];
    keys
}

/// Number in order of insertion, key, value.
type Model = Vec<(u64, usize, i64)>;

fn check<'v>(cx: &mut Cx<'v>, map: Map<'v>, keys: &[[Value<'v>; 2]], model: &Model) {
    assert_eq!(map.len(), model.len());
    let mut position = 0;
    for &(number, key, value) in model {
        let (after, found, stored) = map.next(position).expect("an entry is missing");
        assert_eq!(after, number + 1);
        assert!(ok(crate::ops::equal::equal(cx, found, keys[key][0])));
        assert_eq!(stored.as_int(), Some(value));
        position = after;
    }
    assert!(map.next(position).is_none());
    for (key, forms) in keys.iter().enumerate() {
        let expected = model.iter().find(|entry| entry.1 == key).map(|entry| entry.2);
        for form in forms {
            let found = ok(map.get(cx, *form));
            assert_eq!(found.and_then(Value::as_int), expected, "key {key}");
        }
    }
    assert_eq!(map.first().and_then(|(_, value)| value.as_int()), model.first().map(|entry| entry.2));
    assert_eq!(map.last().and_then(|(_, value)| value.as_int()), model.last().map(|entry| entry.2));
}

fn run(steps: &[Step]) {
    with_cx(|cx| {
        let keys = keys(cx);
        let map = cx.map();
        let empty = cx.heap().bytes;
        let mut model: Model = Vec::new();
        let mut number = 0;
        let mut saved: Vec<Model> = Vec::new();
        let mut walker = 0u64;
        for step in steps {
            match *step {
                Step::Insert(key, value) => {
                    let form = keys[key][(value & 1) as usize];
                    let old = ok(map.insert(cx, form, Value::int(value)));
                    match model.iter_mut().find(|entry| entry.1 == key) {
                        Some(entry) => {
                            assert_eq!(old.and_then(Value::as_int), Some(entry.2));
                            entry.2 = value;
                        }
                        None => {
                            assert!(old.is_none());
                            model.push((number, key, value));
                            number += 1;
                        }
                    }
                }
                Step::Remove(key) => {
                    let old = ok(map.remove(cx, keys[key][0]));
                    let at = model.iter().position(|entry| entry.1 == key);
                    assert_eq!(old.and_then(Value::as_int), at.map(|at| model.remove(at).2));
                }
                Step::RemoveFirst | Step::RemoveLast if model.is_empty() => {}
                Step::RemoveFirst => {
                    let (_, key, _) = model.remove(0);
                    ok(map.remove(cx, keys[key][1]));
                }
                Step::RemoveLast => {
                    let (_, key, _) = model.remove(model.len() - 1);
                    ok(map.remove(cx, keys[key][1]));
                }
                Step::Clear => {
                    map.clear(cx);
                    model.clear();
                }
                Step::Begin if saved.len() < 3 => {
                    begin(cx);
                    saved.push(model.clone());
                }
                Step::Begin => {}
                Step::Commit => {
                    if saved.pop().is_some() {
                        cx.heap().journal.commit();
                    }
                }
                Step::RollBack => {
                    if let Some(before) = saved.pop() {
                        cx.heap().journal.roll_back();
                        model = before;
                    }
                }
                Step::Walk(steps) => {
                    for _ in 0..steps {
                        let expected = model.iter().find(|entry| entry.0 >= walker);
                        let found = map.next(walker);
                        assert_eq!(found.map(|(after, ..)| after), expected.map(|entry| entry.0 + 1));
                        let Some((after, ..)) = found else { break };
                        walker = after;
                        assert_eq!(map.rank(walker), model.iter().filter(|entry| entry.0 < walker).count());
                    }
                }
            }
            check(cx, map, &keys, &model);
        }
        while saved.pop().is_some() {
            cx.heap().journal.commit();
        }
        cx.heap().settle();
        let copy = ok(map.copy(cx));
        assert!(ok(crate::ops::equal::equal(cx, map.into(), copy.into())));
        map.clear(cx);
        copy.clear(cx);
        // Nothing was made but the map and its copy, and both are empty now.
        let table = size_of::<crate::heap::layout::TableObject>().div_ceil(16) * 16;
        assert_eq!(cx.heap().bytes, empty + table);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_map_is_a_list_of_entries(steps in vec(step(), 1..200)) {
        run(&steps);
    }

    #[test]
    fn undoing_restores_a_list(steps in vec(list_step(), 1..60)) {
        run_list(&steps);
    }
}

#[test]
fn a_queue_and_a_stack_stay_small_and_fast() {
    with_cx(|cx| {
        let map = cx.map();
        let before = cx.heap().bytes;
        for i in 0..200_000i64 {
            ok(map.insert(cx, Value::int(i), Value::int(i)));
            if i >= 100 {
                let (key, _) = map.first().expect("an entry");
                assert_eq!(key.as_int(), Some(i - 100));
                ok(map.remove(cx, key));
            }
        }
        assert!(cx.heap().bytes - before < 64 << 10);
        for i in 0..200_000i64 {
            ok(map.insert(cx, Value::int(-1 - i % 7), Value::NIL));
            let (key, _) = map.last().expect("an entry");
            ok(map.remove(cx, key));
        }
        assert!(cx.heap().bytes - before < 64 << 10);
    });
}

#[test]
fn memory_comes_back_when_a_map_is_emptied_one_by_one() {
    with_cx(|cx| {
        let map = cx.map();
        let before = cx.heap().bytes;
        for i in 0..100_000i64 {
            ok(map.insert(cx, Value::int(i), Value::NIL));
        }
        assert!(cx.heap().bytes - before >= 100_000 * 40);
        for i in 0..100_000i64 {
            ok(map.remove(cx, Value::int(i)));
        }
        assert_eq!(cx.heap().bytes, before);
    });
}

#[derive(Clone, Debug)]
enum ListStep {
    Push(i64),
    Pop,
    Set(usize, i64),
    Insert(usize, i64),
    Remove(usize),
    Truncate(usize),
    Extend(Vec<i64>),
    Replace(Vec<i64>),
    Reverse,
    Swap(usize, usize),
    Clear,
    Begin,
    Commit,
    RollBack,
}

fn list_step() -> impl Strategy<Value = ListStep> {
    prop_oneof![
        4 => any::<i64>().prop_map(ListStep::Push),
        2 => Just(ListStep::Pop),
        2 => (0..20usize, any::<i64>()).prop_map(|(i, v)| ListStep::Set(i, v)),
        2 => (0..20usize, any::<i64>()).prop_map(|(i, v)| ListStep::Insert(i, v)),
        2 => (0..20usize).prop_map(ListStep::Remove),
        1 => (0..20usize).prop_map(ListStep::Truncate),
        1 => vec(any::<i64>(), 0..6).prop_map(ListStep::Extend),
        1 => vec(any::<i64>(), 0..6).prop_map(ListStep::Replace),
        1 => Just(ListStep::Reverse),
        1 => (0..20usize, 0..20usize).prop_map(|(i, j)| ListStep::Swap(i, j)),
        1 => Just(ListStep::Clear),
        2 => Just(ListStep::Begin),
        1 => Just(ListStep::Commit),
        1 => Just(ListStep::RollBack),
    ]
}

fn ints<'v>(values: &[i64]) -> Vec<Value<'v>> {
    values.iter().map(|&value| Value::int(value)).collect()
}

fn content(list: List<'_>) -> Vec<i64> {
    list.to_vec().into_iter().filter_map(Value::as_int).collect()
}

fn run_list(steps: &[ListStep]) {
    with_cx(|cx| {
        let list = cx.heap().list(Vec::new());
        let empty = cx.heap().bytes;
        let mut model: Vec<i64> = Vec::new();
        let mut saved: Vec<Vec<i64>> = Vec::new();
        for step in steps {
            match step {
                ListStep::Push(value) => {
                    ok(list.push(cx, Value::int(*value)));
                    model.push(*value);
                }
                ListStep::Pop => assert_eq!(list.pop(cx).and_then(Value::as_int), model.pop()),
                ListStep::Set(index, value) => {
                    let done = list.set(cx, *index, Value::int(*value));
                    assert_eq!(done, *index < model.len());
                    if done {
                        model[*index] = *value;
                    }
                }
                ListStep::Insert(index, value) => {
                    ok(list.insert(cx, *index, Value::int(*value)));
                    model.insert((*index).min(model.len()), *value);
                }
                ListStep::Remove(index) => {
                    let expected = (*index < model.len()).then(|| model.remove(*index));
                    assert_eq!(list.remove(cx, *index).and_then(Value::as_int), expected);
                }
                ListStep::Truncate(len) => {
                    list.truncate(cx, *len);
                    model.truncate(*len);
                }
                ListStep::Extend(values) => {
                    ok(list.extend_from_slice(cx, &ints(values)));
                    model.extend(values);
                }
                ListStep::Replace(values) => {
                    ok(list.replace_all(cx, ints(values)));
                    model = values.clone();
                }
                ListStep::Reverse => {
                    ok(list.reverse(cx));
                    model.reverse();
                }
                ListStep::Swap(i, j) => {
                    let done = list.swap(cx, *i, *j);
                    assert_eq!(done, (*i).max(*j) < model.len());
                    if done {
                        model.swap(*i, *j);
                    }
                }
                ListStep::Clear => {
                    list.clear(cx);
                    model.clear();
                }
                ListStep::Begin => {
                    begin(cx);
                    saved.push(model.clone());
                }
                ListStep::Commit => {
                    if saved.pop().is_some() {
                        cx.heap().journal.commit();
                    }
                }
                ListStep::RollBack => {
                    if let Some(before) = saved.pop() {
                        cx.heap().journal.roll_back();
                        model = before;
                    }
                }
            }
            assert_eq!(content(list), model);
        }
        while saved.pop().is_some() {
            cx.heap().journal.commit();
        }
        cx.heap().settle();
        list.clear(cx);
        assert_eq!(cx.heap().bytes, empty);
    });
}
