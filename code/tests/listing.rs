//! What `vm dis` shows.

use quipu_code::span::Source;
use quipu_code::{CaptureSource as From, Code, Debug, FreeKind, listing};

use crate::sample::{TOTAL, captures, checked, maker, point, total, total_debug};

fn named(name: &str) -> Option<Debug> {
    Some(Debug { name: name.into(), file: "total.qp".into(), line: 8, free: vec!["sum".into()], ..Debug::default() })
}

fn annotated() -> Code {
    let mut body = total();
    body.children[0] = captures(FreeKind::Cell).with_debug(named("<closure>"));
    Code::check(body, Some(total_debug())).unwrap()
}

#[test]
fn with_source_and_names() {
    let source = Source::new("total.qp", TOTAL);
    insta::assert_snapshot!(listing(&annotated(), Some(&source)));
}

#[test]
fn without_source() {
    insta::assert_snapshot!(listing(&annotated(), None));
}

#[test]
fn another_source_is_not_shown() {
    let source = Source::new("other.qp", TOTAL);
    assert_eq!(listing(&annotated(), Some(&source)), listing(&annotated(), None));
}

#[test]
fn stripped() {
    insta::assert_snapshot!(listing(&checked(total()), None));
}

#[test]
fn a_type_and_its_members() {
    insta::assert_snapshot!(listing(&checked(point()), None));
}

#[test]
fn captured_variables_and_their_sources() {
    let inner = checked(maker(captures(FreeKind::Value), vec![From::Running]));
    let outer = checked(maker(inner, vec![From::Free(0), From::Register(0)]));
    insta::assert_snapshot!(listing(&outer, None));
}

#[test]
fn names_cannot_steer_the_terminal() {
    let mut debug = total_debug();
    debug.name = "\x1b[2Jtotal\r\n".into();
    debug.locals[0].name = "\u{202e}xs".into();
    debug.free[0] = "f\u{7}".into();
    debug.file = "\x1b]0;x".into();
    let code = checked(total()).with_debug(Some(debug));
    let text = listing(&code, Some(&Source::new("\x1b]0;x", TOTAL.replace("sum", "\x1b[1m"))));
    assert!(text.chars().all(|char| char == '\n' || !char.is_control()));
    assert!(text.contains(r"fn \u{1b}[2Jtotal\r\n") && text.contains(r"\u{202e}xs"));
}

#[test]
fn shared_functions_are_listed_once() {
    // Each level names the one below twice, so that a tree of them would have 2^30 leaves.
    let mut code = captures(FreeKind::Value);
    for _ in 0..30 {
        let sources = match code.body().free.len() {
            1 => vec![From::Free(0)],
            _ => vec![From::Free(0), From::Free(1)],
        };
        let mut body = maker(code, sources);
        body.closures.push(body.closures[0].clone());
        body.words.insert(2, quipu_code::Word::ax(quipu_code::Op::MakeClosure, 1, 1));
        code = checked(body);
    }
    assert_eq!(listing(&code, None).matches("\nfn ").count(), 30);
}
