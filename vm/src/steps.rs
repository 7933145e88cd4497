//! Runs: calls that go on in steps, stop before any instruction, and can be kept in images meanwhile.

use crate::failure::Failure;
use crate::heap::{Value, View};
use crate::machine::Event;
use crate::root::Root;
use crate::run::step::Budget;
use crate::vm::Vm;

/// A call that its host lets go on step by step. Between steps it is a value, a fiber, which can be kept in an image.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) fiber: Root,
    /// What the call gave, if that took no step.
    pub(crate) given: Option<Root>,
}

/// Why a run came back to its host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// It is over, and this is its value.
    Done(Root),
    /// It yields this, and waits to be resumed.
    Yield(Root),
    /// The budget is used up; it can go on.
    OutOfBudget,
    /// The interrupt handle was used; it can go on.
    Interrupted,
}

impl Run {
    /// The run as a value. Programs that get it can resume it as any fiber.
    pub fn fiber(&self) -> &Root {
        &self.fiber
    }
}

impl Vm {
    /// Begins a call and stops before its first instruction. A native has none and runs at once.
    ///
    /// # Errors
    /// What the call throws at once, such as a wrong number of arguments; a limit; `fiber_error` while the machine runs.
    pub fn start(&mut self, function: &Root, args: &[Root]) -> Result<Run, Failure> {
        self.collect_if_due();
        let function = self.slot(function)?;
        let args = self.slots(args)?;
        match self.machine.start(function, &args) {
            Ok((fiber, given)) => {
                let fiber = self.root(fiber.into());
                Ok(Run { fiber, given: given.map(|value| self.root(value)) })
            }
            Err(fault) => Err(self.failure(fault)),
        }
    }

    /// The run that a fiber is, such as one out of an image. None if the value is no fiber.
    pub fn run_of(&mut self, fiber: &Root) -> Option<Run> {
        matches!(self.slot(fiber).ok()?.view(), View::Fiber(_)).then(|| Run { fiber: fiber.clone(), given: None })
    }

    /// Lets a run go on. Where it waits at a `yield`, that gives nil.
    ///
    /// # Errors
    /// What the run throws, or a limit of the machine, either of which ends it; `fiber_error` when it is over or another
    /// fiber has resumed it.
    pub fn step(&mut self, run: &mut Run, budget: Budget) -> Result<Step, Failure> {
        self.step_with(run, Value::NIL, budget)
    }

    /// Lets a run go on with a value for the `yield` where it waits.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn resume(&mut self, run: &mut Run, value: &Root, budget: Budget) -> Result<Step, Failure> {
        let value = self.slot(value)?;
        self.step_with(run, value, budget)
    }

    fn step_with(&mut self, run: &mut Run, argument: Value<'static>, budget: Budget) -> Result<Step, Failure> {
        if let Some(given) = run.given.take() {
            return Ok(Step::Done(given));
        }
        self.collect_if_due();
        let View::Fiber(fiber) = self.slot(&run.fiber)?.view() else {
            let fault = self.machine.failure(crate::ErrorKind::Fiber, "what is to be run is no fiber");
            return Err(self.failure(fault));
        };
        match self.machine.step(fiber, argument, budget) {
            Ok((Event::Ended, value)) => Ok(Step::Done(self.root(value))),
            Ok((Event::Yielded, value)) => Ok(Step::Yield(self.root(value))),
            Ok((Event::Paused, _)) => Ok(Step::OutOfBudget),
            Ok((Event::Interrupted, _)) => Ok(Step::Interrupted),
            // Nothing is begun here that would have its result later.
            Ok((Event::Owed, _)) => Ok(Step::OutOfBudget),
            Err(fault) => Err(self.failure(fault)),
        }
    }
}
