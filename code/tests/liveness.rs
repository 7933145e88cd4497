//! Which registers a suspended frame is made of.

use quipu_code::{Body, Handler, Op, Word};

use crate::sample::{checked, nil, plain, ret, total};

#[test]
fn a_register_is_live_until_its_last_read() {
    let words = vec![nil(0), nil(1), Word::abc(Op::Add, 1, 0, 1), nil(0), ret(1)];
    let code = checked(plain(2, words));
    let before: Vec<_> = (0..5).map(|pc| code.live_before(pc).unwrap()).collect();
    assert_eq!(before, [vec![], vec![0], vec![0, 1], vec![1], vec![1]]);
    assert_eq!(code.live_before(5), None);
    assert_eq!(code.live_during(5), None);
}

#[test]
fn a_waiting_call_keeps_what_comes_after_it_but_not_its_result() {
    let words = vec![nil(0), nil(1), nil(2), Word::abcd(Op::Call, 1, 1, 0, 1), Word::abc(Op::Add, 0, 0, 1), ret(0)];
    let code = checked(plain(3, words));
    assert_eq!(code.live_before(3).unwrap(), [0, 1, 2]);
    assert_eq!(code.live_during(3).unwrap(), [0]);
}

#[test]
fn both_ways_of_a_branch_count() {
    let words = vec![nil(0), nil(1), nil(2), Word::ax(Op::JumpIf, 0, 5), ret(1), ret(2)];
    let code = checked(plain(3, words));
    assert_eq!(code.live_before(3).unwrap(), [0, 1, 2]);
    assert_eq!(code.live_before(4).unwrap(), [1]);
    assert_eq!(code.live_before(5).unwrap(), [2]);
}

#[test]
fn a_loop_keeps_what_its_next_round_reads() {
    let words = vec![
        nil(0),
        nil(1),
        Word::abc(Op::Move, 2, 1, 0),
        Word::abc(Op::Yield, 2, 2, 0),
        Word::ax(Op::LoopIf, 0, 2),
        ret(0),
    ];
    let code = checked(plain(3, words));
    assert_eq!(code.live_before(3).unwrap(), [0, 1, 2]);
    assert_eq!(code.live_during(3).unwrap(), [0, 1]);
    assert_eq!(code.live_before(5).unwrap(), [0]);
}

#[test]
fn what_the_handler_reads_is_live_all_through_its_range() {
    let words = vec![nil(0), nil(1), nil(2), nil(1), nil(2), Word::abc(Op::Call, 2, 2, 0), ret(2), ret(1)];
    let handlers = vec![Handler { start: 2, end: 6, target: 7, register: 0 }];
    let code = checked(Body { handlers, ..plain(3, words) });
    // R1 is written at 3, but 3 itself may throw; R0 takes the thrown value.
    for (pc, live) in [(1, vec![]), (2, vec![1]), (3, vec![1]), (4, vec![1]), (5, vec![1, 2]), (6, vec![2])] {
        assert_eq!(code.live_before(pc).unwrap(), live, "before {pc}");
    }
    assert_eq!(code.live_during(5).unwrap(), [1]);
}

#[test]
fn what_a_handler_of_ends_reads_is_live_past_other_handlers() {
    // The inner handler writes R1 before anything else, the outer one reads it.
    let call = Word::abc(Op::Call, 2, 2, 0);
    let with = |first| {
        let words = vec![nil(1), nil(0), nil(2), call, ret(2), nil(1), ret(1), first, ret(1)];
        let inner = Handler { start: 2, end: 4, target: 5, register: 2 };
        let outer = Handler { start: 1, end: 4, target: 7, register: 0 };
        checked(Body { handlers: vec![inner, outer], ..plain(3, words) })
    };
    assert_eq!(with(Word::abc(Op::Unwound, 0, 0, 0)).live_during(3).unwrap(), [1]);
    assert_eq!(with(nil(0)).live_during(3).unwrap(), []);
}

#[test]
fn a_waiting_iterator_is_kept() {
    let element = [Word::abc(Op::Next, 0, 1, 0), Word::ax(Op::JumpPresent, 0, 5), nil(0), ret(0)];
    let words = [nil(0), Word::abc(Op::Iter, 1, 0, 0)].into_iter().chain(element).collect();
    let code = checked(plain(4, words));
    assert_eq!(code.live_during(1).unwrap(), []);
    assert_eq!(code.live_before(2).unwrap(), [1, 2, 3]);
    assert_eq!(code.live_during(2).unwrap(), [1, 2, 3]);
    assert_eq!(code.live_before(3).unwrap(), [0]);
}

#[test]
fn captured_registers_are_live_up_to_the_closure() {
    let code = checked(total());
    assert_eq!(code.live_before(17).unwrap(), [2]);
    assert_eq!(code.live_before(18).unwrap(), [3]);
    // The call under the handler: the sum's cell, the iterator, and the sum so far, which is read afterwards.
    assert_eq!(code.live_during(7).unwrap(), [2, 3, 4, 5, 7]);
}

#[test]
fn long_blocks_are_followed() {
    let mut words: Vec<Word> = (0..5000).map(|_| nil(1)).collect();
    words[0] = nil(0);
    words.push(ret(0));
    let code = checked(plain(2, words));
    assert_eq!(code.live_before(0).unwrap(), []);
    for pc in [1, 511, 512, 513, 4999, 5000] {
        assert_eq!(code.live_before(pc).unwrap(), [0], "before {pc}");
    }
}
