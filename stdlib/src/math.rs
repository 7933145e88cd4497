//! The module `math`. Its functions are computed in software, so that they give the same on every machine.

use std::cmp::Ordering;
use std::f64::consts;

use quipu_vm::library::Constant;
use quipu_vm::ops::order::compare;
use quipu_vm::{Cx, ErrorKind, Outcome, Value};

use crate::args::{int, number};
use crate::core::{ceil, floor};
use crate::entry::{self, Entry, native};

pub(crate) const CONSTANTS: &[entry::Value] = &[
    entry::Value {
        name: "pi",
        doc: "The ratio of a circle's circumference to its diameter.",
        value: Constant::Float(consts::PI),
    },
    entry::Value { name: "tau", doc: "Twice `pi`.", value: Constant::Float(consts::TAU) },
    entry::Value { name: "e", doc: "The base of the natural logarithm.", value: Constant::Float(consts::E) },
    entry::Value { name: "inf", doc: "Positive infinity.", value: Constant::Float(f64::INFINITY) },
    entry::Value {
        name: "nan",
        doc: "The float that is no number and equals nothing.",
        value: Constant::Float(f64::NAN),
    },
    entry::Value { name: "max_int", doc: "The greatest int.", value: Constant::Int(i64::MAX) },
    entry::Value { name: "min_int", doc: "The smallest int.", value: Constant::Int(i64::MIN) },
];

/// Declares natives that map one number to a float.
macro_rules! functions {
    ($($name:ident $signature:literal $doc:literal $function:expr;)*) => {
        $(fn $name<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
            let x = number(cx, args[0])?;
            let function: fn(f64) -> f64 = $function;
            Ok(Value::float(function(x)))
        })*

        const FUNCTIONS: &[Entry] = &[$(native($signature, $doc, $name)),*];
    };
}

functions! {
    sqrt  "sqrt(x)"  "The square root; nan of a negative number."            f64::sqrt;
    cbrt  "cbrt(x)"  "The cube root."                                        libm::cbrt;
    exp   "exp(x)"   "`e` to the power of x."                                libm::exp;
    log2  "log2(x)"  "The logarithm to the base 2."                          libm::log2;
    log10 "log10(x)" "The logarithm to the base 10."                         libm::log10;
    sin   "sin(x)"   "The sine of an angle in radians."                      libm::sin;
    cos   "cos(x)"   "The cosine of an angle in radians."                    libm::cos;
    tan   "tan(x)"   "The tangent of an angle in radians."                   libm::tan;
    asin  "asin(x)"  "The angle in radians whose sine is x."                 libm::asin;
    acos  "acos(x)"  "The angle in radians whose cosine is x."               libm::acos;
    atan  "atan(x)"  "The angle in radians whose tangent is x."              libm::atan;
    sinh  "sinh(x)"  "The hyperbolic sine."                                  libm::sinh;
    cosh  "cosh(x)"  "The hyperbolic cosine."                                libm::cosh;
    tanh  "tanh(x)"  "The hyperbolic tangent."                               libm::tanh;
}

const OTHERS: &[Entry] = &[
    native("atan2(y, x)", "The angle in radians of the point (x, y).", atan2),
    native("hypot(x, y)", "The distance of the point (x, y) from the origin.", hypot),
    native("log(x, base = e)", "The natural logarithm, or that to another base.", log),
    native("floor(x)", "The greatest int that is not above x.", floor).shown("floor"),
    native("ceil(x)", "The smallest int that is not below x.", ceil).shown("ceil"),
    native("trunc(x)", "The int that is left when the fraction is cut off.", trunc),
    native("gcd(a, b)", "The greatest common divisor of two ints; `gcd(0, 0)` is 0.", gcd),
    native("lcm(a, b)", "The least common multiple of two ints.", lcm),
    native("isqrt(n)", "The greatest int whose square is not above n.", isqrt),
    native("clamp(x, low, high)", "The number of a range that is nearest to x.", clamp),
    native("sign(x)", "-1, 0 or 1, as a number is negative, zero or positive.", sign),
    native("degrees(x)", "An angle in degrees, from radians.", |cx, args| {
        Ok(Value::float(number(cx, args[0])? * (180.0 / consts::PI)))
    }),
    native("radians(x)", "An angle in radians, from degrees.", |cx, args| {
        Ok(Value::float(number(cx, args[0])? * (consts::PI / 180.0)))
    }),
    native("is_nan(x)", "Whether a number is nan.", is_nan),
    native("is_finite(x)", "Whether a number is neither infinite nor nan.", is_finite),
];

