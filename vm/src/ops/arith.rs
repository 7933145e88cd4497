//! Arithmetic and bit operators on the built-in kinds.

use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::{GROWING, Heap, Special, Str, Value, View, tag};
use crate::native::{Fault, Outcome};

/// An operator with two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
}

impl Operator {
    /// How it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
            Operator::Div => "/",
            Operator::FloorDiv => "//",
            Operator::Mod => "%",
            Operator::Pow => "**",
            Operator::BitAnd => "&",
            Operator::BitOr => "|",
            Operator::BitXor => "^",
            Operator::Shl => "<<",
            Operator::Shr => ">>",
        }
    }

    /// The special method that instances carry it out with.
    pub const fn method(self) -> Option<Special> {
        match self {
            Operator::Add => Some(Special::add),
            Operator::Sub => Some(Special::sub),
            Operator::Mul => Some(Special::mul),
            Operator::Div => Some(Special::div),
            Operator::FloorDiv => Some(Special::floordiv),
            Operator::Mod => Some(Special::r#mod),
            Operator::Pow => Some(Special::pow),
            Operator::BitAnd | Operator::BitOr | Operator::BitXor | Operator::Shl | Operator::Shr => None,
        }
    }
}

/// Why there is no number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Failure {
    Overflow,
    ZeroDivision,
    /// A shift by less than 0 or more than 63.
    Shift,
    /// The operator takes ints.
    Floats,
}

/// `a op b` for values that are no instances with a method for it.
///
/// # Errors
/// `type_error`, `overflow`, `zero_division` or `value_error` as the operator says; as [`Cx::reserve`].
pub fn binary<'v>(cx: &mut Cx<'v>, operator: Operator, a: Value<'v>, b: Value<'v>) -> Outcome<'v> {
    let number = match (a.view(), b.view()) {
        (View::Int(a), View::Int(b)) => ints(operator, a, b),
        (View::Float(a), View::Float(b)) => floats(operator, a, b),
        (View::Int(a), View::Float(b)) => floats(operator, a as f64, b),
        (View::Float(a), View::Int(b)) => floats(operator, a, b as f64),
        _ => return containers(cx, operator, a, b),
    };
    number.map_err(|failure| number_fault(cx, failure, operator, a, b))
}

#[cold]
fn number_fault<'v>(cx: &mut Cx<'v>, failure: Failure, operator: Operator, a: Value<'v>, b: Value<'v>) -> Fault<'v> {
    let symbol = operator.symbol();
    let (x, y) = (a.as_int().unwrap_or(0), b.as_int().unwrap_or(0));
    match failure {
        Failure::Overflow => {
            // A negative left operand of `**` needs its parentheses to mean itself.
            let x = if x < 0 && operator == Operator::Pow { format!("({x})") } else { x.to_string() };
            let lost = if operator == Operator::Shl { "loses bits" } else { "does not fit an int" };
            cx.fail(ErrorKind::Overflow, format!("{x} {symbol} {y} {lost}"))
        }
        Failure::ZeroDivision => cx.fail(ErrorKind::ZeroDivision, format!("{x} {symbol} 0: division by zero")),
        Failure::Shift => {
            cx.fail(ErrorKind::Overflow, format!("cannot shift by {y}: the distance must be from 0 to 63"))
        }
        Failure::Floats => wrong_types(cx, operator, a, b),
    }
}

/// `a op b` for two ints.
#[inline]
fn ints<'v>(operator: Operator, a: i64, b: i64) -> Result<Value<'v>, Failure> {
    let int = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Sub => a.checked_sub(b),
        Operator::Mul => a.checked_mul(b),
        Operator::Div => return Ok(Value::float(a as f64 / b as f64)),
        Operator::FloorDiv | Operator::Mod if b == 0 => return Err(Failure::ZeroDivision),
        Operator::FloorDiv => floor_div(a, b),
        Operator::Mod => Some(floor_mod(a, b)),
        Operator::Pow if b < 0 => return Ok(Value::float((a as f64).powf(b as f64))),
        Operator::Pow => power(a, b),
        Operator::BitAnd => Some(a & b),
        Operator::BitOr => Some(a | b),
        Operator::BitXor => Some(a ^ b),
        Operator::Shl | Operator::Shr if !(0..64).contains(&b) => return Err(Failure::Shift),
        Operator::Shl => Some(a << b).filter(|shifted| shifted >> b == a),
        Operator::Shr => Some(a >> b),
    };
    int.map(Value::int).ok_or(Failure::Overflow)
}

