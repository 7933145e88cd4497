//! Natives that have their results later, and calls that wait for them without a thread. Any executor will do.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll};

use super::call::{Host, IntoArguments};
use super::convert::{FromValue, IntoValue};
use super::error::give;
use super::function::{Arguments, Parameter, define_run};
use crate::cx::{Cx, guarded};
use crate::error::ErrorKind;
use crate::failure::Failure;
use crate::heap::{Value, View};
use crate::machine::{Event, Promised};
use crate::native::{Answer, Fault, Later, LaterFn, NativeDef, NativeRun};
use crate::root::Root;
use crate::run::step::Budget;
use crate::vm::Vm;

/// Fuel that a call takes before others have their turn.
const TURN: u64 = 100_000;

impl Vm {
    /// Calls a function that may call natives which have their results later. The machine serves this call alone until
    /// the future is done; one that is dropped ends the call.
    ///
    /// # Errors
    /// What it throws, a limit, or a result that does not fit.
    pub async fn call_async<A: IntoArguments, R: FromValue>(
        &mut self,
        function: &Root,
        arguments: A,
    ) -> Result<R, Failure> {
        let arguments: Vec<Root> = self.enter(|cx| {
            guarded(cx, "call_async", |cx| {
                arguments.with(cx, |cx, arguments| Ok(arguments.iter().map(|&value| cx.root(value)).collect()))
            })
        })?;
        self.machine.wait_for_later(true);
        let guard = Waiting(self);
        let vm = &mut *guard.0;
        let run = vm.start(function, &arguments)?;
        let mut later: Option<Promised> = vm.machine.stepping.later.take();
        let mut run = run;
        let value = poll_fn(move |context: &mut Context<'_>| {
            loop {
                let stepped = match &mut later {
                    Some(begun) => match begun.poll(context) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(answer) => {
                            let name = std::mem::take(&mut begun.name);
                            later = None;
                            vm.answer(&run, &name, answer)
                        }
                    },
                    None => vm.turn(&mut run),
                };
                match stepped {
                    Ok(Turn::Done(value)) => return Poll::Ready(vm.get(&value)),
                    Ok(Turn::Later(begun)) => later = Some(begun),
                    Ok(Turn::Over) => {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Err(failure) => return Poll::Ready(Err(failure)),
                }
            }
        });
        value.await
    }

    fn turn(&mut self, run: &mut crate::Run) -> Result<Turn, Failure> {
        if let Some(given) = run.given.take() {
            return Ok(Turn::Done(given));
        }
        let View::Fiber(fiber) = self.slot(&run.fiber)?.view() else { return Ok(Turn::Over) };
        let stepped = self.machine.step(fiber, Value::NIL, Budget::Fuel(TURN));
        self.turned(stepped)
    }

    fn answer(&mut self, run: &crate::Run, name: &str, answer: Box<Answer>) -> Result<Turn, Failure> {
        let View::Fiber(fiber) = self.slot(&run.fiber)?.view() else { return Ok(Turn::Over) };
        let stepped = self.machine.answer(fiber, name, answer, Budget::Fuel(TURN));
        self.turned(stepped)
    }

    fn turned(&mut self, stepped: Result<(Event, Value<'static>), Fault<'static>>) -> Result<Turn, Failure> {
        let fault = match stepped {
            Ok((Event::Ended, value)) => return Ok(Turn::Done(self.root(value))),
            Ok((Event::Paused, _)) => return Ok(Turn::Over),
            Ok((Event::Interrupted, _)) => Fault::Stop(crate::Stop::Interrupted),
            Ok((Event::Owed, _)) => match self.machine.stepping.later.take() {
                Some(later) => return Ok(Turn::Later(later)),
                None => return Ok(Turn::Over),
            },
            Ok((Event::Yielded, _)) => self.machine.failure(ErrorKind::Fiber, "yield outside of a fiber"),
            Err(fault) => fault,
        };
        Err(self.failure(fault))
    }
}

enum Turn {
    Done(Root),
    Later(Promised),
    Over,
}

/// Ends the waiting when the call is over, or dropped.
struct Waiting<'vm>(&'vm mut Vm);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.machine.wait_for_later(false);
        self.0.machine.stepping.later = None;
    }
}

/// A Rust function that gives a future and can be a native. `Marker` is always inferred.
pub trait IntoAsyncNative<Marker> {
    /// The native under a name.
    fn into_async_native(self, name: String) -> NativeDef;
}

fn typed(
    run: impl for<'v> Fn(&mut Cx<'v>, &[Value<'v>]) -> Result<Later, Fault<'v>> + Send + Sync + 'static,
) -> Box<LaterFn> {
    Box::new(run)
}

fn later<R: IntoValue + Send + 'static>(future: impl Future<Output = R> + Send + 'static) -> Later {
    Box::pin(async move {
        let given = future.await;
        let answer: Box<Answer> = Box::new(move |cx: &mut Cx<'_>| give(cx, given));
        answer
    })
}

macro_rules! functions {
    ($(($($P:ident $p:ident),*);)*) => {$(
        impl<Func, Fut, Ret, $($P),*> IntoAsyncNative<fn($($P),*) -> Fut> for Func
        where
            Func: Fn($($P),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Ret> + Send + 'static,
            Ret: IntoValue + Send + 'static,
            $($P: FromValue + for<'a> Parameter<Item<'a> = $P>,)*
        {
            #[allow(unused_mut, unused_variables)]
            fn into_async_native(self, name: String) -> NativeDef {
                let own = name.clone();
                let run = typed(move |cx, arguments| {
                    let mut arguments = Arguments::new(&own, arguments);
                    $(let $p = <$P as Parameter>::take(cx, &mut arguments)?;)*
                    let future = self($($p),*);
                    Ok(later(future))
                });
                define_run(name, &[$((<$P as Parameter>::OPTIONAL, <$P as Parameter>::REST)),*], NativeRun::Later(run))
            }
        }
    )*};
}
functions! {
    ();
    (A a);
    (A a, B b);
    (A a, B b, C c);
    (A a, B b, C c, D d);
}
