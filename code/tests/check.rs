//! Every rule of the checker, broken once, and the shapes next to it that are sound.

use quipu_code::CheckErrorKind as Kind;
use quipu_code::check::MAX_DEPTH;
use quipu_code::{
    Body, CaptureSource, CheckError, Code, Constant, FreeKind, Handler, Holds, MAX_METHODS, MethodSite, Op, Role, Word,
};

use crate::sample::{
    captures, checked, closed, constructor, identity, maker, nil, owner, plain, point, ret, text, total,
};

#[track_caller]
fn refused(body: Body, pc: impl Into<Option<u32>>, kind: Kind) {
    let error = Code::check(body, None).expect_err("this must be refused");
    assert_eq!(error, CheckError { kind, pc: pc.into() });
    assert!(!error.to_string().is_empty());
}

#[track_caller]
fn sound(body: Body) {
    if let Err(error) = Code::check(body, None) {
        panic!("this must be sound: {error}");
    }
}

fn unfit(register: u32, wanted: Holds) -> Kind {
    Kind::Holds { register, wanted }
}

/// Nil in every register, then the instruction, then a return.
fn one(word: Word) -> Body {
    let mut words: Vec<Word> = (0..10).map(nil).collect();
    words.extend([word, ret(0)]);
    plain(10, words)
}

fn try_range(start: u32, end: u32, target: u32) -> Handler {
    Handler { start, end, target, register: 0 }
}

#[test]
fn the_samples_are_sound() {
    sound(total());
    sound(point());
    sound(maker(identity(), vec![]));
}

#[test]
fn there_must_be_instructions() {
    refused(plain(1, vec![]), None, Kind::Empty);
}

#[test]
fn free_variables_are_numbered_by_two_bytes() {
    let free = |count| Body { free: vec![FreeKind::Value; count], ..one(nil(0)) };
    sound(free(65_535));
    refused(free(65_536), None, Kind::TooLarge("free variables"));
}

#[test]
fn parameters_fit_the_registers() {
    let params = |required, optional, rest| Body { required, optional, rest, ..plain(3, vec![ret(2)]) };
    sound(params(1, 1, true));
    sound(params(3, 0, false));
    refused(params(2, 1, true), None, Kind::Parameters);
    refused(params(1, 3, false), None, Kind::Parameters);
    refused(params(4, 0, false), None, Kind::Parameters);
}

#[test]
fn parameters_of_all_kinds_are_written_at_the_start() {
    let params = |required, optional, rest| Body { required, optional, rest, ..plain(4, vec![ret(2)]) };
    sound(params(3, 0, false));
    refused(params(2, 1, false), 0, unfit(2, Holds::Value));
    let words = vec![Word::ax(Op::JumpPresent, 2, 2), nil(2), ret(2)];
    sound(Body { required: 2, optional: 1, ..plain(4, words) });
    sound(params(1, 1, true));
    refused(params(1, 1, false), 0, Kind::Unassigned(2));
}

#[test]
fn every_number_must_be_an_instruction() {
    for number in 0..=255 {
        if Op::from_u8(number).is_none() {
            refused(one(Word(number as u64)), 10, Kind::UnknownOp(number));
        }
    }
}

#[test]
fn bits_outside_the_operands_are_zero() {
    let used = [(Op::LoadNil, 0xffff_00ff_u64), (Op::Move, 0xffff_ffff_00ff), (Op::Add, !0xff00)];
    for (op, used) in used {
        for bit in 8..64 {
            if used >> bit & 1 == 0 {
                let word = if op == Op::LoadNil { nil(0) } else { Word::abc(op, 0, 0, 0) };
                refused(one(Word(word.0 | 1 << bit)), 10, Kind::UnusedBits);
            }
        }
    }
}

#[test]
fn flags_are_0_or_1() {
    sound(one(Word::ax(Op::LoadBool, 0, 1)));
    refused(one(Word::ax(Op::LoadBool, 0, 2)), 10, Kind::Flag(2));
    sound(one(Word::abcd(Op::MakeRange, 0, 0, 0, 1)));
    refused(one(Word::abcd(Op::MakeRange, 0, 0, 0, 255)), 10, Kind::Flag(255));
}

#[test]
fn single_registers_exist() {
    let outside = Kind::Registers { first: 10, count: 1 };
    sound(one(Word::abc(Op::Add, 9, 9, 9)));
    refused(one(Word::abc(Op::Add, 10, 9, 9)), 10, outside);
    refused(one(Word::abc(Op::Add, 9, 10, 9)), 10, outside);
    refused(one(Word::abc(Op::Add, 9, 9, 10)), 10, outside);
    refused(one(Word::abc(Op::ListPush, 10, 9, 0)), 10, outside);
    refused(one(nil(u16::MAX)), 10, Kind::Registers { first: 65_535, count: 1 });
}

#[test]
fn ranges_of_registers_exist() {
    let outside = |first, count| Kind::Registers { first, count };
    sound(one(Word::abcd(Op::Call, 0, 7, 0, 2)));
    refused(one(Word::abcd(Op::Call, 0, 7, 0, 3)), 10, outside(7, 4));
    sound(one(Word::abc(Op::CallList, 0, 8, 0)));
    refused(one(Word::abc(Op::CallList, 0, 9, 0)), 10, outside(9, 2));
    sound(one(Word::abc(Op::MakeList, 0, 7, 3)));
    sound(one(Word::abc(Op::MakeList, 0, 10, 0)));
    refused(one(Word::abc(Op::MakeList, 0, 7, 4)), 10, outside(7, 4));
    refused(one(Word::abc(Op::MakeList, 0, 11, 0)), 10, outside(11, 0));
    refused(one(Word::abc(Op::MakeList, 0, u16::MAX, u16::MAX)), 10, outside(65_535, 65_535));
    sound(one(Word::abc(Op::MakeMap, 0, 6, 2)));
    refused(one(Word::abc(Op::MakeMap, 0, 7, 2)), 10, outside(7, 4));
    sound(one(Word::abc(Op::Slice, 0, 0, 8)));
    refused(one(Word::abc(Op::Slice, 0, 0, 9)), 10, outside(9, 2));
    sound(one(Word::abc(Op::Iter, 7, 0, 0)));
    refused(one(Word::abc(Op::Iter, 8, 0, 0)), 10, outside(8, 3));
    refused(one(Word::abc(Op::Next, 0, 7, 0)), 10, unfit(7, Holds::Iterator));
    refused(one(Word::abc(Op::Next, 0, 8, 0)), 10, outside(8, 3));
}

