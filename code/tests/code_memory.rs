//! Reading code takes memory in proportion to its bytes, whatever the bytes say.
//!
//! Each case runs in a process of its own, because an allocator that keeps what was freed would hide the next case.

use std::process::Command;

use quipu_code::canonical::Writer;
use quipu_code::{Body, Code, Op, Word};

/// Bytes of each input, about: far more than what a process allocates anyhow.
const LENGTH: usize = 1 << 20;

/// What is promised: so many times the input, and a fixed sum.
const FACTOR: usize = 16;
const EXTRA: usize = 1 << 20;

const CASE: &str = "QUIPU_MEMORY_CASE";

/// Its name, how its input is made, and what is done with it.
type Case = (&'static str, fn() -> Vec<u8>, fn(&[u8]));

/// How an entry of a list is written.
type Part<'a> = &'a dyn Fn(&mut Writer, usize);

/// The bytes of a code object with these lists: free variables, words, closures, types, handlers, constants, children.
fn code(registers: u16, lists: [(usize, Part); 7]) -> Vec<u8> {
    let mut to = Writer::new();
    to.raw(&[1, 0, 0, 0]);
    to.u16(registers);
    for (count, entry) in lists {
        to.count(count);
        (0..count).for_each(|index| entry(&mut to, index));
    }
    to.into_bytes()
}

fn nothing(_: &mut Writer, _: usize) {}

fn make(to: &mut Writer, op: u8, index: usize) {
    to.raw(&[op, 0]);
    to.u32(index as u32);
}

fn site(to: &mut Writer, _: usize) {
    to.raw(&[0, 1, 2]);
}

fn method(to: &mut Writer) {
    to.raw(&[0, 0, 0, 1, 2]);
}

/// Inputs that are as large in memory as can be.
fn cases() -> Vec<Case> {
    const NONE: (usize, Part) = (0, &nothing);
    let read = |bytes: &[u8]| {
        let child = Code::check(Body { registers: 1, words: vec![Word::ax(Op::Loop, 0, 0)], ..Body::default() }, None);
        let child = child.unwrap();
        if let Ok(code) = Code::decode(bytes, |_| Some(child.clone())) {
            assert!(code.live_before(0).is_some());
        }
    };
    let read_debug = |bytes: &[u8]| {
        let body = Body {
            free: vec![quipu_code::FreeKind::Value; 65_535],
            words: vec![Word::ax(Op::Loop, 0, 0)],
            ..Body::default()
        };
        let _ = Code::check(body, None).unwrap().decode_debug(bytes);
    };
    vec![
        ("free variables", || code(1, [(LENGTH, &|to, _| to.u8(0)), NONE, NONE, NONE, NONE, NONE, NONE]), read),
        ("words", || code(1, [NONE, (LENGTH / 2, &|to, _| to.raw(&[0x50, 0])), NONE, NONE, NONE, NONE, NONE]), read),
        (
            "closures",
            || {
                let count = LENGTH / 10;
                let word: Part = &|to, index| make(to, 0x10, index);
                code(1, [NONE, (count, word), (count, &site), NONE, NONE, NONE, NONE])
            },
            read,
        ),
        (
            "types",
            || {
                let count = LENGTH / 19;
                let word: Part = &|to, index| make(to, 0x11, index);
                let entry: Part = &|to, index| {
                    to.raw(&[0, 1, 0]);
                    site(to, index);
                    to.u8(1);
                    method(to);
                };
                code(1, [NONE, (count, word), NONE, (count, entry), NONE, NONE, NONE])
            },
            read,
        ),
        (
            "methods of one type",
            || {
                let entry: Part = &|to, index| {
                    to.raw(&[0, 0]);
                    site(to, index);
                    to.count(LENGTH / 5);
                    (0..LENGTH / 5).for_each(|_| method(to));
                };
                code(1, [NONE, (1, &|to, index| make(to, 0x11, index)), NONE, (1, entry), NONE, NONE, NONE])
            },
            read,
        ),
        ("handlers", || code(1, [NONE, NONE, NONE, NONE, (LENGTH / 4, &|to, _| to.raw(&[0; 4])), NONE, NONE]), read),
        (
            "constants",
            || {
                let count = LENGTH / 6;
                let word: Part = &|to, _| to.raw(&[0x05, 0, 0]);
                let constant: Part = &|to, _| {
                    to.u8(3);
                    to.text("a");
                };
                code(1, [NONE, (count, word), NONE, NONE, NONE, (count, constant), NONE])
            },
            read,
        ),
        ("children", || code(1, [NONE, NONE, NONE, NONE, NONE, NONE, (LENGTH / 32, &|to, _| to.raw(&[0; 32]))]), read),
        ("sound words", || sound(1, false), read),
        ("sound branches", || sound(1, true), read),
        ("sound branches under many registers", || sound(256, true), read),
        ("branches under too many registers", || sound(2000, true), read),
        ("branches among cells", || cells(256), read),
        ("distinct constants", distinct, read),
        ("a length of 2^64 - 1", || vec![1, 0, 0, 0, 1, 253, 255, 255, 255, 255, 255, 255, 255, 255], read),
        (
            "names of local variables",
            || {
                let mut to = Writer::new();
                to.raw(&[0; 9]);
                to.count(LENGTH / 5);
                (0..LENGTH / 5).for_each(|_| to.raw(&[1, b'a', 0, 0, 0]));
                to.into_bytes()
            },
            read_debug,
        ),
        (
            "positions",
            || {
                let mut to = Writer::new();
                to.raw(&[0; 8]);
                to.count(LENGTH / 4);
                to.raw(&vec![0; LENGTH / 4 * 4]);
                to.u8(0);
                to.into_bytes()
            },
            read_debug,
        ),
    ]
}

/// A function that the checker accepts, or refuses only at the last.
fn sound(registers: u16, branches: bool) -> Vec<u8> {
    let count = if branches { LENGTH / 7 } else { LENGTH / 2 };
    let word: Part = &|to, index| match index {
        _ if index == count - 1 => to.raw(&[0x50, 0]),
        0 => to.raw(&[0x02, 0]),
        _ if branches => {
            to.raw(&[0x39, 0]);
            to.u32(index as u32 + 1);
        }
        _ => to.raw(&[0x02, 0]),
    };
    const NONE: (usize, Part) = (0, &nothing);
    code(registers, [NONE, (count, word), NONE, NONE, NONE, NONE, NONE])
}

/// A function that the checker accepts, with a cell in every register and branches.
fn cells(registers: u16) -> Vec<u8> {
    let count = LENGTH / 10;
    let word: Part = &|to, index| match index {
        _ if index == count - 1 => to.raw(&[0x50, 0]),
        0 => to.raw(&[0x02, 0]),
        _ if index % 2 == 0 => {
            to.raw(&[0x39, 0]);
            to.u32(index as u32 + 1);
        }
        _ => {
            to.u8(0x0a);
            to.u16(1 + index as u16 / 2 % (registers - 1));
            to.u8(0);
        }
    };
    const NONE: (usize, Part) = (0, &nothing);
    code(registers, [NONE, (count, word), NONE, NONE, NONE, NONE, NONE])
}

/// As many short constants as there are, each used once.
fn distinct() -> Vec<u8> {
    let count = LENGTH / 10;
    let word: Part = &|to, index| {
        if index == count {
            to.raw(&[0x50, 0]);
        } else {
            to.raw(&[0x05, 0]);
            to.u32(index as u32);
        }
    };
    let constant: Part = &|to, index| {
        to.u8(4);
        to.bytes(&(index as u32).to_be_bytes()[1..]);
    };
    const NONE: (usize, Part) = (0, &nothing);
    code(1, [NONE, (count + 1, word), NONE, NONE, NONE, (count, constant), NONE])
}

/// A line of what the system knows about this process, in bytes.
fn status(name: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? << 10)
}

#[test]
fn memory_follows_the_bytes() {
    if let Some(index) = std::env::var(CASE).ok().and_then(|index| index.parse::<usize>().ok()) {
        let (name, make, run) = cases()[index];
        let bytes = make();
        let (Some(before), Ok(())) = (status("VmRSS:"), std::fs::write("/proc/self/clear_refs", "5")) else { return };
        run(&bytes);
        let used = status("VmHWM:").unwrap_or(0).saturating_sub(before);
        let allowed = FACTOR * bytes.len() + EXTRA;
        eprintln!("{name}: {used} of {allowed}, {:.1} times", used as f64 / bytes.len() as f64);
        assert!(used <= allowed, "{name}: {} bytes take {used}", bytes.len());
        return;
    }
    let mut sound = true;
    for index in 0..cases().len() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory_follows_the_bytes", "--nocapture"])
            .env(CASE, index.to_string())
            .output()
            .unwrap();
        eprint!("{}", String::from_utf8_lossy(&child.stderr));
        sound &= child.status.success();
    }
    assert!(sound, "some case takes too much");
}
