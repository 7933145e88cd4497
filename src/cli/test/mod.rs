//! `vm test`: runs the cases of test files, each in a machine of its own.

mod diff;
mod find;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quipu::code::span::Source;
use quipu::code::{Code, Word};
use quipu::lang::diagnostic::Label;
use quipu::report::{Origin, Quote, Report, Shown, json};
use quipu::vm::{Failure, Image, Root};
use quipu::{Error, Input, Session};
use serde_json::{Value, json};

use super::ctrl_c;
use super::ending::Exit;
use super::options::{Look, Rules};
use super::session::{Prints, Setting, look_again};
use super::terminal::{Output, Terminal, finding};

use diff::Difference;

/// Gives the functions of all cases, and writes their names and first lines as JSON.
const CASES: &str = r#"
import test
import json
import code
let facts = test.cases().map(|case| {
  let line = try { code.describe(case[1]).line } catch e { nil }
  [name: case[0], line: line]
})
write(json.stringify(facts))
test.cases().map(|case| case[1]).to_tuple()
"#;

/// Writes what an assertion compared, as lines in JSON, when an error says.
const COMPARED: &str = r#"
import json
fn show(v, depth) {
  let flat = repr(v)
  if (flat.len() <= 60 and not flat.contains("\\n")) or depth == 0 { return [if flat.len() > 400 { flat[..400] + "..." } else { flat }] }
  let out = []
  if v is str {
    for line in v.split("\n") { out.push(repr(line)) }
    return out
  }
  let inside = |text, comma| { for line in text { out.push("  " + line) } }
  if v is list {
    out.push("[")
    for x in v { inside(show(x, depth - 1), true) }
    out.push("]")
  } else if v is tuple {
    out.push("(")
    for x in v { inside(show(x, depth - 1), true) }
    out.push(")")
  } else if v is set {
    out.push("set([")
    for x in v { inside(show(x, depth - 1), true) }
    out.push("])")
  } else if v is map {
    out.push("[")
    for (k, x) in v {
      let lines = show(x, depth - 1)
      lines[0] = "${repr(k)}: ${lines[0]}"
      inside(lines, true)
    }
    out.push("]")
  } else {
    out.push(flat[..400])
  }
  out
}
|e| {
  if e is error and e.kind == "assert_error" and e.data is map and e.data.has("expected") and e.data.has("actual") {
    let lines = |v| show(v, 6).take(1000)
    write(json.stringify([expected: lines(e.data.expected), actual: lines(e.data.actual)]))
  }
}
"#;

/// Time for these programs.
const LOOK: Duration = Duration::from_secs(2);

/// The names of these programs, which traces leave out.
const HELPER: &str = "<test>";

/// Runs the cases of files and folders. Words that are no paths choose cases by a part of their names.
pub fn test(words: &[OsString], rules: &Rules, look: &Look) -> Result<ExitCode, String> {
    let (files, filters) = find::files(words)?;
    let mut runner = Runner::new(rules, look, filters);
    let start = Instant::now();
    for file in &files {
        if ctrl_c::is_pressed() {
            break;
        }
        runner.file(file);
    }
    if runner.passed + runner.failed == 0 {
        runner.terminal.mistake(match (files.is_empty(), runner.filters.is_empty()) {
            (true, _) => "there are no files whose names end in `_test.qp`",
            (_, true) => "the files declare no tests",
            _ => "no test has such a name",
        });
        return Ok(Exit::Usage.into());
    }
    runner.end(start.elapsed());
    Ok(match (ctrl_c::is_pressed(), runner.failed) {
        (true, _) if ctrl_c::is_terminated() => Exit::Terminated.into(),
        (true, _) => Exit::Interrupted.into(),
        (_, 0) => Exit::Ok.into(),
        _ => Exit::Uncaught.into(),
    })
}

struct Runner<'o> {
    rules: &'o Rules,
    filters: Vec<String>,
    terminal: Terminal,
    output: Output,
    passed: usize,
    failed: usize,
}

