//! The module `time`: clocks, and times as text. A time is a float of seconds since 1970 in UTC, a duration one of
//! seconds.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::civil::Date;
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

/// A time to the microsecond, by the digits that `str` shows: farther from our days a float knows fewer, and what stands
/// behind them would be noise.
fn timestamp<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Timestamp, Fault<'v>> {
    let seconds = number(cx, value)?;
    let micros = || {
        let shown = seconds.abs().to_string();
        let (whole, rest) = shown.split_once('.').unwrap_or((&shown, ""));
        let tenths: i64 = format!("{rest:0<7.7}").parse().ok()?;
        let micros = whole.parse::<i64>().ok()? * 1_000_000 + (tenths + 5) / 10;
        Some(if seconds < 0.0 { -micros } else { micros })
    };
    let time =
        if seconds.abs() < 1e12 { micros().and_then(|micros| Timestamp::from_microsecond(micros).ok()) } else { None };
    time.ok_or_else(|| {
        let message = format!("{seconds:?} is beyond the times from -9999-01-02T02:00Z to 9999-12-30T22:00Z");
        cx.fail_here(ErrorKind::Value, message)
    })
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
        Ok(_) if offset_hours(given) > 23 => Err(unreadable(cx, "a time: an offset has at most 23 hours", args[0])),
        // The nearest float: a sum of two would be rounded twice.
        Ok(time) => {
            let (nanos, sign) =
                (time.as_nanosecond().unsigned_abs(), if time < Timestamp::UNIX_EPOCH { "-" } else { "" });
            let decimals = format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
            Ok(Value::float(decimals.parse().unwrap_or(f64::NAN)))
        }
        Err(_) => {
            let wanted = match what_is_wrong(given) {
                Some(why) => format!("a time: {why}"),
                None => "a time such as \"2024-02-29T12:30:00Z\"".to_owned(),
            };
            Err(unreadable(cx, &wanted, args[0]))
        }
    }
}

/// The hours of the offset behind a time.
fn offset_hours(text: &str) -> u8 {
    let behind = text.get(10..).and_then(|time| Some(&time[time.find(['+', '-'])? + 1..]));
    behind.and_then(|digits| digits.get(..2)?.parse().ok()).unwrap_or(0)
}

/// Why a text in the form of a time is none.
fn what_is_wrong(text: &str) -> Option<String> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    if (text.get(4..5)?, text.get(7..8)?) != ("-", "-") {
        return None;
    }
    let year = text.get(..4)?.parse::<i16>().ok()?;
    let (month, day) = (number(5, 7)?, number(8, 10)?);
    if !(1..=12).contains(&month) {
        return Some(format!("there is no month {month}"));
    }
    if Date::new(year, month, day).is_err() {
        let last = Date::new(year, month, 1).map_or(0, |date| date.days_in_month());
        return Some(format!("the last day of {year:04}-{month:02} is {last}"));
    }
    let Some(time) = text.get(11..) else { return Some("hour and minute are missing".to_owned()) };
    if number(11, 13).is_some_and(|hour| hour > 23) {
        return Some("the last hour of a day is 23".to_owned());
    }
    if number(14, 16).is_some_and(|minute| minute > 59) || number(17, 19).is_some_and(|second| second > 59) {
        return Some("the last minute of an hour, and second of a minute, is 59".to_owned());
    }
    let has_offset = time.contains(['Z', 'z', '+', '-']);
    (!has_offset).then(|| "it has no offset such as Z or +02:00, so nobody knows when that is".to_owned())
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