#[test]
fn constants_exist_and_names_are_text() {
    let with = |word, constant| Body { constants: vec![constant], ..one(word) };
    let missing = |role| Kind::Index { role, index: 1 };
    sound(with(Word::ax(Op::LoadConst, 0, 0), Constant::Int(7)));
    refused(with(Word::ax(Op::LoadConst, 0, 1), text("a")), 10, missing(Role::Const));
    sound(with(Word::ax(Op::GetNative, 0, 0), text("a")));
    refused(with(Word::ax(Op::GetNative, 0, 1), text("a")), 10, missing(Role::Native));
    refused(with(Word::ax(Op::GetNative, 0, 0), Constant::Int(7)), 10, Kind::NotText(0));
    sound(with(Word::abc(Op::GetField, 0, 0, 0), text("a")));
    refused(with(Word::abc(Op::GetField, 0, 0, 1), text("a")), 10, missing(Role::Name));
    refused(with(Word::abc(Op::GetField, 0, 0, 0), Constant::Bytes([7].into())), 10, Kind::NotText(0));
}

#[test]
fn free_variables_exist_and_are_of_the_kind() {
    let with = |word, kind| Body { free: vec![kind], ..one(word) };
    let missing = |role| Kind::Index { role, index: 1 };
    sound(with(Word::ax(Op::GetFree, 0, 0), FreeKind::Value));
    refused(with(Word::ax(Op::GetFree, 0, 1), FreeKind::Value), 10, missing(Role::FreeValue));
    refused(with(Word::ax(Op::GetFree, 0, 0), FreeKind::Cell), 10, Kind::FreeKind(0));
    sound(with(Word::ax(Op::SetFreeCell, 0, 0), FreeKind::Cell));
    refused(with(Word::ax(Op::SetFreeCell, 0, 1), FreeKind::Cell), 10, missing(Role::FreeCell));
    refused(with(Word::ax(Op::SetFreeCell, 0, 0), FreeKind::Value), 10, Kind::FreeKind(0));
}

#[test]
fn sites_exist() {
    let missing = |role| Kind::Index { role, index: 0 };
    refused(one(Word::ax(Op::MakeClosure, 0, 0)), 10, missing(Role::ClosureSite));
    refused(one(Word::ax(Op::MakeType, 0, 0)), 10, missing(Role::TypeSite));
}

#[test]
fn jumps_stay_inside_and_go_their_way() {
    let jump = |op, target| plain(1, vec![nil(0), Word::ax(op, 0, target), nil(0), ret(0)]);
    sound(jump(Op::JumpIf, 3));
    sound(jump(Op::JumpIf, 2));
    refused(jump(Op::JumpIf, 1), 1, Kind::Jump(1));
    refused(jump(Op::JumpIf, 0), 1, Kind::Jump(0));
    refused(jump(Op::JumpIf, 4), 1, Kind::Jump(4));
    refused(jump(Op::JumpIf, u32::MAX), 1, Kind::Jump(u32::MAX));
    sound(jump(Op::LoopIf, 1));
    sound(jump(Op::LoopIf, 0));
    refused(jump(Op::LoopIf, 2), 1, Kind::Jump(2));
}

#[test]
fn control_does_not_run_off() {
    refused(plain(1, vec![nil(0)]), 0, Kind::RunsOff);
    refused(plain(1, vec![nil(0), Word::ax(Op::LoopIf, 0, 0)]), 1, Kind::RunsOff);
    sound(plain(1, vec![nil(0), Word::ax(Op::Loop, 0, 0)]));
    sound(plain(0, vec![Word::ax(Op::Loop, 0, 0)]));
}

#[test]
fn every_kind_of_end_is_an_end() {
    let named = |word| Body { constants: vec![text("m")], ..plain(2, vec![nil(0), nil(1), word]) };
    for op in [Op::TailCall, Op::TailCallList, Op::Return, Op::Throw, Op::MatchFail] {
        sound(plain(2, vec![nil(0), nil(1), Word::abc(op, 0, 0, 0)]));
    }
    for op in [Op::TailMethod, Op::TailMethodList] {
        sound(named(Word::abc(op, 0, 0, 0)));
    }
}

#[test]
fn every_instruction_is_on_a_path() {
    refused(plain(1, vec![nil(0), ret(0), ret(0)]), 2, Kind::Unreachable);
    refused(plain(1, vec![nil(0), Word::ax(Op::Jump, 0, 3), nil(0), ret(0)]), 2, Kind::Unreachable);
    // Only a loop leads to 2, and an instruction of that loop is reached.
    let words = vec![nil(0), Word::ax(Op::Jump, 0, 3), nil(0), Word::ax(Op::LoopIf, 0, 2), ret(0)];
    sound(plain(1, words));
    // Only 2 itself leads to 2.
    refused(plain(1, vec![nil(0), ret(0), Word::ax(Op::Loop, 0, 2)]), 2, Kind::Unreachable);
}

#[test]
fn a_handler_is_on_a_path_when_its_range_is() {
    let words = vec![nil(0), ret(0), ret(0)];
    sound(Body { handlers: vec![try_range(0, 1, 2)], ..plain(1, words) });
}

#[test]
fn handlers_cover_something_and_go_forward() {
    let with = |handler| Body { handlers: vec![handler], ..plain(2, vec![nil(0), nil(0), nil(0), ret(0)]) };
    sound(with(try_range(0, 2, 2)));
    sound(with(try_range(0, 2, 3)));
    for handler in [try_range(1, 1, 2), try_range(2, 1, 3), try_range(0, 2, 1), try_range(1, 2, 0), try_range(0, 2, 4)]
    {
        refused(with(handler), None, Kind::HandlerRange(0));
    }
    refused(with(try_range(0, 4, 4)), None, Kind::HandlerRange(0));
    let register = Handler { register: 2, ..try_range(0, 2, 2) };
    refused(with(register), None, Kind::Registers { first: 2, count: 1 });
}