/// A case, taken out of the machine that declared it.
struct Case {
    name: String,
    line: Option<u64>,
    /// Its function with all it reaches.
    image: Result<Image, Failure>,
    /// The function itself, where it was declared.
    code: Option<Code>,
}

/// How a case ended.
struct Ended {
    seconds: Duration,
    /// What it printed.
    printed: String,
    failure: Option<Failed>,
}

struct Failed {
    report: Report,
    difference: Option<Difference>,
    /// What else is wrong with a file that does not compile.
    others: Vec<Report>,
}

impl<'o> Runner<'o> {
    fn new(rules: &'o Rules, look: &Look, filters: Vec<String>) -> Runner<'o> {
        Runner { rules, filters, terminal: Terminal::on_output(look), output: Output::new(), passed: 0, failed: 0 }
    }

    /// A machine that Ctrl-C stops, and what its programs print.
    fn session(&self, setting: &Setting<'_>) -> Result<(Session, Printed), Error> {
        let printed = Printed::default();
        let session = setting.session(&self.rules.limits, Prints::Into(Box::new(printed.clone())))?;
        Ok((session, printed))
    }

    fn file(&mut self, file: &str) {
        let start = Instant::now();
        let setting = Setting::of_program(&self.rules.denials, &Input::file(file), Vec::new());
        let (mut session, printed) = match self.session(&setting) {
            Ok(session) => session,
            Err(error) => return self.broken(file, &error, start, String::new(), &|_| None),
        };
        let declared = self.declare(file, &mut session, &printed);
        let printed = printed.take();
        let cases = match declared {
            Ok(cases) => cases,
            Err(error) => {
                let source = |name: &str| session.source(name).cloned();
                return self.broken(file, &error, start, printed, &source);
            }
        };
        let chosen = |case: &Case| {
            let full = format!("{file}: {}", case.name);
            self.filters.is_empty() || self.filters.iter().any(|filter| full.contains(filter.as_str()))
        };
        let cases: Vec<Case> = cases.into_iter().filter(chosen).collect();
        if !cases.is_empty() {
            self.heading(file);
        }
        if !printed.is_empty() && !self.terminal.is_json() && !cases.is_empty() {
            self.output.show(&printed_lines(&printed));
        }
        for case in cases {
            let ended = self.case(&case, &setting, &session);
            self.ended(file, &case.name, case.line, ended);
            if ctrl_c::is_pressed() {
                break;
            }
        }
    }

    /// A file whose cases cannot be found out.
    fn broken(
        &mut self,
        file: &str,
        error: &Error,
        start: Instant,
        printed: String,
        source: &dyn Fn(&str) -> Option<Source>,
    ) {
        self.heading(file);
        if let Error::Unreadable(name, error) = error {
            self.terminal.mistake(&format!("cannot read `{name}`: {error}"));
            self.failed += 1;
        }
        let mut reports = Report::error(error, source).into_iter();
        let Some(report) = reports.next() else { return };
        let failure = Some(Failed { report, difference: None, others: reports.collect() });
        self.ended(file, "(the file itself)", None, Ended { seconds: start.elapsed(), printed, failure });
    }

    /// Runs a file, and takes out the cases it declares.
    fn declare(&self, file: &str, session: &mut Session, printed: &Printed) -> Result<Vec<Case>, Error> {
        session.run(&Input::file(file))?;
        let before = printed.take();
        let functions = session.run(&Input::text(HELPER, CASES))?;
        let facts: Vec<Value> = serde_json::from_str(&printed.take()).unwrap_or_default();
        let _ = printed.clone().write_all(before.as_bytes());
        let mut cases = Vec::new();
        for (index, facts) in facts.iter().enumerate() {
            let Some(function) = session.vm().tuple_item(&functions, index) else { break };
            let image = session.vm().image(&function);
            let hash = session.vm().hash(&function).ok();
            let reached = session.vm().functions(&function).unwrap_or_default();
            let code = reached.into_iter().find(|reached| Some(reached.hash) == hash).map(|found| found.code);
            let name = facts["name"].as_str().unwrap_or_default().to_owned();
            cases.push(Case { name, line: facts["line"].as_u64(), image, code });
        }
        Ok(cases)
    }

    /// Runs a case in a new machine. `declared` has the sources.
    fn case(&self, case: &Case, setting: &Setting<'_>, declared: &Session) -> Ended {
        let start = Instant::now();
        let (mut session, printed) = match self.session(setting) {
            Ok(session) => session,
            Err(error) => return self.failed_early(&error, start, declared),
        };
        let image = match &case.image {
            Ok(image) => image,
            Err(failure) => return self.failed_early(&Error::Failed(failure.clone()), start, declared),
        };
        let result = session.vm().load(image).and_then(|function| session.vm().call(&function, &[]));
        let result = match result {
            Ok(_) => self.no_more_cases(&mut session),
            Err(failure) => Err(Error::Failed(failure)),
        };
        let _ = session.vm().flush();
        let seconds = start.elapsed();
        let printed_text = printed.take();
        let failure = result.err().map(|error| {
            let difference = match &error {
                Error::Failed(Failure::Uncaught(uncaught)) => compared(&mut session, &printed, &uncaught.value),
                _ => None,
            };
            Failed { report: self.report(error, case, declared, difference.is_some()), difference, others: Vec::new() }
        });
        Ended { seconds, printed: printed_text, failure }
    }

    fn failed_early(&self, error: &Error, start: Instant, declared: &Session) -> Ended {
        let source = |name: &str| declared.source(name).cloned();
        let report = Report::error(error, &source).into_iter().next();
        let failure = report.map(|report| Failed { report, difference: None, others: Vec::new() });
        Ended { seconds: start.elapsed(), printed: String::new(), failure }
    }

    /// That a case has declared no others: they would never run.
    fn no_more_cases(&self, session: &mut Session) -> Result<(), Error> {
        const NONE: &str = "import test\nif not test.cases().is_empty() { test.fail(\"a case declares other cases, which \
                            nobody would run\") }";
        look_again(session, LOOK);
        session.run(&Input::text(HELPER, NONE)).map(drop)
    }

    fn report(&self, error: Error, case: &Case, declared: &Session, compared: bool) -> Report {
        let mut error = error;
        if let Error::Failed(Failure::Uncaught(uncaught)) = &mut error {
            // Where an assertion stands matters, not how it works.
            uncaught.trace.retain(|line| &*line.file != "std/test.qp" && &*line.file != HELPER);
        }
        let source = |name: &str| declared.source(name).cloned();
        let report = Report::error(&error, &source).into_iter().next();
        let mut report = report.unwrap_or_else(|| exited(&error));
        if compared {
            report.note = None;
        }
        if report.place.is_none() && report.trace.is_empty() {
            report.place = case.code.as_ref().and_then(|code| last_words(code, &source));
        }
        report
    }

    fn heading(&mut self, file: &str) {
        if !self.terminal.is_json() {
            self.output.show(&Shown::of("{}\n", &[&file]));
        }
    }

    fn ended(&mut self, file: &str, name: &str, line: Option<u64>, ended: Ended) {
        match ended.failure {
            Some(_) => self.failed += 1,
            None => self.passed += 1,
        }
        let seconds = ended.seconds.as_secs_f64();
        if self.terminal.is_json() {
            let error: Option<Value> =
                ended.failure.as_ref().and_then(|failed| serde_json::from_str(&json(&failed.report)).ok());
            let difference = ended.failure.as_ref().and_then(|failed| failed.difference.as_ref());
            let event = json!({
                "file": file,
                "name": name,
                "line": line,
                "result": if ended.failure.is_some() { "failed" } else { "passed" },
                "seconds": seconds,
                "printed": ended.printed,
                "error": error,
                "expected": difference.map(|difference| difference.expected.join("\n")),
                "actual": difference.map(|difference| difference.actual.join("\n")),
            });
            return self.output.show_now(&Shown::of("{}\n", &[&Shown::json(&event)]));
        }
        let took = format!("{:.1} ms", seconds * 1000.0);
        let Some(failed) = ended.failure else {
            let mark = self.terminal.painted("ok".into(), 32);
            return self.output.show_now(&Shown::of("  {}    {} ({})\n", &[&mark, &name, &took]));
        };
        let mark = self.terminal.painted("FAIL".into(), 31);
        self.output.show(&Shown::of("  {}  {} ({})\n", &[&mark, &name, &took]));
        let mut shown = self.terminal.render(&failed.report);
        failed.others.iter().for_each(|report| shown.push(&self.terminal.render(report)));
        if let Some(difference) = failed.difference {
            shown.push(&"difference (- expected, + actual):\n".into());
            for line in difference.lines() {
                let line = Shown::line(line);
                let line = match line.as_str().as_bytes().first() {
                    Some(b'-') => self.terminal.painted(line, 31),
                    Some(b'+') => self.terminal.painted(line, 32),
                    _ => line,
                };
                shown.push(&Shown::of("  {}\n", &[&line]));
            }
        }
        if !ended.printed.is_empty() {
            shown.push(&"printed:\n".into());
            shown.push(&printed_lines(&ended.printed));
        }
        self.output.show_now(&shown.indented("        "));
    }

    fn end(&mut self, took: Duration) {
        let (passed, failed) = (self.passed, self.failed);
        self.output.show_now(&match self.terminal.is_json() {
            true => {
                let total = json!({ "passed": passed, "failed": failed, "seconds": took.as_secs_f64() });
                Shown::of("{}\n", &[&Shown::json(&total)])
            }
            false => Shown::of("\n{} passed, {} failed\n", &[&passed, &failed]),
        });
    }
}

/// Where a function ends with a call, or else begins: an assertion that is the last expression of a case takes the place
/// of the case in the trace.
fn last_words(code: &Code, source: &dyn Fn(&str) -> Option<Source>) -> Option<Quote> {
    let debug = code.debug()?;
    let is_tail = |word: &Word| word.op().is_some_and(|op| op.name().starts_with("Tail"));
    let tails = code.body().words.iter().zip(0..).filter(|(word, _)| is_tail(word));
    let mut spans = tails.filter_map(|(_, at)| Some(debug.position(at)?.span));
    let span = match (spans.next(), spans.next()) {
        (Some(span), None) => span,
        _ => debug.span,
    };
    let primary = Label { span, text: String::new() };
    Some(Quote { source: source(&debug.file)?, primary, secondary: Vec::new() })
}

/// What an assertion compared.
fn compared(session: &mut Session, printed: &Printed, thrown: &Root) -> Option<Difference> {
    // The case may have used up its limits; this is not its doing.
    look_again(session, LOOK);
    let show = session.run(&Input::text(HELPER, COMPARED)).ok()?;
    session.vm().call(&show, std::slice::from_ref(thrown)).ok()?;
    let lines: Value = serde_json::from_str(&printed.take()).ok()?;
    let side = |name| -> Option<Vec<String>> { serde_json::from_value(lines.get(name)?.clone()).ok() };
    Some(Difference { expected: side("expected")?, actual: side("actual")? })
}

/// A case that ends the program has not passed.
fn exited(error: &Error) -> Report {
    finding(Origin::Run, "Q0420", error.to_string(), None)
}

/// What a program has printed, beside a line that tells it from what is said of it.
fn printed_lines(printed: &str) -> Shown {
    Shown::text(printed).indented("  | ")
}

/// What a program prints, kept until it is known whether anybody wants to see it.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        /// What a test prints is read by people.
        const MOST: usize = 16 << 20;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
