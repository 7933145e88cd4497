//! Code objects by chance: the checker and liveness against plain ones that go instruction by instruction, and no
//! panic anywhere.

use proptest::collection::vec;
use proptest::prelude::*;
use quipu_code::span::Span;
use quipu_code::{
    Body, CaptureSource, CheckError, CheckErrorKind, ClosureSite, Code, Constant, Debug, Field, FreeKind, Handler,
    Holds, Local, Op, OwnDebug, Position, Role, Word, children_of, listing,
};

use crate::likely::{Seed, build, children};
use crate::sample::{checked, identity, point, total};

/// Nothing about it needs to hold.
fn wild_body() -> impl Strategy<Value = Body> {
    let op = prop_oneof![4 => (0..Op::ALL.len()).prop_map(|index| Op::ALL[index] as u8), 1 => any::<u8>()];
    let narrow = || prop_oneof![8 => 0..12u16, 1 => any::<u16>()];
    let word = (op, narrow(), narrow(), narrow(), 0..4u8)
        .prop_map(|(op, a, b, c, d)| Word(op as u64 | (d as u64) << 8 | Word::abc(Op::Move, a, b, c).0 & !0xff));
    let small = || prop_oneof![8 => 0..20u32, 1 => any::<u32>()];
    let handler = (small(), small(), small(), narrow()).prop_map(|(start, end, target, register)| Handler {
        start,
        end,
        target,
        register,
    });
    let source = prop_oneof![
        narrow().prop_map(CaptureSource::Register),
        narrow().prop_map(CaptureSource::Free),
        Just(CaptureSource::Running),
        Just(CaptureSource::Owner)
    ];
    let site = (small(), vec(source, 0..3)).prop_map(|(child, sources)| ClosureSite {
        child,
        sources,
        own_debug: OwnDebug::default(),
    });
    let kind = prop_oneof![Just(FreeKind::Value), Just(FreeKind::Cell)];
    let tables = (vec(kind, 0..3), vec(constant(), 0..4), vec(site, 0..3), vec(handler, 0..3));
    (any::<[u8; 2]>(), any::<bool>(), narrow(), tables, vec(word, 0..20)).prop_map(
        |([required, optional], rest, registers, (free, constants, closures, handlers), words)| Body {
            required: required % 4,
            optional: optional % 4,
            rest,
            registers,
            free,
            constants,
            children: children(),
            closures,
            types: point().types,
            words,
            handlers,
        },
    )
}

fn constant() -> impl Strategy<Value = Constant> {
    prop_oneof![
        any::<i64>().prop_map(Constant::Int),
        any::<u64>().prop_map(Constant::Float),
        ".{0,3}".prop_map(|text| Constant::Str(text.into())),
        vec(any::<u8>(), 0..3).prop_map(|bytes| Constant::Bytes(bytes.into())),
    ]
}

/// Most rules hold in it, so that the flow of registers is what it is about.
fn likely_body() -> impl Strategy<Value = Body> {
    (vec(any::<Seed>(), 1..40), vec(any::<[u8; 3]>(), 0..4), 9..70u16)
        .prop_map(|(seeds, ranges, registers)| build(seeds, &ranges, registers))
}

/// What an instruction reads, writes and loses, as sets of registers; and where it leads.
struct Plain {
    reads: u128,
    writes: u128,
    loses: u128,
    keeps: u128,
    next: Vec<usize>,
    /// Where what is thrown leads, and the end of a fiber.
    handlers: Vec<Handler>,
}

fn plain_of(body: &Body, pc: usize) -> Plain {
    let word = body.words[pc];
    let op = word.op().unwrap();
    let set = |first: u32, count: u32| (first..first + count).fold(0, |set, register| set | 1u128 << register);
    let all = set(0, body.registers as u32);
    let (mut reads, mut writes, mut loses, mut keeps, mut next) = (0, 0, 0, 0, vec![]);
    for &(field, role) in op.operands() {
        let value = word.field(field);
        match role {
            Role::Out => writes |= set(value, 1),
            Role::In | Role::InOut => reads |= set(value, 1),
            Role::Window => {
                reads |= set(value, 1 + word.field(Field::D));
                loses = all & !set(0, value);
            }
            Role::WindowList => {
                reads |= set(value, 2);
                loses = all & !set(0, value);
            }
            Role::Many => reads |= set(value, word.c() as u32),
            Role::Pairs => reads |= set(value, 2 * word.c() as u32),
            Role::Two => reads |= set(value, 2),
            Role::IterOut => writes |= set(value, 3),
            Role::Iter => {
                reads |= set(value, 3);
                keeps |= set(value, 3);
            }
            Role::ClosureSite => {
                for source in &body.closures[value as usize].sources {
                    if let CaptureSource::Register(register) = source {
                        reads |= set(*register as u32, 1);
                    }
                }
            }
            Role::Forward | Role::Back => next.push(value as usize),
            _ => {}
        }
    }
    if !matches!(op, Op::Jump | Op::Loop | Op::Return | Op::Throw | Op::MatchFail | Op::Rethrow)
        && !op.name().starts_with("Tail")
    {
        next.push(pc + 1);
    }
    let covers = |handler: &&Handler| handler.start as usize <= pc && pc < handler.end as usize;
    let around = || body.handlers.iter().filter(covers).copied();
    let mut handlers: Vec<Handler> = around().take(1).collect();
    handlers.extend(around().find(|handler| sees_ends(body, handler)).filter(|ending| !handlers.contains(ending)));
    Plain { reads, writes, loses, keeps, next, handlers }
}