#[test]
fn handlers_nest_and_stand_in_order() {
    let with = |ranges: &[(u32, u32)]| {
        let handlers = ranges.iter().map(|&(start, end)| try_range(start, end, 8)).collect();
        let mut words: Vec<Word> = vec![nil(0); 8];
        words.push(ret(0));
        Body { handlers, ..plain(1, words) }
    };
    sound(with(&[(0, 2), (2, 4), (0, 5), (6, 7), (0, 8)]));
    sound(with(&[(2, 4), (1, 4), (1, 5)]));
    for ranges in [
        &[(0, 2), (0, 2)][..],
        &[(0, 3), (1, 2)],
        &[(2, 4), (0, 1)],
        &[(1, 4), (2, 4)],
        &[(0, 2), (1, 3)],
        &[(0, 4), (3, 5)],
    ] {
        refused(with(ranges), None, Kind::HandlerOrder(1));
    }
    refused(with(&[(0, 2), (3, 5), (1, 6)]), None, Kind::HandlerOrder(2));
    refused(with(&[(0, 2), (3, 5), (4, 6)]), None, Kind::HandlerOrder(2));
}

#[test]
fn tail_calls_stand_under_no_handler() {
    let with = |op| Body {
        constants: vec![text("m")],
        handlers: vec![try_range(2, 4, 4)],
        ..plain(2, vec![nil(0), nil(1), Word::abc(Op::GetField, 1, 1, 0), Word::abc(op, 0, 0, 0), ret(0)])
    };
    sound(with(Op::Return));
    for op in [Op::TailCallList, Op::TailMethod, Op::TailMethodList] {
        refused(with(op), 3, Kind::TailInHandler);
    }
    let bare = plain(1, vec![nil(0), Word::abc(Op::TailCall, 0, 0, 0), ret(0)]);
    refused(Body { handlers: vec![try_range(1, 2, 2)], ..bare }, 1, Kind::TailInHandler);
}

mod assignment {
    use super::*;

    #[test]
    fn what_no_path_writes_is_not_read() {
        refused(plain(2, vec![nil(0), ret(1)]), 1, Kind::Unassigned(1));
    }

    #[test]
    fn what_one_path_leaves_out_is_not_read() {
        let words = |first| vec![nil(0), Word::ax(Op::JumpIf, 0, 3), first, ret(1)];
        refused(plain(2, words(nil(1))), 3, Kind::Unassigned(1));
        refused(plain(2, words(nil(0))), 3, Kind::Unassigned(1));
    }

    #[test]
    fn what_all_paths_write_is_read() {
        let words = vec![nil(0), Word::ax(Op::JumpIf, 0, 4), nil(1), Word::ax(Op::Jump, 0, 5), nil(1), ret(1)];
        sound(plain(2, words));
    }

    #[test]
    fn every_way_of_reading_counts() {
        let cases = [
            (Word::abc(Op::Move, 0, 9, 0), 9),
            (Word::abc(Op::ListPush, 9, 0, 0), 9),
            (Word::abcd(Op::Call, 0, 7, 0, 2), 9),
            (Word::abcd(Op::Call, 0, 9, 0, 0), 9),
            (Word::abc(Op::CallList, 0, 8, 0), 9),
            (Word::abc(Op::MakeTuple, 0, 7, 3), 9),
            (Word::abc(Op::MakeMap, 0, 6, 2), 9),
            (Word::abc(Op::Slice, 0, 0, 8), 9),
            (Word::abc(Op::SetIndex, 0, 0, 9), 9),
        ];
        for (word, register) in cases {
            let mut body = one(word);
            sound(body.clone());
            body.words.remove(9);
            refused(body, 9, Kind::Unassigned(register));
        }
    }

    #[test]
    fn captured_registers_are_read() {
        let mut body = maker(captures(FreeKind::Cell), vec![CaptureSource::Register(0)]);
        sound(body.clone());
        body.closures[0].sources[0] = CaptureSource::Register(2);
        refused(body, 1, Kind::Unassigned(2));
    }

    #[test]
    fn registers_that_types_capture_are_read() {
        for member in 0..2 {
            let mut body = point();
            body.registers = 2;
            let code = if member == 0 {
                let words = vec![Word::ax(Op::GetFree, 2, 0), Word::abc(Op::MakeInstance, 2, 0, 2), ret(2)];
                checked(Body { required: 2, free: vec![FreeKind::Value], ..plain(3, words) })
            } else {
                let words = vec![Word::ax(Op::GetFree, 0, 0), ret(0)];
                checked(Body { required: 1, free: vec![FreeKind::Value], ..plain(1, words) })
            };
            body.children[member] = code;
            let sources = vec![CaptureSource::Register(1)];
            match member {
                0 => body.types[0].constructor.sources = sources,
                _ => body.types[0].methods[0].closure.sources = sources,
            }
            refused(body.clone(), 0, Kind::Unassigned(1));
            body.words.insert(0, nil(1));
            sound(body);
        }
    }

    #[test]
    fn an_iterator_is_three_registers() {
        let words = |read| vec![nil(0), Word::abc(Op::Iter, 1, 0, 0), ret(read)];
        for read in 1..4 {
            refused(plain(5, words(read)), 2, unfit(read.into(), Holds::Value));
        }
        refused(plain(5, words(4)), 2, Kind::Unassigned(4));
    }

    #[test]
    fn a_call_loses_its_window_and_what_is_behind_it() {
        for op in [Op::Call, Op::CallMethod, Op::CallList, Op::CallMethodList] {
            let constants = match op {
                Op::CallMethod | Op::CallMethodList => vec![text("m")],
                _ => vec![],
            };
            let with = |out, read| {
                let mut body = Body { constants: constants.clone(), ..one(Word::abc(op, out, 5, 0)) };
                *body.words.last_mut().unwrap() = ret(read);
                body
            };
            for read in 0..10 {
                if read < 5 || read == 7 {
                    sound(with(7, read));
                } else {
                    refused(with(7, read), 11, Kind::Unassigned(read as u32));
                }
            }
        }
    }

    #[test]
    fn a_loop_takes_its_losses_back_to_its_start() {
        let words = |read| {
            vec![
                nil(0),
                nil(1),
                nil(2),
                Word::abc(Op::Move, 0, read, 0),
                nil(1),
                Word::abc(Op::Call, 0, 1, 0),
                Word::ax(Op::LoopIf, 0, 3),
                ret(0),
            ]
        };
        sound(plain(3, words(0)));
        refused(plain(3, words(1)), 3, Kind::Unassigned(1));
        refused(plain(3, words(2)), 3, Kind::Unassigned(2));
    }

