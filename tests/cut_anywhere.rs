//! Generated programs are stopped before a random instruction, saved, and go on in another process: output, fuel and the
//! hash of what they come to are those of a run in one piece. `CUT_PROGRAMS` and `CUT_SEED` in the environment try
//! more and others.

use std::fs;
use std::path::Path;

use crate::batches::again;
use crate::support::Captured;
use crate::support::cut::Numbers;
use crate::support::generate::program;
use quipu::vm::image::{Form, Image};
use quipu::vm::{Budget, Limits, Run, Step};
use quipu::{Engine, Input, Session};

const PROGRAMS: u64 = 60;

fn session(engine: &Engine) -> (Session, Captured) {
    let limits = Limits { fuel: Some(50_000_000), ..Limits::default() };
    let mut session = engine.session(limits).unwrap();
    let output = Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    (session, output)
}

/// What is left of a run: output, fuel and the hash of its value or the error.
struct End {
    output: String,
    fuel: u64,
    value: String,
}

fn finish(session: &mut Session, output: &Captured, run: &mut Run) -> End {
    let before = session.vm().stats().fuel_used;
    let step = session.vm().step(run, Budget::Unlimited);
    let fuel = session.vm().stats().fuel_used - before;
    let value = match step {
        Ok(Step::Done(value)) => format!("{:02x?}", session.vm().hash(&value).unwrap()),
        Ok(_) => "it yields".to_owned(),
        Err(failure) => format!("{failure:?}"),
    };
    End { output: output.text(), fuel, value }
}

#[test]
fn cut_anywhere_and_gone_on_in_another_process() {
    let engine = Engine::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cut");
    fs::create_dir_all(&folder).unwrap();
    let (image, report) = (folder.join("run.qpi"), folder.join("report"));
    let count = std::env::var("CUT_PROGRAMS").map_or(PROGRAMS, |count| count.parse().unwrap());
    let seed = std::env::var("CUT_SEED").unwrap_or_default();
    let mut numbers = Numbers::of(&format!("cut{seed}"));
    let (mut cut, mut total) = (0, 0);
    for number in 0..count {
        let text = program(&mut |below| numbers.below(below));
        let input = Input::text("program.qp", text.as_str());
        let (mut whole, output) = session(&engine);
        let mut run = whole.start(&input).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let started = whole.vm().stats().fuel_used;
        let expected = finish(&mut whole, &output, &mut run);

        // Fuel tells roughly how many instructions there are. A program that is over before is cut earlier.
        let mut instructions = numbers.below(expected.fuel * 8 + 100);
        let (mut first, run, output) = loop {
            let (mut first, output) = session(&engine);
            let mut run = first.start(&input).unwrap();
            match first.vm().step(&mut run, Budget::Instructions(instructions)) {
                Ok(Step::OutOfBudget) => break (first, run, output),
                _ => instructions /= 3,
            }
        };
        let fuel = first.vm().stats().fuel_used - started;
        fs::write(&image, first.vm().image(run.fiber()).unwrap().dump(Form::default())).unwrap();
        let mut child = again(concat!(module_path!(), "::the_other_process"));
        child.env("CUT_IMAGE", &image).env("CUT_REPORT", &report);
        let ended = child.output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        let report = fs::read_to_string(&report).unwrap();
        let (rest, printed) = report.split_once('\n').unwrap();
        let (value, left) = rest.rsplit_once(' ').unwrap();
        let what = format!("program {number} after {instructions} instructions:\n{text}");
        assert_eq!(output.text() + printed, expected.output, "{what}");
        assert_eq!(value, expected.value.replace('\n', " "), "{what}");
        assert_eq!(fuel + left.parse::<u64>().unwrap(), expected.fuel, "{what}");
        cut += 1;
        total += instructions;
    }
    println!("{cut} of {count} programs were cut, after {} instructions on average", total / cut.max(1));
    assert!(cut > count / 3, "only {cut} of {count} programs were cut");
}

/// The second half of the test above; alone it does nothing.
#[test]
fn the_other_process() {
    let Ok(image) = std::env::var("CUT_IMAGE") else { return };
    let image = Image::parse(fs::read(image).unwrap(), &()).unwrap();
    let (mut session, output) = session(&Engine::new());
    let fiber = session.vm().load(&image).unwrap();
    let mut run = session.vm().run_of(&fiber).unwrap();
    let end = finish(&mut session, &output, &mut run);
    let report = format!("{} {}\n{}", end.value.replace('\n', " "), end.fuel, end.output);
    fs::write(std::env::var("CUT_REPORT").unwrap(), report).unwrap();
}