fn sees_ends(body: &Body, handler: &Handler) -> bool {
    matches!(body.words[handler.target as usize].op(), Some(Op::Unwound | Op::Rethrow))
}

/// Registers written on every path to each instruction, or the registers of a read that is not.
fn assigned(body: &Body, plain: &[Plain]) -> Result<Vec<u128>, ()> {
    let mut before = vec![u128::MAX; plain.len()];
    before[0] = (1 << body.params()) - 1;
    loop {
        let last = before.clone();
        for (pc, step) in plain.iter().enumerate() {
            let after = before[pc] & !step.loses | step.writes;
            for &next in &step.next {
                before[next] &= after;
            }
            for handler in &step.handlers {
                before[handler.target as usize] &= before[pc] & !step.loses | 1 << handler.register;
            }
        }
        if before == last {
            break;
        }
    }
    match plain.iter().zip(&before).any(|(step, before)| step.reads & !before != 0) {
        true => Err(()),
        false => Ok(before),
    }
}

/// What a register holds, as far as the paths to an instruction agree.
#[derive(Clone, Copy, PartialEq)]
enum Register {
    Unreached,
    Anything,
    Has(Holds),
}

impl Register {
    fn meet(self, other: Register) -> Register {
        use Register::*;
        match (self, other) {
            (Unreached, known) | (known, Unreached) => known,
            (Has(x), Has(y)) if x == y => self,
            (Has(Holds::Value | Holds::Perhaps), Has(Holds::Value | Holds::Perhaps)) => Has(Holds::Perhaps),
            (Has(Holds::Cell | Holds::Var), Has(Holds::Cell | Holds::Var)) => Has(Holds::Cell),
            _ => Anything,
        }
    }

    fn serves(self, wanted: Holds) -> bool {
        match wanted {
            Holds::Perhaps => matches!(self, Register::Has(Holds::Value | Holds::Perhaps)),
            Holds::Cell => matches!(self, Register::Has(Holds::Cell | Holds::Var)),
            _ => self == Register::Has(wanted),
        }
    }
}

/// Writes a register; iterators that it was part of are none any more.
fn put(registers: &mut [Register], at: usize, holds: Register) {
    for first in &mut registers[at.saturating_sub(2)..at] {
        if *first == Register::Has(Holds::Iterator) {
            *first = Register::Anything;
        }
    }
    registers[at] = holds;
}

