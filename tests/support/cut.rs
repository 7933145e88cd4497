//! Runs a program in pieces: it is stopped before some instruction, saved, and goes on in another machine.

use quipu::vm::image::{Form, Image};
use quipu::vm::{Budget, Failure, Limits, Root, Run, Step};
use quipu::{Engine, Error, Input, Session};

use super::Captured;

/// A small generator of numbers that look random (Lehmer's, with the multiplier of L'Ecuyer).
pub struct Numbers(u64);

impl Numbers {
    pub fn of(text: &str) -> Numbers {
        let sum = text.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Numbers(sum % 2_147_483_646 + 1)
    }

    /// From 0 to `below`, which is not 0.
    pub fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % below
    }
}

/// Cuts of one program. Later ones are farther apart, so that long programs end too.
const CUTS: u32 = 30;

/// What a program came to.
pub struct Ended {
    pub result: Result<Root, Error>,
    pub fuel: u64,
    pub cuts: u32,
}

/// Runs a program without stopping.
pub fn whole(session: &mut Session, input: &Input) -> Ended {
    let result = (|| {
        let mut run = session.start(input)?;
        loop {
            match session.vm().step(&mut run, Budget::Unlimited)? {
                Step::Done(value) => return Ok(value),
                Step::Yield(_) => {}
                other => unreachable!("{other:?}"),
            }
        }
    })();
    Ended { result, fuel: session.vm().stats().fuel_used, cuts: 0 }
}

/// Runs a program in pieces, each in a machine of its own; `CUT_SEED` in the environment cuts elsewhere. The last one is `session` afterwards.
pub fn cut(
    engine: &Engine,
    session: &mut Session,
    limits: &Limits,
    output: &Captured,
    input: &Input,
    call_stress: bool,
) -> Ended {
    let seed = std::env::var("CUT_SEED").unwrap_or_default();
    let mut numbers = Numbers::of(&format!("{}{seed}", input.name()));
    let mut cuts = 0;
    let mut run = match session.start(input) {
        Ok(run) => run,
        Err(error) => return Ended { result: Err(error), fuel: session.vm().stats().fuel_used, cuts },
    };
    let mut fuel = session.vm().stats().fuel_used;
    let result = loop {
        let most = 30 + (cuts as u64).pow(3);
        let budget = if cuts < CUTS { Budget::Instructions(numbers.below(most)) } else { Budget::Unlimited };
        let before = session.vm().stats().fuel_used;
        let step = session.vm().step(&mut run, budget);
        // Saving and loading have their price too, but the program does not pay it.
        fuel += session.vm().stats().fuel_used - before;
        match step {
            Ok(Step::Done(value)) => break Ok(value),
            Ok(Step::Yield(_)) => {}
            Ok(_) => {
                cuts += 1;
                let mut there = engine.session(limits.clone()).unwrap();
                there.vm().set_call_stress(call_stress);
                run = move_on(session, &mut there, output, &run);
                *session = there;
            }
            Err(failure) => break Err(Error::Failed(failure)),
        }
    };
    Ended { result, fuel, cuts }
}

/// Takes a run to a new machine through the bytes of an image.
fn move_on(from: &mut Session, to: &mut Session, output: &Captured, run: &Run) -> Run {
    let image = from.vm().image(run.fiber()).unwrap_or_else(|failure| panic!("not saved: {failure:?}"));
    let bytes = image.dump(Form::default());
    let opened = Image::parse(&bytes, &()).unwrap_or_else(|error| panic!("not opened: {error}"));
    assert_eq!(opened.hash(), image.hash());
    to.vm().set_output(Box::new(output.clone()));
    let _ = from.vm().flush();
    let fiber = to.vm().load(&opened).unwrap_or_else(|failure| panic!("not loaded: {failure:?}"));
    let again = to.vm().image(&fiber).map_err(|failure: Failure| format!("{failure:?}")).unwrap();
    assert_eq!(again.hash(), image.hash(), "another graph after a round trip");
    to.vm().run_of(&fiber).unwrap()
}
