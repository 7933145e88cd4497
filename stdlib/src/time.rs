//! The module `time`: clocks, and times as text. A time is a float of seconds since 1970 in UTC, a duration one of
//! seconds.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::fmt::friendly::{Spacing, SpanPrinter};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::{number, text};
use crate::entry::{Entry, native};
use crate::streams::PATIENCE;
use crate::text::beginning;

pub(crate) const NATIVES: &[Entry] = &[
    native("now()", "The time in seconds since the beginning of 1970 in UTC.", now),
    native("monotonic()", "Seconds of a clock that never goes back; only differences mean something.", monotonic),
    native("sleep(seconds)", "Waits so long.", sleep),
    native("format(t, offset = \"Z\")", "A time as RFC 3339 has it, such as \"2024-02-29T12:30:00Z\".", format),
    native("parse(text)", "The time that a text in the form of RFC 3339 says.", parse),
    native("fields(t, offset = \"Z\")", "A map of the year, month, day and so on of a time.", fields),
    native("format_duration(seconds)", "A duration as people write it, such as \"1h 30m\".", format_duration),
    native(
        "parse_duration(text)",
        "The seconds of a duration such as \"1h 30m\", \"1.5s\" or \"PT1H30M\".",
        parse_duration,
    ),
];

fn now<'v>(_: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
    Ok(Value::float(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }))
}

fn monotonic<'v>(_: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
    /// When the clock was first looked at.
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Ok(Value::float(START.elapsed().as_secs_f64()))
}

/// Sleeps in short pieces, lest a limit or the interrupt handle has to wait for it.
fn sleep<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let seconds = number(cx, args[0])?;
    let Ok(duration) = Duration::try_from_secs_f64(seconds) else {
        return Err(cx.fail_here(ErrorKind::Value, "expected a number of seconds from 0 on"));
    };
    cx.flush()?;
    let start = Instant::now();
    loop {
        let allowed = cx.waiting()?;
        let left = duration.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(Value::NIL);
        }
        std::thread::sleep(left.min(allowed.unwrap_or(left)).min(PATIENCE));
    }
}

/// A time to the microsecond: what a float can tell apart in our days.
fn timestamp<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Timestamp, Fault<'v>> {
    let seconds = number(cx, value)?;
    let micros = (seconds * 1e6).round();
    let time = if micros.abs() < 1e18 { Timestamp::from_microsecond(micros as i64).ok() } else { None };
    time.ok_or_else(|| cx.fail_here(ErrorKind::Value, format!("{seconds:?} is beyond the years -9999 to 9999")))
}

/// An offset from UTC: `Z`, `+02:00`, `-0330`.
fn offset<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<Option<Offset>, Fault<'v>> {
    let Some(&value) = args.get(1) else { return Ok(None) };
    let given = text(cx, value, "offset")?.as_str();
    if given.eq_ignore_ascii_case("z") {
        return Ok(None);
    }
    match read_offset(given) {
        Some(offset) => Ok(Some(offset)),
        None => {
            let given = beginning(given);
            let message = format!("expected an offset such as \"Z\" or \"+02:00\", got {given:?}");
            Err(cx.fail_here(ErrorKind::Value, message))
        }
    }
}

fn read_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2)?,
    };
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse::<i32>().ok())?
    };
    let (hours, minutes) = (two(hours)?, if minutes.is_empty() { 0 } else { two(minutes)? });
    (hours < 24 && minutes < 60).then(|| Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok())?
}

fn format<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let time = timestamp(cx, args[0])?;
    match offset(cx, args)? {
        None => cx.str(&time.to_string()),
        Some(offset) => cx.str(&time.display_with_offset(offset).to_string()),
    }
}

fn parse<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let given = text(cx, args[0], "time")?.as_str();
    cx.work(1 + given.len() / 16)?;
    match given.parse::<Timestamp>() {
        Ok(time) => Ok(Value::float(time.as_second() as f64 + f64::from(time.subsec_nanosecond()) / 1e9)),
        Err(_) => Err(unreadable(cx, "a time such as \"2024-02-29T12:30:00Z\"", args[0])),
    }
}

fn unreadable<'v>(cx: &mut Cx<'v>, wanted: &str, given: Value<'v>) -> Fault<'v> {
    match quipu_vm::ops::text::repr_short(cx, given) {
        Ok(shown) => cx.fail_here_with(ErrorKind::Value, format!("{shown} is not {wanted}"), given),
        Err(fault) => fault,
    }
}

fn fields<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    cx.work(4)?;
    let time = timestamp(cx, args[0])?;
    let offset = offset(cx, args)?.unwrap_or(Offset::UTC);
    let zoned = time.to_zoned(TimeZone::fixed(offset));
    let ints = [
        ("year", i64::from(zoned.year())),
        ("month", zoned.month().into()),
        ("day", zoned.day().into()),
        ("hour", zoned.hour().into()),
        ("minute", zoned.minute().into()),
    ];
    let second = f64::from(zoned.second()) + f64::from(zoned.subsec_nanosecond()) / 1e9;
    let rest = [
        ("second", Value::float(second)),
        ("weekday", Value::int(zoned.weekday().to_monday_one_offset().into())),
        ("yearday", Value::int(zoned.day_of_year().into())),
    ];
    let map = cx.map();
    for (name, value) in ints.map(|(name, int)| (name, Value::int(int))).into_iter().chain(rest) {
        let name = cx.str(name)?;
        map.insert(cx, name, value)?;
    }
    Ok(map.into())
}

fn format_duration<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    const PRINTER: SpanPrinter = SpanPrinter::new().spacing(Spacing::BetweenUnits);
    let seconds = number(cx, args[0])?;
    match SignedDuration::try_from_secs_f64((seconds * 1e9).round() / 1e9) {
        Ok(duration) => cx.str(&PRINTER.duration_to_string(&duration)),
        Err(_) => {
            let message = format!("{seconds:?} is no number of seconds that can be written");
            Err(cx.fail_here(ErrorKind::Value, message))
        }
    }
}

fn parse_duration<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let given = text(cx, args[0], "duration")?.as_str();
    cx.work(1 + given.len() / 16)?;
    match given.parse::<SignedDuration>() {
        Ok(duration) => Ok(Value::float(duration.as_secs_f64())),
        Err(_) => Err(unreadable(cx, "a duration such as \"1h 30m\"", args[0])),
    }
}