/// The functions of the module.
pub(crate) fn natives() -> impl Iterator<Item = &'static Entry> {
    FUNCTIONS.iter().chain(OTHERS)
}

fn atan2<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let y = number(cx, args[0])?;
    let x = number(cx, args[1])?;
    Ok(Value::float(libm::atan2(y, x)))
}

fn hypot<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let x = number(cx, args[0])?;
    let y = number(cx, args[1])?;
    Ok(Value::float(libm::hypot(x, y)))
}

fn log<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let x = number(cx, args[0])?;
    match args.get(1) {
        None => Ok(Value::float(libm::log(x))),
        Some(&base) => {
            let base = number(cx, base)?;
            // These two are exact for powers of their base; the quotient of two logarithms is not.
            Ok(Value::float(if base == 2.0 {
                libm::log2(x)
            } else if base == 10.0 {
                libm::log10(x)
            } else {
                libm::log(x) / libm::log(base)
            }))
        }
    }
}

fn trunc<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    crate::core::to_int(cx, args[0], f64::trunc)
}

fn gcd<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let a = int(cx, args[0], "operand")?;
    let b = int(cx, args[1], "operand")?;
    match i64::try_from(greatest_divisor(a.unsigned_abs(), b.unsigned_abs())) {
        Ok(divisor) => Ok(Value::int(divisor)),
        Err(_) => Err(cx.fail_here(ErrorKind::Overflow, "the result is beyond the range of int")),
    }
}

fn lcm<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let a = int(cx, args[0], "operand")?.unsigned_abs();
    let b = int(cx, args[1], "operand")?.unsigned_abs();
    if a == 0 || b == 0 {
        return Ok(Value::int(0));
    }
    match (a / greatest_divisor(a, b)).checked_mul(b).and_then(|multiple| i64::try_from(multiple).ok()) {
        Some(multiple) => Ok(Value::int(multiple)),
        None => Err(cx.fail_here(ErrorKind::Overflow, "the result is beyond the range of int")),
    }
}

fn greatest_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn isqrt<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    match int(cx, args[0], "operand")?.checked_isqrt() {
        Some(root) => Ok(Value::int(root)),
        None => Err(cx.fail_here(ErrorKind::Value, "a negative number has no root")),
    }
}

/// Gives one of its arguments, so that an int stays one. Ints are compared as such: not every int is a float.
fn clamp<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    for &arg in args {
        number(cx, arg)?;
    }
    let [x, low, high] = *args else { return Err(cx.fail_here(ErrorKind::Value, "expected three numbers")) };
    if compare(cx, "<", low, high)? == Some(Ordering::Greater) {
        return Err(cx.fail_here(ErrorKind::Value, "low is above high"));
    }
    Ok(match (compare(cx, "<", x, low)?, compare(cx, "<", x, high)?) {
        (Some(Ordering::Less), _) => low,
        (_, Some(Ordering::Greater)) => high,
        _ => x,
    })
}

fn sign<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let x = number(cx, args[0])?;
    match x.partial_cmp(&0.0) {
        Some(sign) => Ok(Value::int(sign as i64)),
        None => Err(cx.fail_here(ErrorKind::Value, "nan has no sign")),
    }
}

fn is_nan<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(number(cx, args[0])?.is_nan()))
}

fn is_finite<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::bool(number(cx, args[0])?.is_finite()))
}
