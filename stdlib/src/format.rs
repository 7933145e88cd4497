//! The built-in function `format`: values as format specs say. The grammar is in `quipu_lang::spec`.

use std::fmt::Write;

use quipu_lang::spec::{Align, Letters, Sign, Spec, SpecKind};
use quipu_vm::heap::Special;
use quipu_vm::ops::text as show;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::text;
use crate::text::STRING;

/// A value as a spec says.
pub(crate) fn format<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let written = text(cx, args[1], "spec")?.as_str();
    let spec = match Spec::parse(written) {
        Ok(spec) => spec,
        Err(mistake) => {
            let position = written[..mistake.at].chars().count();
            let message = format!("{} (position {position} of the spec)", mistake.reason);
            return Err(cx.fail_here_with(ErrorKind::Value, message, Value::int(position as i64)));
        }
    };
    // Beyond the digits that a float has each costs a calculation with all of them.
    let precision = spec.precision.unwrap_or(0);
    cx.work(spec.width / 64 + if precision > 17 { precision } else { 0 })?;
    match args[0].view() {
        View::Int(int) if spec.kind.is_none_or(SpecKind::is_for_numbers) => {
            let number = int_number(&spec, int);
            finish(cx, &spec, number)
        }
        View::Float(_) if spec.kind.is_some_and(SpecKind::is_for_ints) => {
            Err(cx.fail_here(ErrorKind::Type, "d, x, X, b and o are for ints, got float"))
        }
        View::Float(float) if spec.kind.is_none_or(SpecKind::is_for_numbers) => {
            let number = float_number(&spec, float);
            finish(cx, &spec, number)
        }
        _ => as_text(cx, &spec, args[0]),
    }
}

/// A number taken apart, so that filling can go between its parts.
struct Number {
    is_negative: bool,
    prefix: &'static str,
    /// The digits before the point; what can be grouped.
    whole: String,
    /// Point, decimals, exponent and the like.
    rest: String,
    /// How many digits a group has; none for what has no digits.
    group: usize,
}

fn int_number(spec: &Spec, int: i64) -> Number {
    let size = int.unsigned_abs();
    let number = |prefix: &'static str, whole: String, group| Number {
        is_negative: int < 0,
        prefix: if spec.prefixed { prefix } else { "" },
        whole,
        rest: String::new(),
        group,
    };
    match spec.kind {
        Some(SpecKind::Hexadecimal(Letters::Small)) => number("0x", format!("{size:x}"), 4),
        Some(SpecKind::Hexadecimal(Letters::Capital)) => number("0X", format!("{size:X}"), 4),
        Some(SpecKind::Binary) => number("0b", format!("{size:b}"), 4),
        Some(SpecKind::Octal) => number("0o", format!("{size:o}"), 4),
        Some(SpecKind::Exponent(_) | SpecKind::General | SpecKind::Percent) => float_number(spec, int as f64),
        // All digits of an int are known, those after the point too.
        Some(SpecKind::Fixed) => {
            Number { rest: decimals(spec.precision.unwrap_or(6)), ..number("", size.to_string(), 3) }
        }
        _ => Number { rest: spec.precision.map_or(String::new(), decimals), ..number("", size.to_string(), 3) },
    }
}

/// A point and so many zeros.
fn decimals(count: usize) -> String {
    if count == 0 { String::new() } else { format!(".{}", "0".repeat(count)) }
}

fn float_number(spec: &Spec, float: f64) -> Number {
    let size = float.abs();
    let precision = spec.precision.unwrap_or(6);
    let shown = match spec.kind {
        _ if !size.is_finite() => show::float_text(size),
        Some(SpecKind::Fixed) => format!("{size:.precision$}"),
        Some(SpecKind::Percent) => format!("{:.precision$}", size * 100.0),
        Some(SpecKind::Exponent(_)) => exponent(size, precision),
        Some(SpecKind::General) => general(size, precision.max(1)),
        _ => match spec.precision {
            Some(precision) => format!("{size:.precision$}"),
            None => show::float_text(size),
        },
    };
    let digits = shown.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = shown.split_at(if size.is_finite() { digits } else { shown.len() });
    let mut rest = rest.to_string();
    match spec.kind {
        Some(SpecKind::Percent) => rest.push('%'),
        Some(SpecKind::Exponent(Letters::Capital)) => rest.make_ascii_uppercase(),
        _ => {}
    }
    let group = if size.is_finite() { 3 } else { 0 };
    Number { is_negative: float.is_sign_negative() && !float.is_nan(), prefix: "", whole: whole.into(), rest, group }
}