    #[test]
    fn losses_pass_through_loops_in_loops() {
        // The inner loop loses R2, and the outer one reads it at its start.
        let words = vec![
            nil(0),
            nil(2),
            Word::abc(Op::Move, 1, 2, 0),
            nil(1),
            Word::abc(Op::Call, 0, 1, 0),
            Word::ax(Op::LoopIf, 0, 3),
            Word::ax(Op::LoopIf, 0, 2),
            ret(0),
        ];
        refused(plain(3, words.clone()), 2, Kind::Unassigned(2));
        let mut repaired = words;
        repaired.insert(6, nil(2));
        sound(plain(3, repaired));
    }

    #[test]
    fn a_handler_knows_what_was_written_before_its_range() {
        let with = |read| {
            let words = vec![nil(0), nil(1), nil(2), ret(0), ret(read)];
            Body { handlers: vec![Handler { register: 3, ..try_range(2, 4, 4) }], ..plain(4, words) }
        };
        for read in [0, 1, 3] {
            sound(with(read));
        }
        refused(with(2), 4, Kind::Unassigned(2));
    }

    #[test]
    fn a_handler_misses_what_any_call_in_its_range_loses() {
        let with = |read| {
            let words = vec![
                nil(0),
                nil(1),
                nil(2),
                Word::abc(Op::Call, 2, 2, 0),
                Word::abc(Op::Call, 1, 1, 0),
                ret(0),
                ret(read),
            ];
            Body { handlers: vec![Handler { register: 3, ..try_range(3, 5, 6) }], ..plain(4, words) }
        };
        sound(with(0));
        sound(with(3));
        refused(with(1), 6, Kind::Unassigned(1));
        refused(with(2), 6, Kind::Unassigned(2));
    }

    #[test]
    fn only_the_innermost_handler_is_reached() {
        // Errors of 1 go to the inner handler, so the outer one knows what 1 has written, but not what 2 writes.
        let words = vec![nil(0), nil(1), nil(2), Word::ax(Op::Jump, 0, 5), nil(2), ret(0), ret(2)];
        let handlers = vec![try_range(1, 2, 4), try_range(1, 3, 6)];
        let mut body = Body { handlers, ..plain(3, words) };
        refused(body.clone(), 6, Kind::Unassigned(2));
        body.words[6] = ret(1);
        sound(body.clone());
        body.handlers.remove(0);
        body.words[3] = Word::ax(Op::JumpIf, 0, 5);
        refused(body, 6, Kind::Unassigned(1));
    }

    #[test]
    fn ends_go_past_handlers_that_do_not_see_them() {
        // What 1 throws goes to the inner handler, but the end of a fiber from there straight to the outer one.
        let with = |first| {
            let words = vec![nil(0), nil(1), nil(2), Word::ax(Op::Jump, 0, 5), nil(2), ret(0), first, ret(1)];
            Body { handlers: vec![try_range(1, 2, 4), try_range(1, 3, 6)], ..plain(3, words) }
        };
        sound(with(nil(0)));
        refused(with(Word::abc(Op::Unwound, 0, 0, 0)), 7, Kind::Unassigned(1));
        let mut body = with(Word::abc(Op::Unwound, 0, 0, 0));
        body.words[7] = ret(0);
        sound(body);
    }

    #[test]
    fn long_runs_and_many_registers_are_followed() {
        let mut words: Vec<Word> = (0..1000).map(nil).collect();
        words.push(Word::abc(Op::MakeList, 0, 0, 1000));
        words.push(Word::abc(Op::Call, 0, 700, 0));
        words.push(Word::abc(Op::MakeList, 0, 0, 700));
        words.push(ret(0));
        sound(plain(1000, words.clone()));
        words[1002] = Word::abc(Op::MakeList, 0, 0, 701);
        refused(plain(1000, words.clone()), 1002, Kind::Unassigned(700));
        words[321] = nil(0);
        refused(plain(1000, words), 1000, Kind::Unassigned(321));
    }
}

mod tables {
    use super::*;

    fn constants(numbers: &[u32], constants: Vec<Constant>) -> Body {
        let mut words: Vec<Word> = numbers.iter().map(|&number| Word::ax(Op::LoadConst, 0, number)).collect();
        words.push(ret(0));
        Body { constants, ..plain(1, words) }
    }

    #[test]
    fn constants_stand_in_order_of_first_use() {
        let two = || vec![text("a"), text("b")];
        sound(constants(&[0, 0, 1, 0], two()));
        refused(constants(&[1, 0], two()), 0, Kind::Order("constants"));
        refused(constants(&[0, 0], two()), None, Kind::Unused("constants"));
    }

    #[test]
    fn equal_constants_are_one() {
        let two = |a, b| constants(&[0, 1], vec![a, b]);
        refused(two(text("a"), text("a")), None, Kind::Repeated("constants"));
        refused(two(Constant::Float(0), Constant::Float(0)), None, Kind::Repeated("constants"));
        sound(two(Constant::Float(0.0f64.to_bits()), Constant::Float((-0.0f64).to_bits())));
        sound(two(Constant::Int(0), Constant::Float(0)));
        sound(two(text("a"), Constant::Bytes(b"a".as_slice().into())));
    }

