//! Canonical bytes: one byte string for one code object, and nothing else is read.

use quipu_code::canonical::CanonicalError;
use quipu_code::{
    Body, CaptureSource, Code, CodeHash, Constant, DecodeError, EDITION, FreeKind, Op, Word, children_of,
};

use crate::sample::{captures, checked, constructor, identity, maker, owner, plain, point, ret, total, total_debug};

fn samples() -> Vec<Code> {
    vec![
        identity(),
        owner(),
        captures(FreeKind::Cell),
        constructor(3),
        checked(total()),
        checked(point()),
        checked(maker(captures(FreeKind::Value), vec![CaptureSource::Free(0)])),
        checked(maker(captures(FreeKind::Value), vec![CaptureSource::Owner])),
        checked(maker(captures(FreeKind::Value), vec![CaptureSource::Running])),
        checked(Body { optional: 2, rest: true, ..plain(3, vec![ret(2)]) }),
    ]
}

fn decode(bytes: &[u8], like: &Code) -> Result<Code, DecodeError> {
    Code::decode(bytes, |hash| like.body().children.iter().find(|child| child.hash() == *hash).cloned())
}

#[test]
fn code_comes_back_from_its_bytes() {
    for code in samples() {
        let bytes = code.encode();
        let back = decode(&bytes, &code).unwrap();
        assert_eq!(back.body(), code.body());
        assert_eq!(back.hash(), code.hash());
        assert_eq!(back.uses_owner(), code.uses_owner());
        assert_eq!(back.encode(), bytes);
        assert_eq!(CodeHash::of(&bytes), code.hash());
        assert!(back.debug().is_none());
    }
}

#[test]
fn different_code_has_different_hashes() {
    let mut hashes: Vec<CodeHash> = samples().iter().map(Code::hash).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), samples().len());
}

#[test]
fn debug_information_is_not_in_the_bytes() {
    let code = checked(total());
    let with_debug = code.clone().with_debug(Some(total_debug()));
    assert_eq!(with_debug.encode(), code.encode());
    assert_eq!(with_debug.hash(), code.hash());
}

/// A change here changes every hash that people have stored: it needs a new edition.
#[test]
fn the_bytes_of_edition_1_stay_what_they_are() {
    let code = checked(Body {
        required: 1,
        free: vec![FreeKind::Cell],
        constants: vec![Constant::Int(-300), Constant::Str("é".into()), Constant::Float(1.5f64.to_bits())],
        ..plain(
            2,
            vec![
                Word::ax(Op::LoadInt, 1, -1i32 as u32),
                Word::ax(Op::LoadConst, 1, 0),
                Word::ax(Op::LoadConst, 1, 1),
                Word::ax(Op::LoadConst, 1, 2),
                Word::abc(Op::Add, 1, 0, 1),
                Word::ax(Op::SetFreeCell, 1, 0),
                ret(0),
            ],
        )
    });
    let golden = [
        (
            code,
            "01010000020101070401010501000501010501021801000109010050000000000301fb57020302c3a902000000000000f83f00",
            "2f5138dfdfbc1fdfb835ef449ef99578fcaced4e233058d695dcf4725c8c7dca",
        ),
        (
            checked(total()),
            "010200000b0101130a02010b0201680300380f0c070208080001090648080801180707080d0207380f060800010907050a01480708026a0603420604100300500301000100020001040a0b070203057072696e7402000000000000f83f016dd33abe8934a7623566cb048d48a25037180f6293368fef53aad25ad2305357",
            "3575c9ebd8f4828688f4bde9bfa65a006c1d86773e8784c7910da56dd0f088d6",
        ),
        (
            checked(point()),
            "010000000100021100005000000100020102000002030101000400020000050305506f696e7403017803017903047377617003066f726967696e03731d37a1b0aefc34c130fcec795b2e3ec06b1c82a74d166d6351e6da726fb2768cedd8a4b8ede93c38eef479d89e3b2815d9028170f7ee2e0ae2f97195919acca7ab88623848e5450d5c1ed14d8d49a3bc63abbfe04e37d4405f669f3defac22",
            "00c832e1687bc56655ca763f30c024114af4d66a180a681b535b5635fd7d93a1",
        ),
    ];
    for (code, bytes, hash) in golden {
        let hex: String = code.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&*hex, &*code.hash().to_string()), (bytes, hash));
    }
}

#[test]
fn every_beginning_is_refused() {
    for code in samples() {
        let bytes = code.encode();
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end], &code).unwrap_err();
            assert_eq!(error, DecodeError::Bytes(CanonicalError::Truncated), "{code:?} cut at {end}");
        }
    }
}

