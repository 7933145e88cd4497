//! What hosts need in their first hour, each with an example. Defined in the crates below, and shown here.

/// # Examples
/// ```
/// use quipu::prelude::*;
/// use quipu::{Engine, Input, Limits};
///
/// let mut session = Engine::new().session(Limits { heap: Some(64 << 20), ..Limits::default() })?;
/// let double = session.run(&Input::text("double.qp", "|x| 2 * x"))?;
/// // Fuel is for a machine's life, so what a single call may use is said where it is made.
/// let call = Limits { fuel: Some(1_000), ..Limits::default() };
/// let eight: i64 = session.with_limits(call, |session| session.invoke(&double, (4,)))?;
/// assert_eq!(eight, 8);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Limits;

/// # Examples
/// ```
/// use quipu::prelude::*;
/// use quipu::{Engine, Input, Root};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let list: Root = session.run(&Input::text("list.qp", "[1, 2]"))?;
/// let push = session.run(&Input::text("push.qp", "|list, x| list.push(x)"))?;
/// // A handle is the value itself: whoever has it sees what others change.
/// session.invoke::<_, ()>(&push, (&list, 3))?;
/// assert_eq!(session.get::<Vec<i64>>(&list)?, [1, 2, 3]);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Root;

/// # Examples
/// ```
/// use quipu::prelude::*;
/// use quipu::{Engine, Func, Input};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let add = session.run(&Input::text("add.qp", "|x, y| x + y"))?;
/// let add: Func<(i64, i64), i64> = session.get(&add)?;
/// assert_eq!(add.call(&mut session, (3, 4))?, 7);
///
/// let wrong = session.get::<Func<(i64,), i64>>(add.value());
/// assert_eq!(wrong.unwrap_err().to_string(), "type_error: expected a function of 1 argument, got one that takes 2 arguments");
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::host::Func;

/// # Examples
/// ```
/// use std::collections::BTreeMap;
///
/// use quipu::{Engine, Host, Input};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let count = session.run(&Input::text("count.qp", "|words| { let n = [:]; for w in words { n[w] = n.get(w, 0) + 1 }; n }"))?;
/// let words = session.make(vec!["to", "be", "or", "not", "to", "be"])?;
/// let counted: BTreeMap<String, i64> = session.invoke(&count, (words,))?;
/// assert_eq!(counted["be"], 2);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::host::Host;

/// # Examples
/// ```
/// use quipu::prelude::*;
/// use quipu::{Class, Engine, Input};
///
/// struct Counter(i64);
///
/// impl HostType for Counter {
///     fn class() -> Class<Counter> {
///         Class::<Counter>::new("Counter")
///             .constructor(|start: i64| Counter(start))
///             .getter("value", |counter| counter.0)
///             .method_mut("add", |counter: &mut Counter, n: i64| counter.0 += n)
///     }
/// }
///
/// let engine = Engine::builder().class::<Counter>().build()?;
/// let mut session = engine.session(Default::default())?;
/// let value = session.run(&Input::text("count.qp", "let c = Counter(3)\nc.add(4)\nc.value"))?;
/// assert_eq!(session.get::<i64>(&value)?, 7);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::host::Class;

/// # Examples
/// ```
/// use quipu::{Class, Engine, HostType, Input, Limits, Host};
///
/// struct Score(i64);
///
/// impl HostType for Score {
///     fn class() -> Class<Score> {
///         Class::<Score>::new("Score").method_mut("add", |score: &mut Score, n: i64| score.0 += n)
///     }
/// }
///
/// let mut session = Engine::builder().class::<Score>().build()?.session(Limits::default())?;
/// let play = session.run(&Input::text("play.qp", "|score| score.add(5)"))?;
/// let mut score = Score(1);
/// session.scope(|scope| {
///     let lent = scope.lend_mut(&mut score)?;
///     scope.invoke::<_, ()>(&play, (lent,))
/// })?;
/// assert_eq!(score.0, 6);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::host::HostType;

/// # Examples
/// ```
/// use quipu::prelude::*;
/// use quipu::{Class, Engine, Input, Ref, RefMut};
///
/// struct Tank(f64);
///
/// impl HostType for Tank {
///     fn class() -> Class<Tank> {
///         Class::<Tank>::new("Tank").constructor(|litres: f64| Tank(litres))
///     }
/// }
///
/// let engine = Engine::builder()
///     .class::<Tank>()
///     .native("litres", |tank: Ref<'_, Tank>| tank.0)
///     .native("drain", |mut tank: RefMut<'_, Tank>, litres: f64| tank.0 -= litres)
///     .build()?;
/// let mut session = engine.session(Default::default())?;
/// let left = session.run(&Input::text("tank.qp", "let t = Tank(5)\ndrain(t, 2)\nlitres(t)"))?;
/// assert_eq!(session.get::<f64>(&left)?, 3.0);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::host::{Ref, RefMut};