    #[test]
    fn names_and_members_of_types_are_uses_in_their_order() {
        for (a, b) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
            let mut body = point();
            body.constants.swap(a, b);
            let swap = |name: &mut u32| match *name as usize {
                name_now if name_now == a => *name = b as u32,
                name_now if name_now == b => *name = a as u32,
                _ => {}
            };
            let site = &mut body.types[0];
            swap(&mut site.name);
            site.fields.iter_mut().for_each(swap);
            site.methods.iter_mut().for_each(|method| swap(&mut method.name));
            refused(body.clone(), 0, Kind::Order("constants"));
            assert_eq!(body.arrange().unwrap(), point());
        }
    }

    #[test]
    fn children_stand_in_order_of_first_use() {
        let mut body = point();
        body.children.swap(1, 2);
        body.types[0].methods[0].closure.child = 2;
        body.types[0].methods[1].closure.child = 1;
        refused(body.clone(), 0, Kind::Order("functions"));
        assert_eq!(body.arrange().unwrap(), point());
        let mut body = maker(identity(), vec![]);
        body.children.push(owner());
        refused(body, None, Kind::Unused("functions"));
    }

    #[test]
    fn equal_children_are_one() {
        let mut body = maker(identity(), vec![]);
        body.words.insert(1, Word::ax(Op::MakeClosure, 1, 0));
        body.words[2] = Word::ax(Op::MakeClosure, 1, 1);
        body.closures.push(closed(0));
        sound(body.clone());
        body.closures[1].child = 1;
        body.children.push(identity());
        refused(body, None, Kind::Repeated("functions"));
    }

    #[test]
    fn every_maker_has_its_own_site() {
        let mut body = maker(identity(), vec![]);
        body.words.insert(1, Word::ax(Op::MakeClosure, 1, 0));
        refused(body.clone(), 2, Kind::Order("closure sites"));
        body.closures.push(closed(0));
        refused(body.clone(), 2, Kind::Order("closure sites"));
        body.words[2] = Word::ax(Op::MakeClosure, 1, 1);
        sound(body.clone());
        body.closures.push(closed(0));
        refused(body, None, Kind::Unused("closure sites"));

        let mut body = point();
        body.words.insert(1, Word::ax(Op::MakeType, 0, 0));
        refused(body.clone(), 1, Kind::Order("type sites"));
        body.types.push(body.types[0].clone());
        body.words.remove(1);
        refused(body, None, Kind::Unused("type sites"));
    }

    #[test]
    fn arranging_puts_everything_in_order() {
        let mut body = total();
        body.constants = vec![text("unused"), Constant::Float(1.5f64.to_bits()), text("print"), text("print")];
        body.words[11] = Word::ax(Op::GetNative, 8, 3);
        body.words[13] = Word::ax(Op::LoadConst, 10, 1);
        body.children = vec![identity(), captures(FreeKind::Cell)];
        body.closures[0].child = 1;
        body.closures.insert(0, closed(0));
        body.words[17] = Word::ax(Op::MakeClosure, 3, 1);
        assert_eq!(body.arrange().unwrap(), total());
        assert_eq!(total().arrange().unwrap(), total());
    }

    #[test]
    fn arranging_refuses_what_does_not_exist() {
        let missing = |body: Body| body.arrange().unwrap_err().kind;
        let role = |role, index| Kind::Index { role, index };
        assert_eq!(missing(one(Word::ax(Op::LoadConst, 0, 0))), role(Role::Const, 0));
        assert_eq!(missing(one(Word::ax(Op::MakeClosure, 0, 3))), role(Role::ClosureSite, 3));
        assert_eq!(missing(one(Word::ax(Op::MakeType, 0, 2))), role(Role::TypeSite, 2));
        let mut body = maker(identity(), vec![]);
        body.closures[0].child = 1;
        assert_eq!(missing(body), role(Role::ClosureSite, 0));
    }

    #[test]
    fn a_name_too_far_back_in_the_table_is_refused() {
        let after = |integers: u32| {
            // As a maker of code might number them: the name first.
            let mut words: Vec<Word> = (1..=integers).map(|index| Word::ax(Op::LoadConst, 0, index)).collect();
            words.extend([Word::abc(Op::GetField, 0, 0, 0), ret(0)]);
            let mut constants = vec![text("m")];
            constants.extend((0..integers as i64).map(Constant::Int));
            Body { constants, ..plain(1, words) }.arrange()
        };
        sound(after(65_535).unwrap());
        let error = after(65_536).unwrap_err();
        assert_eq!(error, CheckError { kind: Kind::TooLarge("constants"), pc: Some(65_536) });
    }
}

mod closures {
    use super::*;

    #[test]
    fn the_child_exists() {
        let mut body = maker(identity(), vec![]);
        body.closures[0].child = 1;
        refused(body, 1, Kind::Index { role: Role::ClosureSite, index: 1 });
    }

    #[test]
    fn there_is_one_source_for_each_free_variable() {
        refused(maker(captures(FreeKind::Value), vec![]), 1, Kind::SourceCount);
        refused(maker(identity(), vec![CaptureSource::Running]), 1, Kind::SourceCount);
        refused(maker(captures(FreeKind::Value), vec![CaptureSource::Running; 2]), 1, Kind::SourceCount);
    }

    #[test]
    fn sources_exist_and_are_of_the_kind() {
        use FreeKind::{Cell, Value};
        let from = |kind, source| maker(captures(kind), vec![source]);
        // The maker's free variable 0 is a value and 1 a cell.
        for (kind, source) in [
            (Value, CaptureSource::Free(0)),
            (Cell, CaptureSource::Free(1)),
            (Value, CaptureSource::Running),
            (Value, CaptureSource::Owner),
            (Cell, CaptureSource::Register(0)),
        ] {
            sound(from(kind, source));
        }
        refused(from(Value, CaptureSource::Register(0)), 1, unfit(0, Holds::Value));
        for (kind, source) in [
            (Value, CaptureSource::Free(1)),
            (Cell, CaptureSource::Free(0)),
            (Value, CaptureSource::Free(2)),
            (Cell, CaptureSource::Free(2)),
            (Cell, CaptureSource::Running),
            (Cell, CaptureSource::Owner),
            (Value, CaptureSource::Register(3)),
            (Cell, CaptureSource::Register(u16::MAX)),
        ] {
            refused(from(kind, source), 1, Kind::Source(0));
        }
    }

    #[test]
    fn who_refers_to_its_type_is_made_by_a_type_only() {
        refused(maker(owner(), vec![]), 1, Kind::OwnerWithoutType);
        refused(maker(constructor(0), vec![]), 1, Kind::OwnerWithoutType);
        let through = checked(maker(captures(FreeKind::Value), vec![CaptureSource::Owner]));
        assert!(through.uses_owner());
        refused(maker(through, vec![CaptureSource::Running, CaptureSource::Free(1)]), 1, Kind::OwnerWithoutType);
    }

    #[test]
    fn a_type_passes_the_makers_owner_on() {
        let mut body = point();
        assert!(!checked(body.clone()).uses_owner());
        body.children[1] = checked(Body {
            required: 1,
            free: vec![FreeKind::Value],
            ..plain(1, vec![Word::ax(Op::GetFree, 0, 0), ret(0)])
        });
        body.types[0].methods[0].closure.sources = vec![CaptureSource::Owner];
        assert!(checked(body).uses_owner());
    }