#[test]
fn anything_behind_is_refused() {
    for code in samples() {
        for extra in [0, 1, 255] {
            let mut bytes = code.encode();
            bytes.push(extra);
            assert_eq!(decode(&bytes, &code).unwrap_err(), DecodeError::Bytes(CanonicalError::Trailing));
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_or_makes_other_code() {
    for code in samples() {
        let bytes = code.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = decode(&flipped, &code) {
                assert_ne!(other.hash(), code.hash());
                assert_ne!(other.body(), code.body());
                assert_eq!(other.encode(), flipped);
                assert_eq!(Code::check(other.body().clone(), None).unwrap().hash(), other.hash());
            }
        }
    }
}

#[test]
fn another_edition_is_refused_by_name() {
    let mut bytes = identity().encode();
    bytes[0] = 100;
    let error = decode(&bytes, &identity()).unwrap_err();
    assert_eq!(error, DecodeError::Edition(100));
    let known = format!("code of edition 100 needs a newer version; this one knows edition {EDITION}");
    assert_eq!(error.to_string(), known);
    bytes[0] = 0;
    assert_eq!(decode(&bytes, &identity()).unwrap_err(), DecodeError::Edition(0));
}

#[test]
fn code_is_of_the_lowest_edition_that_has_its_instructions() {
    let mut bytes = identity().encode();
    assert_eq!((identity().edition(), bytes[0]), (1, 1));
    bytes[0] = 2;
    assert_eq!(decode(&bytes, &identity()).unwrap_err(), DecodeError::Bytes(CanonicalError::NotCanonical));
    let lookup = Word::abc(Op::GetIndexOrNil, 1, 0, 0);
    let code = checked(Body { required: 1, ..plain(2, vec![lookup, Word::abc(Op::Return, 1, 0, 0)]) });
    let mut bytes = code.encode();
    assert_eq!((code.edition(), bytes[0]), (2, 2));
    assert_eq!(decode(&bytes, &identity()).unwrap().hash(), code.hash());
    bytes[0] = 1;
    assert_eq!(decode(&bytes, &identity()).unwrap_err(), DecodeError::Bytes(CanonicalError::NotCanonical));
}

#[test]
fn a_number_written_too_long_is_refused() {
    let bytes = identity().encode();
    let longer = [&[251, bytes[0], 0], &bytes[1..]].concat();
    assert_eq!(decode(&longer, &identity()).unwrap_err(), DecodeError::Bytes(CanonicalError::NotCanonical));
}

#[test]
fn a_missing_child_is_named() {
    let code = checked(total());
    let child = code.body().children[0].hash();
    assert_eq!(children_of(&code.encode()).unwrap(), [child]);
    assert_eq!(Code::decode(&code.encode(), |_| None).unwrap_err(), DecodeError::MissingChild(child));
}

/// The lookup is the caller's, and may be wrong.
#[test]
fn a_false_child_is_refused() {
    let code = checked(total());
    let error =
        Code::decode(&code.encode(), |_| Some(captures(FreeKind::Cell).with_debug(None))).map(|code| code.hash());
    assert_eq!(error, Ok(code.hash()));
    let error = Code::decode(&code.encode(), |_| Some(identity())).unwrap_err();
    assert_eq!(error, DecodeError::Bytes(CanonicalError::NotCanonical));
}

#[test]
fn a_broken_body_is_refused_by_the_checker() {
    let mut bytes = identity().encode();
    // The register of the return.
    let register = bytes.len() - 6;
    assert_eq!(bytes[register - 1], Op::Return as u8);
    bytes[register] = 7;
    assert!(matches!(decode(&bytes, &identity()), Err(DecodeError::Check(_))));
}

#[test]
fn lengths_are_not_believed() {
    // After the head of a code object, each list in turn claims 2^64 - 1 entries.
    for lists_before in 0..7 {
        let mut bytes = vec![1, 0, 0, 0, 1];
        bytes.extend(vec![0; lists_before]);
        bytes.extend([253, 255, 255, 255, 255, 255, 255, 255, 255]);
        let error = Code::decode(&bytes, |_| None).unwrap_err();
        assert_eq!(error, DecodeError::Bytes(CanonicalError::Truncated));
    }
}

/// Entries may be much larger in memory than in bytes, so no more are read than can be used.
#[test]
fn more_entries_than_uses_are_refused() {
    let malformed = DecodeError::Bytes(CanonicalError::Malformed);
    // One return, and lists in order: closures, types, handlers, constants, children.
    let with = |lists: &[u8]| {
        let bytes = [&[1, 0, 0, 0, 1, 0, 1, Op::Return as u8, 0], lists].concat();
        Code::decode(&bytes, |_| None).unwrap_err()
    };
    assert_eq!(with(&[1, 0, 0, 0, 0, 0, 0]), malformed);
    assert_eq!(with(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), malformed);
    assert_eq!(with(&[0, 0, 0, 1, 1, 0, 0]), malformed);
}

#[test]
fn debug_information_comes_back() {
    let code = checked(total()).with_debug(Some(total_debug()));
    let bytes = code.encode_debug().unwrap();
    let back = code.clone().with_debug(None).decode_debug(&bytes).unwrap();
    assert_eq!(back.debug(), Some(&total_debug()));
    assert_eq!(code.clone().with_debug(None).encode_debug(), None);
    for end in 0..bytes.len() {
        assert_eq!(code.clone().decode_debug(&bytes[..end]).unwrap_err(), CanonicalError::Truncated);
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = code.clone().decode_debug(&flipped) {
            assert_ne!(other.debug(), code.debug());
            assert_eq!(other.encode_debug().unwrap(), flipped);
        }
    }
}

#[test]
fn odd_debug_information_comes_back_too() {
    let mut debug = total_debug();
    debug.positions.reverse();
    debug.positions[0].span = quipu_code::span::Span::new(u32::MAX, 0);
    debug.positions[1].line = u32::MAX;
    debug.positions[2].pc = u32::MAX;
    debug.doc = None;
    let code = checked(total()).with_debug(Some(debug.clone()));
    let back = code.clone().decode_debug(&code.encode_debug().unwrap()).unwrap();
    assert_eq!(back.debug(), Some(&debug));
}

#[test]
fn debug_information_names_no_more_than_there_is() {
    let code = checked(total()).with_debug(Some(total_debug()));
    let bytes = code.encode_debug().unwrap();
    assert_eq!(identity().decode_debug(&bytes).unwrap_err(), CanonicalError::Malformed);
}