/// The quotient rounded down; nothing for the one that does not fit. `b` is not 0.
fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

/// The remainder with the sign of the divisor. `b` is not 0.
fn floor_mod(a: i64, b: i64) -> i64 {
    let remainder = a.wrapping_rem(b);
    if remainder != 0 && (remainder < 0) != (b < 0) { remainder + b } else { remainder }
}

/// A power with an exponent of 0 or more.
fn power(a: i64, b: i64) -> Option<i64> {
    match a {
        0 | 1 => Some(if b == 0 { 1 } else { a }),
        -1 => Some(if b % 2 == 0 { 1 } else { -1 }),
        _ => a.checked_pow(u32::try_from(b).ok()?),
    }
}

/// `a op b` for two floats.
fn floats<'v>(operator: Operator, a: f64, b: f64) -> Result<Value<'v>, Failure> {
    Ok(Value::float(match operator {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mul => a * b,
        Operator::Div => a / b,
        Operator::FloorDiv => float_floor_div(a, b),
        Operator::Mod => float_mod(a, b),
        Operator::Pow => a.powf(b),
        _ => return Err(Failure::Floats),
    }))
}

/// The quotient rounded down, computed from the exact remainder, as the quotient itself may already be rounded up.
fn float_floor_div(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if b == 0.0 || remainder.is_nan() {
        return (a / b).floor();
    }
    let mut quotient = (a - remainder) / b;
    if remainder != 0.0 && (remainder < 0.0) != (b < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0f64.copysign(a / b);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// The remainder with the sign of the divisor.
fn float_mod(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if remainder == 0.0 {
        0.0f64.copysign(b)
    } else if (remainder < 0.0) != (b < 0.0) {
        remainder + b
    } else {
        remainder
    }
}

/// `-a` for a value that is no instance with `neg`.
///
/// # Errors
/// `type_error`, `overflow`.
pub fn negate<'v>(cx: &mut Cx<'v>, a: Value<'v>) -> Outcome<'v> {
    match a.view() {
        View::Int(int) => match int.checked_neg() {
            Some(int) => Ok(Value::int(int)),
            None => Err(cx.fail(ErrorKind::Overflow, format!("-({int}) does not fit an int"))),
        },
        View::Float(float) => Ok(Value::float(-float)),
        _ => {
            let advice = if a.tag == tag::INSTANCE { "; its type has no method `neg`" } else { "" };
            Err(cx.fail(ErrorKind::Type, format!("cannot apply `-` to {}{advice}", a.kind_name())))
        }
    }
}

/// `~a`.
///
/// # Errors
/// `type_error`.
pub fn complement<'v>(cx: &mut Cx<'v>, a: Value<'v>) -> Outcome<'v> {
    match a.view() {
        View::Int(int) => Ok(Value::int(!int)),
        _ => Err(cx.fail(ErrorKind::Type, format!("cannot apply `~` to {}; it takes an int", a.kind_name()))),
    }
}

/// `+` and `*` where they join and repeat.
fn containers<'v>(cx: &mut Cx<'v>, operator: Operator, a: Value<'v>, b: Value<'v>) -> Outcome<'v> {
    match (operator, a.view(), b.view()) {
        (Operator::Add, View::Str(x), View::Str(y)) => {
            let parts = [x.as_str(), y.as_str()];
            let (len, ascii) = (parts[0].len() + parts[1].len(), x.is_ascii() & y.is_ascii());
            if parts[0].len() >= GROWING {
                return append(cx, x, &parts, len, ascii);
            }
            charge(cx, len)?;
            Ok(cx.heap().str_joined(&parts, len, ascii).into())
        }
        (Operator::Add, View::Bytes(x), View::Bytes(y)) => {
            let parts = [x.as_slice(), y.as_slice()];
            charge(cx, parts[0].len() + parts[1].len())?;
            Ok(cx.heap().bytes(&parts).into())
        }
        (Operator::Add, View::List(x), View::List(y)) => {
            charge(cx, (x.len() + y.len()) * size_of::<Value<'_>>())?;
            let mut items = Vec::with_capacity(x.len() + y.len());
            items.extend(x.iter().chain(y.iter()));
            Ok(cx.heap().list(items).into())
        }
        (Operator::Add, View::Tuple(x), View::Tuple(y)) => {
            // Joined once in passing and once in its place.
            charge(cx, (x.len() + y.len()) * size_of::<Value<'_>>() * 2)?;
            let items = [x.as_slice(), y.as_slice()].concat();
            Ok(cx.heap().tuple(&items).into())
        }
        (Operator::Mul, View::Str(_) | View::List(_), View::Int(count)) => repeat(cx, a, count),
        (Operator::Mul, View::Int(count), View::Str(_) | View::List(_)) => repeat(cx, b, count),
        _ => Err(wrong_types(cx, operator, a, b)),
    }
}

/// The text of these parts, the first of which is the long string `first`, with their length; `ascii` says whether all of them
/// are.
#[cold]
#[inline(never)]
pub(crate) fn append<'v>(cx: &mut Cx<'v>, first: Str<'v>, parts: &[&str], len: usize, ascii: bool) -> Outcome<'v> {
    cx.reserve(Heap::needed_to_append(first, len - first.as_str().len()))?;
    // It costs as much wherever the bytes lie.
    cx.work(len / 64)?;
    Ok(cx.heap().str_appended(first, parts, len, ascii).into())
}

/// A string or list, `count` times over.
///
/// # Errors
/// `value_error` for a count below 0; as [`Cx::reserve`].
pub fn repeat<'v>(cx: &mut Cx<'v>, a: Value<'v>, count: i64) -> Outcome<'v> {
    let Ok(count) = usize::try_from(count) else {
        let message = format!("cannot repeat a {} {count} times: the count must not be below 0", a.kind_name());
        return Err(cx.fail(ErrorKind::Value, message));
    };
    match a.view() {
        View::Str(text) => {
            charge(cx, text.as_str().len().saturating_mul(count))?;
            Ok(cx.heap().str_repeated(text.as_str(), count).into())
        }
        View::List(list) => {
            let len = list.len().saturating_mul(count);
            charge(cx, len.saturating_mul(size_of::<Value<'_>>()))?;
            let items = if len == 0 { Vec::new() } else { list.to_vec().repeat(count) };
            Ok(cx.heap().list(items).into())
        }
        _ => Err(wrong_types(cx, Operator::Mul, a, Value::int(0))),
    }
}

/// Reserves and pays for the bytes of a new object.
fn charge<'v>(cx: &mut Cx<'v>, bytes: usize) -> Result<(), Fault<'v>> {
    cx.reserve(bytes)?;
    if bytes < 64 { Ok(()) } else { cx.work(bytes / 64) }
}

#[cold]
fn wrong_types<'v>(cx: &mut Cx<'v>, operator: Operator, a: Value<'v>, b: Value<'v>) -> Fault<'v> {
    let (x, y, symbol) = (a.kind_name(), b.kind_name(), operator.symbol());
    let what = match operator {
        Operator::Add => format!("cannot add {x} and {y}"),
        _ => format!("cannot apply `{symbol}` to {x} and {y}"),
    };
    let advice = match (operator, a.tag, b.tag) {
        (_, tag::INSTANCE, _) => match operator.method() {
            Some(method) => format!("; {x} has no method `{}`", method.name()),
            None => String::new(),
        },
        (Operator::Add, tag::STR, _) => format!("; `str(...)` makes text of the {y}"),
        (Operator::Add, _, tag::STR) => format!("; `str(...)` makes text of the {x}"),
        (Operator::Add, tag::LIST, tag::TUPLE) | (Operator::Add, tag::TUPLE, tag::LIST) => {
            "; convert one of them with `list(...)` or `tuple(...)`".into()
        }
        (Operator::Mul, tag::STR | tag::LIST, tag::FLOAT) => "; the count must be an int".into(),
        (Operator::BitAnd | Operator::BitOr | Operator::BitXor | Operator::Shl | Operator::Shr, _, _) => {
            "; it takes ints".into()
        }
        _ => String::new(),
    };
    cx.fail(ErrorKind::Type, what + &advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(operator: Operator, a: i64, b: i64) -> Result<i64, Failure> {
        ints(operator, a, b).map(|value| value.as_int().unwrap_or_else(|| panic!("not an int")))
    }

    fn float(operator: Operator, a: f64, b: f64) -> f64 {
        floats(operator, a, b).ok().and_then(Value::as_float).unwrap_or_else(|| panic!("not a float"))
    }

    #[test]
    fn int_division_rounds_down() {
        for a in -20..=20i64 {
            for b in (-7..=7i64).filter(|&b| b != 0) {
                let expected = (a as f64 / b as f64).floor() as i64;
                assert_eq!(int(Operator::FloorDiv, a, b), Ok(expected), "{a} // {b}");
                assert_eq!(int(Operator::Mod, a, b), Ok(a - expected * b), "{a} % {b}");
            }
        }
    }

    #[test]
    fn the_edges_of_the_ints_overflow() {
        let (min, max) = (i64::MIN, i64::MAX);
        assert_eq!(int(Operator::FloorDiv, min, -1), Err(Failure::Overflow));
        assert_eq!(int(Operator::Mod, min, -1), Ok(0));
        assert_eq!(int(Operator::FloorDiv, min, 2), Ok(min / 2));
        assert_eq!(int(Operator::Mul, min, -1), Err(Failure::Overflow));
        assert_eq!(int(Operator::Add, max, 1), Err(Failure::Overflow));
        assert_eq!(int(Operator::Pow, 2, 62), Ok(1 << 62));
        assert_eq!(int(Operator::Pow, 2, 63), Err(Failure::Overflow));
        assert_eq!(int(Operator::Pow, -2, 63), Ok(min));
        assert_eq!(int(Operator::Pow, -1, max), Ok(-1));
        assert_eq!(int(Operator::Pow, 1, max), Ok(1));
        assert_eq!(int(Operator::Pow, 3, max), Err(Failure::Overflow));
        assert_eq!(int(Operator::Shl, 1, 62), Ok(1 << 62));
        assert_eq!(int(Operator::Shl, 1, 63), Err(Failure::Overflow));
        assert_eq!(int(Operator::Shl, -1, 63), Ok(min));
        assert_eq!(int(Operator::Shr, min, 63), Ok(-1));
        assert_eq!(int(Operator::Shl, 1, 64), Err(Failure::Shift));
        assert_eq!(int(Operator::Shr, 1, -1), Err(Failure::Shift));
        assert_eq!(int(Operator::Mod, 5, 0), Err(Failure::ZeroDivision));
    }

    #[test]
    fn float_division_rounds_down() {
        assert_eq!(float(Operator::FloorDiv, 7.0, 2.0), 3.0);
        assert_eq!(float(Operator::FloorDiv, -7.0, 2.0), -4.0);
        assert_eq!(float(Operator::Mod, -7.0, 2.0), 1.0);
        assert_eq!(float(Operator::Mod, 7.0, -2.0), -1.0);
        assert_eq!(float(Operator::FloorDiv, 1.0, 0.1), 9.0);
        assert_eq!(float(Operator::Mod, 5.0, f64::INFINITY), 5.0);
        assert_eq!(float(Operator::Mod, -5.0, f64::INFINITY), f64::INFINITY);
        assert_eq!(float(Operator::FloorDiv, -5.0, f64::INFINITY), -1.0);
        assert_eq!(float(Operator::FloorDiv, 1.0, 0.0), f64::INFINITY);
        assert!(float(Operator::Mod, 1.0, 0.0).is_nan());
        assert!(float(Operator::Mod, -4.0, 2.0).is_sign_positive());
    }
}