    #[test]
    fn nesting_has_a_limit() {
        let mut code = checked(maker(identity(), vec![]));
        for _ in 2..MAX_DEPTH {
            code = checked(maker(code, vec![CaptureSource::Free(0), CaptureSource::Free(1)]));
        }
        refused(maker(code, vec![CaptureSource::Free(0), CaptureSource::Free(1)]), None, Kind::TooDeep);
    }
}

mod types {
    use super::*;

    #[test]
    fn names_are_text() {
        for index in 0..5 {
            let mut body = point();
            body.constants[index] = Constant::Int(7);
            refused(body, 0, Kind::NotText(index as u32));
        }
    }

    #[test]
    fn names_exist() {
        for place in 0..3 {
            let mut body = point();
            let site = &mut body.types[0];
            match place {
                0 => site.name = 5,
                1 => site.fields[1] = 5,
                _ => site.methods[1].name = 5,
            }
            refused(body, 0, Kind::Index { role: Role::Name, index: 5 });
        }
    }

    #[test]
    fn members_have_different_names() {
        let mut body = point();
        body.types[0].fields[1] = 1;
        refused(body, 0, Kind::Member(1));
        let mut body = point();
        body.types[0].methods[1].name = 3;
        refused(body, 0, Kind::Member(3));
        let mut body = point();
        body.types[0].methods[1].name = 2;
        refused(body, 0, Kind::Member(2));
        // The type itself may be called like one of them.
        let mut body = point();
        body.types[0].methods[1].name = 0;
        body.constants.pop();
        sound(body);
    }

    #[test]
    fn children_exist() {
        let missing = Kind::Index { role: Role::ClosureSite, index: 3 };
        let mut body = point();
        body.types[0].constructor.child = 3;
        refused(body, 0, missing);
        let mut body = point();
        body.types[0].methods[1].closure.child = 3;
        refused(body, 0, missing);
    }

    #[test]
    fn sources_agree() {
        let mut body = point();
        body.types[0].constructor.sources = vec![CaptureSource::Running];
        refused(body, 0, Kind::SourceCount);
        let mut body = point();
        body.types[0].methods[0].closure.sources = vec![CaptureSource::Running];
        refused(body, 0, Kind::SourceCount);
    }

    /// A type of two fields with this constructor.
    fn built_by(constructor: Body) -> Body {
        let mut body = point();
        body.children[0] = checked(constructor);
        body
    }

    #[test]
    fn the_constructor_takes_the_fields() {
        let of = |required, optional, rest, fields| Body {
            required,
            optional,
            rest,
            ..plain(4, vec![nil(0), nil(1), nil(2), Word::abc(Op::MakeInstance, 3, 0, fields), ret(3)])
        };
        sound(built_by(of(2, 0, false, 2)));
        sound(built_by(of(1, 1, false, 2)));
        sound(built_by(of(0, 2, false, 2)));
        for wrong in [of(1, 0, false, 2), of(2, 1, false, 2), of(1, 0, true, 2), of(2, 0, false, 1), of(3, 0, false, 3)]
        {
            refused(built_by(wrong), 0, Kind::Constructor);
        }
    }

    #[test]
    fn the_constructor_ends_in_making_the_instance() {
        let of = |words| Body { required: 2, ..plain(3, words) };
        let make = |register| Word::abc(Op::MakeInstance, register, 0, 2);
        sound(built_by(of(vec![make(2), ret(2)])));
        sound(built_by(of(vec![make(0), ret(0)])));
        for words in [
            vec![make(2), ret(1)],
            vec![ret(1)],
            vec![make(2), nil(2), ret(2)],
            vec![make(2), make(2), ret(2)],
            vec![make(2), Word::abc(Op::Throw, 2, 0, 0)],
            vec![nil(2), ret(2)],
        ] {
            refused(built_by(of(words)), 0, Kind::Constructor);
        }
    }

    #[test]
    fn methods_make_no_instance_by_themselves() {
        let mut body = point();
        body.children[2] = constructor(1);
        refused(body, 0, Kind::MethodConstructs(1));
    }

    #[test]
    fn an_instance_method_has_self() {
        let with = |required, optional, rest, instance| {
            let mut body = point();
            body.children[2] = checked(Body { required, optional, rest, ..plain(2, vec![nil(0), ret(0)]) });
            body.types[0].methods[1].instance = instance;
            body
        };
        sound(with(0, 0, false, false));
        sound(with(1, 0, false, true));
        refused(with(0, 0, false, true), 0, Kind::MethodWithoutSelf(1));
        refused(with(0, 1, true, true), 0, Kind::MethodWithoutSelf(1));
    }

    #[test]
    fn a_type_may_have_no_members() {
        let mut body = point();
        body.constants.truncate(1);
        body.children = vec![constructor(0)];
        body.types[0].fields.clear();
        body.types[0].methods = Vec::<MethodSite>::new();
        sound(body);
    }
}

mod cost {
    use super::*;

    #[test]
    fn registers_times_branches_are_limited() {
        let with = |registers, branches: u32| {
            let mut words = vec![nil(0)];
            words.extend((0..branches).map(|index| Word::ax(Op::JumpIf, 0, index + 2)));
            words.push(ret(0));
            plain(registers, words)
        };
        sound(with(32_767, 20));
        refused(with(32_768, 0), None, Kind::TooLarge("registers"));
        sound(with(256, 20_000));
        refused(with(32_767, 40_000), None, Kind::TooComplex);
    }

    /// Loops that hand a loss on backwards, one for each round.
    fn chain(loops: u32, registers: u16) -> Body {
        let mut words = vec![nil(0)];
        for _ in 0..loops {
            let here = words.len() as u32;
            words.push(Word::ax(Op::JumpIf, 0, here + 3));
            words.push(Word::ax(Op::LoopIf, 0, here.saturating_sub(3).max(1)));
            words.push(nil(0));
        }
        words.push(ret(0));
        plain(registers, words)
    }

    #[test]
    fn hostile_loops_are_fast_or_refused() {
        let started = std::time::Instant::now();
        for loops in [10, 1_000, 30_000] {
            for registers in [1, 300] {
                let _ = Code::check(chain(loops, registers), None);
            }
        }
        assert!(started.elapsed().as_secs() < 20);
    }

    /// So many blocks after a start, each of which may go back to the one before.
    fn backwards(blocks: u32, first: Word, last: &[Word]) -> Body {
        let mut words = vec![nil(0), nil(1), nil(2), Word::ax(Op::JumpIf, 0, 4 + 2 * blocks), first];
        for block in 1..=blocks {
            words.push(Word::ax(Op::LoopIf, 0, if block == 1 { 4 } else { 2 * block + 1 }));
            words.push(nil(0));
        }
        words.extend(last);
        let back = 3 + 2 * blocks;
        words.extend([Word::ax(Op::LoopIf, 0, back), ret(0)]);
        plain(3, words)
    }

