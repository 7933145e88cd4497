//! Finds the part of a piece that gives way where the piece makes no sense.

use std::ops::Range;

use crate::token::{Kind, Token};

/// The smallest part around the token at `at`, which does not fit, that an operand or pattern could stand for: what
/// stands between commas and brackets around it, or else all that follows `=` or `=>`. None if there is no such part,
/// or if it has given way already.
pub fn part_around(tokens: &[Token], at: usize) -> Option<Range<usize>> {
    let before = tokens.get(..at)?;
    // Without `in` the head of a loop is wrong as a whole.
    if tokens.first()?.kind == Kind::For && tokens.iter().all(|token| token.kind != Kind::In) {
        return None;
    }
    let mut depth = 0u32;
    let mut start = None;
    let mut opening = None;
    let mut sign = None;
    for (index, token) in before.iter().enumerate().rev() {
        match token.kind {
            kind if is_closing(kind) => depth += 1,
            kind if is_opening(kind) && depth == 0 => {
                opening = Some(index);
                break;
            }
            kind if is_opening(kind) => depth -= 1,
            Kind::Comma if depth == 0 && start.is_none() => start = Some(index + 1),
            Kind::Assign | Kind::Arrow if depth == 0 && sign.is_none() => sign = Some(index),
            _ => {}
        }
    }
    let part = match (opening, sign) {
        (Some(opening), _) => start.unwrap_or(opening + 1)..part_end(tokens, at),
        (None, Some(sign)) => sign + 1..tokens.len(),
        (None, None) => return None,
    };
    match &tokens[part.clone()] {
        [only] if only.kind == Kind::Error => None,
        _ => Some(part),
    }
}

/// The next comma or closing bracket at the level of `at`.
pub fn part_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0u32;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            kind if is_opening(kind) => depth += 1,
            kind if is_closing(kind) && depth == 0 => return index,
            kind if is_closing(kind) => depth -= 1,
            Kind::Comma if depth == 0 => return index,
            _ => {}
        }
    }
    tokens.len()
}

/// Whether a group begins with this token; closure bars count.
pub fn is_opening(kind: Kind) -> bool {
    matches!(kind, Kind::ParenOpen | Kind::SquareOpen | Kind::MembersOpen | Kind::HoleOpen | Kind::BarOpen)
}

/// Whether a group ends with this token.
pub fn is_closing(kind: Kind) -> bool {
    matches!(kind, Kind::ParenClose | Kind::SquareClose | Kind::MembersClose | Kind::HoleClose | Kind::BarClose)
}