/// What registers hold before each instruction, or nothing if one reads something else than it finds.
fn held(body: &Body, plain: &[Plain]) -> Result<Vec<Vec<Register>>, ()> {
    use Register::*;
    let mut before = vec![vec![Unreached; body.registers as usize]; plain.len()];
    for (index, register) in before[0].iter_mut().enumerate() {
        let optional = body.required as usize..(body.required + body.optional) as usize;
        *register = match index {
            _ if optional.contains(&index) => Has(Holds::Perhaps),
            _ if index < body.params() as usize => Has(Holds::Value),
            _ => Anything,
        };
    }
    let mut sound;
    loop {
        let last = before.clone();
        sound = true;
        for (pc, step) in plain.iter().enumerate() {
            let (word, op) = (body.words[pc], body.words[pc].op().unwrap());
            let mut now = before[pc].clone();
            if now.contains(&Unreached) {
                continue;
            }
            for &(field, role) in op.operands() {
                let value = word.field(field) as usize;
                match role {
                    Role::ClosureSite => {
                        let site = &body.closures[value];
                        for (index, source) in site.sources.iter().enumerate() {
                            if let CaptureSource::Register(register) = *source {
                                let wanted = body.children[site.child as usize].free_holds(index);
                                sound &= now[register as usize].serves(wanted);
                            }
                        }
                    }
                    Role::Iter => sound &= now[value].serves(Holds::Iterator),
                    Role::In | Role::InOut | Role::Window | Role::WindowList | Role::Many | Role::Pairs | Role::Two => {
                        let count = match role {
                            Role::Window => 1 + word.d() as usize,
                            Role::WindowList | Role::Two => 2,
                            Role::Many => word.c() as usize,
                            Role::Pairs => 2 * word.c() as usize,
                            _ => 1,
                        };
                        sound &= now[value..value + count].iter().all(|register| register.serves(op.holds(field)));
                    }
                    _ => {}
                }
            }
            for register in (0..now.len()).filter(|register| step.loses >> register & 1 == 1) {
                put(&mut now, register, Anything);
            }
            let thrown = now.clone();
            for &(field, role) in op.operands() {
                let value = word.field(field) as usize;
                let holds = match op.holds(field) {
                    Holds::Cell if word.x() == 1 => Holds::Var,
                    holds => holds,
                };
                match role {
                    Role::Out => put(&mut now, value, Has(holds)),
                    Role::IterOut => (0..3).for_each(|i| {
                        put(&mut now, value + 2 - i, if i == 2 { Has(Holds::Iterator) } else { Anything });
                    }),
                    _ => {}
                }
            }
            // Where it jumps to stands first.
            let can_jump = op.operands().iter().any(|(_, role)| matches!(role, Role::Forward | Role::Back));
            for (index, &next) in step.next.iter().enumerate() {
                let mut there = now.clone();
                let jumps = can_jump && index == 0;
                let finds = match op {
                    Op::JumpPresent | Op::LoopPresent => jumps,
                    Op::JumpAbsent => !jumps,
                    _ => false,
                };
                if finds && there[word.a() as usize] == Has(Holds::Perhaps) {
                    there[word.a() as usize] = Has(Holds::Value);
                }
                merge(&mut before[next], &there);
            }
            for handler in &step.handlers {
                let mut there = thrown.clone();
                let finds = if sees_ends(body, handler) { Holds::Perhaps } else { Holds::Value };
                put(&mut there, handler.register as usize, Has(finds));
                merge(&mut before[handler.target as usize], &there);
            }
        }
        if before == last {
            break;
        }
    }
    if sound { Ok(before) } else { Err(()) }
}

fn merge(known: &mut [Register], other: &[Register]) {
    known.iter_mut().zip(other).for_each(|(known, &other)| *known = known.meet(other));
}

/// Registers live before and during each instruction.
fn live(plain: &[Plain]) -> Vec<(u128, u128)> {
    let mut live = vec![(0, 0); plain.len()];
    loop {
        let last = live.clone();
        for (pc, step) in plain.iter().enumerate().rev() {
            let after = step.next.iter().fold(0, |set, &next| set | live[next].0);
            let needs = |handler: &Handler| live[handler.target as usize].0 & !(1 << handler.register);
            let caught = step.handlers.iter().fold(0, |set, handler| set | needs(handler));
            let keeps = after & !step.writes | step.keeps | caught;
            live[pc] = (after & !step.writes | step.reads | caught, keeps);
        }
        if live == last {
            return live;
        }
    }
}

fn set_of(registers: Option<Vec<u16>>) -> u128 {
    registers.unwrap().iter().fold(0, |set, register| set | 1 << register)
}