    #[test]
    fn rounds_of_losses_are_limited() {
        // The call loses R2, and each round takes that back by one block.
        let with = |blocks| backwards(blocks, nil(0), &[nil(1), Word::abc(Op::Call, 0, 1, 0)]);
        sound(with(100));
        refused(with(5_000), None, Kind::TooComplex);
    }

    #[test]
    fn rounds_of_liveness_are_limited() {
        // The first block reads R2, and each round of liveness takes that on by one block; nothing is lost.
        let with = |blocks| backwards(blocks, Word::abc(Op::Move, 0, 2, 0), &[]);
        sound(with(100));
        refused(with(5_000), None, Kind::TooComplex);
    }

    #[test]
    fn many_loops_in_a_row_are_no_matter() {
        let mut words = vec![nil(0), nil(1)];
        for _ in 0..20_000 {
            let start = words.len() as u32;
            words.extend([nil(2), Word::abc(Op::Call, 0, 2, 0), Word::ax(Op::LoopIf, 0, start)]);
        }
        words.push(ret(1));
        sound(plain(3, words));
    }

    #[test]
    fn ordinary_size_is_no_matter() {
        // 32,000 variables in a row, as a table in a script might have them.
        let mut words: Vec<Word> = Vec::new();
        for register in 0..32_000 {
            words.push(Word::ax(Op::LoadInt, register, register as u32));
            words.push(Word::abc(Op::Add, register, register, 0));
        }
        words.push(ret(31_999));
        sound(plain(32_000, words));
    }
}

/// What registers hold: values, perhaps nothing, cells, iterators.
mod holds {
    use super::*;

    /// Nil in register 0, a cell of a `let` in 1, one of a `var` in 2, an iterator in 3 to 5, perhaps nothing in 6; nil
    /// again in 7 and 8. Then these words.
    fn with(words: &[Word]) -> Body {
        let mut all = vec![
            nil(0),
            Word::ax(Op::NewCell, 1, 0),
            Word::ax(Op::NewCell, 2, 1),
            Word::abc(Op::Iter, 3, 0, 0),
            Word::abc(Op::Next, 6, 3, 0),
            nil(7),
            nil(8),
        ];
        all.extend(words);
        all.push(ret(0));
        plain(9, all)
    }

    #[test]
    fn a_value_is_read_where_one_stands() {
        for (register, wanted) in [1, 2, 3, 4, 5, 6].map(|register| (register, Holds::Value)) {
            for word in [
                Word::abc(Op::Move, 7, register, 0),
                Word::abc(Op::SetField, 0, register, 0),
                Word::abc(Op::MakeTuple, 7, register, 1),
                Word::abc(Op::Yield, 7, register, 0),
                Word::abc(Op::InitCell, 1, register, 0),
                Word::ax(Op::JumpIf, register, 8),
            ] {
                let mut body = with(&[word]);
                if word.op() == Some(Op::SetField) {
                    body.constants = vec![text("x")];
                }
                refused(body, 7, unfit(register.into(), wanted));
            }
        }
    }

    #[test]
    fn parameters_hold_what_callers_give() {
        // Each of them is written later, so that what it holds changes.
        let reads = |read: u16| Body {
            required: 1,
            optional: 1,
            rest: true,
            ..plain(
                4,
                vec![
                    Word::abc(Op::Move, 3, read, 0),
                    Word::ax(Op::NewCell, 0, 0),
                    Word::ax(Op::NewCell, 1, 0),
                    Word::ax(Op::NewCell, 2, 0),
                    ret(3),
                ],
            )
        };
        sound(reads(0));
        refused(reads(1), 0, unfit(1, Holds::Value));
        sound(reads(2));
    }

    #[test]
    fn cells_are_written_and_read_as_such() {
        sound(with(&[Word::abc(Op::InitCell, 1, 0, 0), Word::abc(Op::GetCell, 7, 1, 0)]));
        sound(with(&[Word::abc(Op::InitCell, 2, 0, 0), Word::abc(Op::SetCell, 2, 0, 0)]));
        refused(with(&[Word::abc(Op::SetCell, 1, 0, 0)]), 7, unfit(1, Holds::Var));
        for register in [0, 3, 6, 7] {
            refused(with(&[Word::abc(Op::GetCell, 7, register, 0)]), 7, unfit(register.into(), Holds::Cell));
            refused(with(&[Word::abc(Op::InitCell, register, 0, 0)]), 7, unfit(register.into(), Holds::Cell));
        }
        refused(with(&[nil(1), Word::abc(Op::GetCell, 7, 1, 0)]), 8, unfit(1, Holds::Cell));
    }

    #[test]
    fn only_an_untouched_iterator_gives_elements() {
        sound(with(&[Word::abc(Op::Next, 6, 3, 0)]));
        for touched in 3..6 {
            refused(with(&[nil(touched), Word::abc(Op::Next, 6, 3, 0)]), 8, unfit(3, Holds::Iterator));
        }
        refused(with(&[Word::abc(Op::Next, 4, 3, 0), Word::abc(Op::Next, 6, 3, 0)]), 8, unfit(3, Holds::Iterator));
        refused(with(&[Word::abc(Op::Iter, 4, 0, 0), Word::abc(Op::Next, 0, 3, 0)]), 8, unfit(3, Holds::Iterator));
        sound(with(&[Word::abc(Op::Iter, 4, 0, 0), Word::abc(Op::Next, 0, 4, 0), nil(0)]));
        for first in [0, 1, 4, 6] {
            refused(with(&[Word::abc(Op::Next, 0, first, 0)]), 7, unfit(first.into(), Holds::Iterator));
        }
    }

    #[test]
    fn a_test_tells_what_is_there() {
        let there = |jump| [Word::ax(jump, 6, 9), Word::ax(Op::Jump, 0, 10), Word::abc(Op::Move, 7, 6, 0)];
        sound(with(&there(Op::JumpPresent)));
        refused(with(&there(Op::JumpAbsent)), 9, unfit(6, Holds::Value));
        let behind = |jump| [Word::ax(jump, 6, 9), Word::abc(Op::Move, 7, 6, 0)];
        sound(with(&behind(Op::JumpAbsent)));
        refused(with(&behind(Op::JumpPresent)), 8, unfit(6, Holds::Value));
    }