/// # Examples
/// ```
/// use quipu::{Cx, Engine, Host, Input, Value, View};
///
/// /// How deep lists are nested, whatever they hold.
/// fn depth(value: Value<'_>) -> usize {
///     match value.view() {
///         View::List(list) => 1 + (0..list.len()).filter_map(|at| list.get(at)).map(depth).max().unwrap_or(0),
///         _ => 0,
///     }
/// }
///
/// let mut session = Engine::new().session(Default::default())?;
/// let value = session.run(&Input::text("deep.qp", "[1, [[2], 3]]"))?;
/// let deep = session.enter(|cx: &mut Cx<'_>| Ok(depth(cx.rooted(&value)?)))?;
/// assert_eq!(deep, 3);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::{Value, View};

/// # Examples
/// ```
/// use quipu::{Cx, Engine, Input};
///
/// #[derive(Default)]
/// struct Log(Vec<String>);
///
/// let engine = Engine::builder()
///     .native("log", |cx: &mut Cx<'_>, text: &str| cx.extension::<Log>().0.push(text.to_owned()))
///     .build()?;
/// let mut session = engine.session(Default::default())?;
/// session.run(&Input::text("log.qp", "log(\"begun\")"))?;
/// assert_eq!(session.extension::<Log>().0, ["begun"]);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Cx;

/// # Examples
/// ```
/// use quipu::vm::image::Form;
/// use quipu::{Engine, Host, Image, Input};
///
/// let engine = Engine::new();
/// let mut session = engine.session(Default::default())?;
/// let counter = session.run(&Input::text("counter.qp", "var n = 0\n|| { n += 1; n }"))?;
/// session.invoke::<_, i64>(&counter, ())?;
/// let bytes = session.vm().image(&counter)?.dump(Form::default());
///
/// // In another process: every byte is checked, and nothing runs before the function is called.
/// let mut other = engine.session(Default::default())?;
/// let counter = other.vm().load(&Image::parse(bytes, &())?)?;
/// assert_eq!(other.invoke::<_, i64>(&counter, ())?, 2);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Image;

/// # Examples
/// ```
/// use quipu::{Engine, Failure, Host, Input};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let half = session.run(&Input::text("half.qp", "|x| if x % 2 == 0 { x / 2 } else { throw [odd: x] }"))?;
/// let failure: Failure = session.invoke::<_, f64>(&half, (3,)).unwrap_err();
/// assert_eq!((failure.to_string().as_str(), failure.code()), (r#"uncaught value: ["odd": 3]"#, Some("Q0421")));
/// let thrown = failure.value().cloned().unwrap();
/// assert_eq!(session.repr(&thrown)?, r#"["odd": 3]"#);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Failure;

/// # Examples
/// ```
/// use quipu::{Engine, Input, Limits, Stop};
///
/// let mut session = Engine::new().session(Limits { fuel: Some(10_000), ..Limits::default() })?;
/// let error = session.run(&Input::text("forever.qp", "while true {}")).unwrap_err();
/// assert_eq!((error.stop(), error.code()), (Some(Stop::Fuel), Some("Q0501")));
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Stop;

/// # Examples
/// ```
/// use quipu::{Engine, ErrorKind, Input};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let error = session.run(&Input::text("key.qp", "[ann: 31][\"bob\"]")).unwrap_err();
/// assert_eq!(error.code(), Some(ErrorKind::Key.code()));
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::ErrorKind;

/// # Examples
/// ```
/// use quipu::{Budget, Engine, Host, Input, Step};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let mut run = session.start(&Input::text("sum.qp", "var sum = 0\nfor i in 0..10_000 { sum += i }\nyield sum"))?;
/// let mut steps = 0;
/// let sum = loop {
///     match session.vm().step(&mut run, Budget::Fuel(1_000))? {
///         Step::OutOfBudget => steps += 1,
///         Step::Yield(sum) => break sum,
///         other => panic!("{other:?}"),
///     }
/// };
/// assert!(steps > 5);
/// assert_eq!(session.get::<i64>(&sum)?, 49_995_000);
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::{Budget, Run, Step};

/// # Examples
/// ```
/// use std::time::Duration;
///
/// use quipu::{Engine, Input, Limits, Moment, Stop};
///
/// let soon = Moment::now() + Duration::from_millis(20);
/// let mut session = Engine::new().session(Limits { deadline: Some(soon), ..Limits::default() })?;
/// let error = session.run(&Input::text("forever.qp", "while true {}")).unwrap_err();
/// assert_eq!(error.stop(), Some(Stop::Time));
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Moment;

/// # Examples
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// use quipu::{Engine, Input, Stop};
///
/// let mut session = Engine::new().session(Default::default())?;
/// let interrupt = session.interrupt_handle();
/// let watchdog = thread::spawn(move || {
///     thread::sleep(Duration::from_millis(20));
///     interrupt.interrupt();
/// });
/// let error = session.run(&Input::text("forever.qp", "while true {}")).unwrap_err();
/// assert_eq!(error.stop(), Some(Stop::Interrupted));
/// # watchdog.join().unwrap();
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::Interrupt;

/// # Examples
/// ```
/// use quipu::{Engine, Host};
///
/// // A machine without sources: for functions that come in images.
/// let mut vm = Engine::new().vm(Default::default())?;
/// let list = vm.make(vec![1, 2])?;
/// assert_eq!(vm.repr(&list)?, "[1, 2]");
/// # Ok::<(), quipu::Error>(())
/// ```
#[doc(inline)]
pub use quipu_vm::{Scope, Vm};