/// Mantissa and exponent, the latter with its sign and at least two digits.
fn exponent(size: f64, precision: usize) -> String {
    let mut text = format!("{size:.precision$e}");
    if let Some(at) = text.find('e') {
        let exponent: i32 = text[at + 1..].parse().unwrap_or(0);
        text.truncate(at);
        let sign = if exponent < 0 { '-' } else { '+' };
        // Writing into a String cannot fail.
        let _ = write!(text, "e{sign}{:02}", exponent.unsigned_abs());
    }
    text
}

/// So many significant digits without zeros at the end; with an exponent where that is shorter.
fn general(size: f64, digits: usize) -> String {
    let with_exponent = exponent(size, digits - 1);
    let at = with_exponent.find('e').unwrap_or(with_exponent.len());
    let power: i64 = with_exponent.get(at + 1..).and_then(|power| power.parse().ok()).unwrap_or(0);
    let (mantissa, tail) = if (-4..digits as i64).contains(&power) {
        (format!("{size:.*}", usize::try_from(digits as i64 - 1 - power).unwrap_or(0)), "")
    } else {
        (with_exponent[..at].to_string(), &with_exponent[at..])
    };
    let bare = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { &mantissa };
    format!("{bare}{tail}")
}

/// A number with sign, groups and filling.
fn finish<'v>(cx: &mut Cx<'v>, spec: &Spec, number: Number) -> Outcome<'v> {
    let sign = match (number.is_negative, spec.sign) {
        (true, _) => "-",
        (false, Sign::Plus) => "+",
        (false, Sign::Blank) => " ",
        (false, Sign::Minus) => "",
    };
    let Number { prefix, mut whole, rest, group, .. } = number;
    let zeros = spec.zeros && spec.align.is_none() && group > 0;
    if zeros {
        let room = spec.width.saturating_sub(sign.len() + prefix.len() + rest.len());
        let width = |digits: usize| digits + if spec.group.is_some() { (digits - 1) / group } else { 0 };
        let mut digits = whole.len();
        while width(digits) < room {
            digits += 1;
        }
        whole.insert_str(0, &"0".repeat(digits - whole.len()));
    }
    if let Some(separator) = spec.group.filter(|_| group > 0) {
        whole = grouped(&whole, group, separator);
    }
    let left = format!("{sign}{prefix}");
    let right = format!("{whole}{rest}");
    // `0` with an alignment fills with zeros there, unless that says what else.
    let fill = spec.fill.unwrap_or(if spec.zeros && !zeros && group > 0 { '0' } else { ' ' });
    pad(cx, spec, fill, Align::Right, &left, &right)
}

fn grouped(digits: &str, group: usize, separator: char) -> String {
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(group) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// Anything as a text, cut to the precision.
fn as_text<'v>(cx: &mut Cx<'v>, spec: &Spec, value: Value<'v>) -> Outcome<'v> {
    let is_source = spec.kind == Some(SpecKind::Source);
    if value.special(Special::str).is_some() && !is_source {
        return Err(Fault::Defer);
    }
    if spec.is_numeric() {
        let kind = value.kind_name();
        let what = "only numbers have sign, zeros, groups and the kinds d x X b o f e E g %";
        return Err(cx.fail_here(ErrorKind::Type, format!("{what}, got {kind}")));
    }
    let shown = if is_source { show::repr_text(cx, value)?.into() } else { show::str_text(cx, value)? };
    cx.work(shown.len() / 16)?;
    let end = spec.precision.and_then(|most| shown.char_indices().nth(most)).map_or(shown.len(), |(at, _)| at);
    pad(cx, spec, spec.fill.unwrap_or(' '), Align::Left, "", &shown[..end])
}

/// Fills up to the width.
fn pad<'v>(cx: &mut Cx<'v>, spec: &Spec, fill: char, usual: Align, left: &str, right: &str) -> Outcome<'v> {
    let length = left.len() + right.chars().count();
    let missing = spec.width.saturating_sub(length);
    cx.reserve(2 * (left.len() + right.len() + missing * fill.len_utf8() + STRING))?;
    cx.work((right.len() + missing) / 64)?;
    let align = spec.align.unwrap_or(usual);
    let (before, inside, after) = match align {
        Align::Left => (0, 0, missing),
        Align::Right => (missing, 0, 0),
        Align::Middle => (missing / 2, 0, missing - missing / 2),
        Align::Inside => (0, missing, 0),
    };
    let mut out = String::with_capacity(left.len() + right.len() + missing * fill.len_utf8());
    let filling = |count| std::iter::repeat_n(fill, count);
    out.extend(filling(before));
    out.push_str(left);
    out.extend(filling(inside));
    out.push_str(right);
    out.extend(filling(after));
    cx.str(&out)
}