    #[test]
    fn paths_agree_on_what_is_there() {
        let paths = |one: Word, other: Word, last: Word| {
            with(&[Word::ax(Op::JumpIf, 0, 10), one, Word::ax(Op::Jump, 0, 11), other, last])
        };
        let get = Word::abc(Op::GetCell, 0, 7, 0);
        sound(paths(Word::ax(Op::NewCell, 7, 0), Word::ax(Op::NewCell, 7, 1), get));
        refused(paths(Word::ax(Op::NewCell, 7, 0), nil(7), get), 11, unfit(7, Holds::Cell));
        let set = Word::abc(Op::SetCell, 7, 0, 0);
        refused(paths(Word::ax(Op::NewCell, 7, 0), Word::ax(Op::NewCell, 7, 1), set), 11, unfit(7, Holds::Var));
        let next = Word::abc(Op::Next, 6, 3, 0);
        sound(paths(Word::abc(Op::Iter, 3, 7, 0), nil(8), next));
        refused(paths(Word::abc(Op::Iter, 3, 7, 0), nil(3), next), 11, unfit(3, Holds::Iterator));
    }

    #[test]
    fn a_loop_takes_what_it_changes_back_to_its_start() {
        let body = with(&[Word::abc(Op::GetCell, 0, 1, 0), nil(1), Word::ax(Op::LoopIf, 0, 7)]);
        refused(body, 7, unfit(1, Holds::Cell));
        sound(with(&[Word::abc(Op::GetCell, 0, 1, 0), Word::ax(Op::NewCell, 1, 0), Word::ax(Op::LoopIf, 0, 7)]));
    }

    #[test]
    fn a_handler_finds_what_holds_all_through_its_range() {
        let caught = |first: Word, last: Word| Body {
            handlers: vec![Handler { start: 7, end: 9, target: 10, register: 0 }],
            ..with(&[first, Word::abc(Op::Add, 8, 0, 0), ret(0), last])
        };
        sound(caught(nil(7), Word::abc(Op::GetCell, 0, 1, 0)));
        refused(caught(nil(1), Word::abc(Op::GetCell, 0, 1, 0)), 10, unfit(1, Holds::Cell));
        refused(caught(nil(5), Word::abc(Op::Next, 0, 3, 0)), 10, unfit(3, Holds::Iterator));
        sound(caught(Word::abc(Op::Next, 6, 3, 0), Word::abc(Op::Next, 6, 3, 0)));
    }

    #[test]
    fn a_handler_that_sees_ends_may_find_nothing() {
        let handled = |words: &[Word]| {
            let over = Word::ax(Op::Jump, 0, 9 + words.len() as u32);
            Body {
                handlers: vec![Handler { start: 7, end: 8, target: 9, register: 8 }],
                ..with(&[&[Word::abc(Op::Add, 7, 0, 0), over], words].concat())
            }
        };
        sound(handled(&[Word::abc(Op::Rethrow, 8, 8, 0)]));
        sound(handled(&[Word::abc(Op::Unwound, 0, 0, 0), Word::abc(Op::Rethrow, 8, 0, 0)]));
        refused(handled(&[Word::abc(Op::Unwound, 0, 0, 0), ret(8)]), 10, unfit(8, Holds::Value));
        sound(handled(&[nil(0), ret(8)]));
        // It finds what holds at the instruction that the end comes from, whatever handlers are around that.
        let past = |inner: Word, last: Word| Body {
            handlers: vec![
                Handler { start: 7, end: 9, target: 11, register: 8 },
                Handler { start: 6, end: 9, target: 13, register: 8 },
            ],
            ..with(&[
                inner,
                Word::abc(Op::Add, 7, 0, 0),
                nil(7),
                ret(0),
                Word::ax(Op::NewCell, 1, 0),
                ret(0),
                Word::abc(Op::Unwound, 7, 0, 0),
                last,
            ])
        };
        sound(past(nil(7), Word::abc(Op::GetCell, 0, 1, 0)));
        refused(past(nil(1), Word::abc(Op::GetCell, 0, 1, 0)), 14, unfit(1, Holds::Cell));
    }

    #[test]
    fn what_a_child_writes_is_a_cell_of_a_var() {
        let writes = checked(Body {
            required: 1,
            free: vec![FreeKind::Cell],
            ..plain(1, vec![Word::ax(Op::SetFreeCell, 0, 0), ret(0)])
        });
        assert_eq!(writes.free_holds(0), Holds::Var);
        assert_eq!(captures(FreeKind::Cell).free_holds(0), Holds::Cell);
        let with_cell = |var, child: &Code| Body {
            children: vec![child.clone()],
            closures: vec![closed_over(CaptureSource::Register(0))],
            ..plain(2, vec![Word::ax(Op::NewCell, 0, var), Word::ax(Op::MakeClosure, 1, 0), ret(1)])
        };
        sound(with_cell(1, &writes));
        sound(with_cell(0, &captures(FreeKind::Cell)));
        refused(with_cell(0, &writes), 1, unfit(0, Holds::Var));
        // It goes through functions that only pass it on.
        let passes = checked(Body {
            free: vec![FreeKind::Cell],
            children: vec![writes],
            closures: vec![closed_over(CaptureSource::Free(0))],
            ..plain(1, vec![Word::ax(Op::MakeClosure, 0, 0), Word::ax(Op::GetFreeCell, 0, 0), ret(0)])
        });
        assert_eq!(passes.free_holds(0), Holds::Var);
        refused(with_cell(0, &passes), 1, unfit(0, Holds::Var));
    }

    fn closed_over(source: CaptureSource) -> quipu_code::ClosureSite {
        let mut site = closed(0);
        site.sources = vec![source];
        site
    }

    #[test]
    fn methods_are_numbered_by_two_bytes() {
        let with_methods = |count: usize| {
            let mut body = point();
            let method = body.types[0].methods[0].clone();
            body.types[0].methods = vec![method; count];
            Code::check(body, None).unwrap_err().kind
        };
        assert_eq!(with_methods(MAX_METHODS + 1), Kind::TooLarge("methods"));
        assert_ne!(with_methods(MAX_METHODS), Kind::TooLarge("methods"));
    }
}