/// Everything that may be done with a code object.
fn use_all(code: &Code) {
    let bytes = code.encode();
    let find = |hash: &_| code.body().children.iter().find(|child| child.hash() == *hash).cloned();
    let back = Code::decode(&bytes, find).unwrap();
    assert_eq!(back.body(), code.body());
    assert_eq!(back.hash(), code.hash());
    let hashes: Vec<_> = code.body().children.iter().map(Code::hash).collect();
    assert_eq!(children_of(&bytes).unwrap(), hashes);
    assert!(!listing(code, None).is_empty());
    for pc in 0..code.body().words.len() as u32 {
        assert!(code.live_before(pc).is_some() && code.live_during(pc).is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wild_bodies_are_checked_without_panic(body in wild_body()) {
        let arranged = body.clone().arrange();
        for body in [Ok(body), arranged].into_iter().flatten() {
            match Code::check(body, None) {
                Ok(code) => use_all(&code),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn the_checker_agrees_with_a_plain_one(body in likely_body()) {
        let plain: Vec<Plain> = (0..body.words.len()).map(|pc| plain_of(&body, pc)).collect();
        let (assigned, held) = (assigned(&body, &plain), held(&body, &plain));
        match Code::check(body, None) {
            Err(CheckError { kind: CheckErrorKind::Unassigned(_), .. }) => prop_assert!(assigned.is_err()),
            Err(CheckError { kind: CheckErrorKind::Holds { .. }, .. }) => prop_assert!(held.is_err()),
            Err(CheckError { kind, .. }) => prop_assert_eq!(kind, CheckErrorKind::Unreachable),
            Ok(code) => {
                let (assigned, held) = (assigned.unwrap(), held.unwrap());
                for (pc, held) in held.iter().enumerate() {
                    let found = code.held_before(pc as u32).unwrap();
                    for register in code.live_before(pc as u32).unwrap() {
                        let is = match held[register as usize] {
                            Register::Has(holds) => Some(holds),
                            _ => None,
                        };
                        prop_assert_eq!(found.of(register), is, "register {} before {}", register, pc);
                    }
                }
                use_all(&code);
                for (pc, (before, during)) in live(&plain).into_iter().enumerate() {
                    prop_assert_eq!(set_of(code.live_before(pc as u32)), before);
                    prop_assert_eq!(set_of(code.live_during(pc as u32)), during);
                    prop_assert_eq!(before & !assigned[pc], 0);
                    prop_assert_eq!(during & !(assigned[pc] & !plain[pc].loses), 0);
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_decoded_without_panic(mut bytes in vec(any::<u8>(), 0..200), edition in any::<bool>()) {
        if edition && !bytes.is_empty() {
            bytes[0] = 1;
        }
        if let Ok(code) = Code::decode(&bytes, |_| Some(identity())) {
            assert_eq!(code.encode(), bytes);
        }
        let _ = children_of(&bytes);
        let _ = checked(total()).decode_debug(&bytes);
    }

    #[test]
    fn changed_bytes_are_refused_or_other_code(
        body in likely_body(),
        changes in vec(any::<(u16, u8)>(), 1..4),
    ) {
        let Ok(code) = Code::check(body, None) else { return Ok(()) };
        let mut bytes = code.encode();
        let length = bytes.len();
        for (at, value) in changes {
            bytes[at as usize % length] = value;
        }
        let find = |hash: &_| code.body().children.iter().find(|child| child.hash() == *hash).cloned();
        if let Ok(other) = Code::decode(&bytes, find) {
            prop_assert_eq!(other.encode(), bytes);
            prop_assert_eq!(other == code, other.body() == code.body());
            use_all(&other);
        }
    }

    #[test]
    fn any_debug_information_is_kept_and_listed(debug in debug()) {
        let code = checked(total()).with_debug(Some(debug.clone()));
        let back = checked(total()).decode_debug(&code.encode_debug().unwrap()).unwrap();
        prop_assert_eq!(back.debug(), Some(&debug));
        let source = quipu_code::span::Source::new(debug.file.clone(), "a\nb\n\nc");
        prop_assert!(!listing(&code, Some(&source)).is_empty());
    }
}

fn debug() -> impl Strategy<Value = Debug> {
    let number = || prop_oneof![4 => 0..20u32, 1 => any::<u32>()];
    let span = || (number(), number()).prop_map(|(start, end)| Span::new(start, end));
    let position = (number(), span(), number()).prop_map(|(pc, span, line)| Position { pc, span, line });
    let local = (".{0,3}", 0..12u16, number(), number()).prop_map(|(name, register, start, end)| Local {
        name,
        register,
        start,
        end,
    });
    let names = (".{0,3}", ".{0,3}", vec(".{0,3}", 0..3), vec(".{0,3}", 0..2), proptest::option::of(".{0,9}"));
    (names, span(), number(), vec(position, 0..8), vec(local, 0..8)).prop_map(
        |((name, file, params, free, doc), span, line, positions, locals)| Debug {
            name,
            file: file.into(),
            span,
            line,
            doc,
            params,
            free,
            positions,
            locals,
        },
    )
}

/// Of the likely bodies enough are sound, and enough are not, for the comparisons above to mean something.
#[test]
fn likely_bodies_are_of_both_sorts() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut sound, mut unassigned, mut unfit) = (0, 0, 0);
    for _ in 0..500 {
        match Code::check(likely_body().new_tree(&mut runner).unwrap().current(), None) {
            Ok(_) => sound += 1,
            Err(CheckError { kind: CheckErrorKind::Unassigned(_), .. }) => unassigned += 1,
            Err(CheckError { kind: CheckErrorKind::Holds { .. }, .. }) => unfit += 1,
            Err(_) => {}
        }
    }
    let found = format!("{sound} sound, {unassigned} with an unassigned register, {unfit} with one that does not fit");
    assert!(sound >= 100 && unassigned >= 50 && unfit >= 50, "{found}");
}
