//! The host's side: engines put together, typed natives and functions, types of the host, errors with their type.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::support::Captured;
use quipu::code::{Body, CaptureSource, ClosureSite, Code, FreeKind, Op, OwnDebug, Word};
use quipu::vm::host::{Blob, Class, Entries, Func, Host, HostSerde, HostType, ListOf, MapOf, Ref, Rest, Serde};
use quipu::vm::image::{Form, Image};
use quipu::vm::{Budget, Cx, ErrorKind, Failure, Limits, NativeDef, NativeFn, Outcome, Root, Step, Stop, Value};
use quipu::{BuildError, Builder, Capabilities, Engine, Error, Input, Session};

fn session(builder: Builder) -> Session {
    builder.build().unwrap().session(Limits::default()).unwrap()
}

fn eval(session: &mut Session, text: &str) -> String {
    match session.run(&Input::text("main.qp", text)) {
        Ok(value) => session.vm().repr(&value).unwrap(),
        Err(error) => error.to_string(),
    }
}

#[derive(Debug)]
struct DbError(u32);

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database said {}", self.0)
    }
}

impl std::error::Error for DbError {}

#[test]
fn natives_from_functions_of_all_shapes() {
    fn product(a: i64, b: i64) -> i64 {
        a * b
    }
    let builder = Engine::builder()
        .native("product", product)
        .native("one", || 1)
        .native("geo.dist@1", |a: f64, b: f64| a.hypot(b))
        .native("text.repeat", |s: &str, n: Option<usize>| s.repeat(n.unwrap_or(2)))
        .native("sum_of", |all: Rest<i64>| all.0.iter().sum::<i64>())
        .native("twice", |cx: &mut Cx<'_>, f: Func<(i64,), i64>, n: i64| {
            f.call(cx, (n,)).and_then(|n| f.call(cx, (n,)))
        })
        .native("lengths", |m: HashMap<String, Vec<i64>>| {
            m.into_iter().map(|(k, v)| (k, v.len())).collect::<BTreeMap<_, _>>()
        })
        .native("mirrored", |b: &[u8]| Blob(b.iter().rev().copied().collect()))
        .native("first", |pair: (Option<Root>, bool)| pair.0)
        .constant("game.LEVEL", 3)
        .constant("NAME", "quipu");
    let mut session = session(builder);
    for (text, expected) in [
        ("product(6, 7)", "42"),
        ("one()", "1"),
        ("import geo\ngeo.dist(3, 4.0)", "5.0"),
        ("import text\n[text.repeat(\"ab\"), text.repeat(\"ab\", 3)]", "[\"abab\", \"ababab\"]"),
        ("[sum_of(), sum_of(1, 2, 3)]", "[0, 6]"),
        ("twice(|x| x * 3, 2)", "18"),
        ("lengths([b: [1, 2], a: []])", "[\"a\": 0, \"b\": 2]"),
        ("mirrored(b\"abc\")", "b\"cba\""),
        ("[first((nil, true)), first(([1], false))]", "[nil, [1]]"),
        ("import game\n[game.LEVEL, NAME]", "[3, \"quipu\"]"),
        // Errors name the function, the argument and the way into it.
        ("product(1, \"x\")", "type_error: product: expected an int as argument 2, got str"),
        ("lengths([a: [1, nil]])", "type_error: lengths: expected an int as argument 1 at .a[1], got nil"),
        (
            "import text\ntext.repeat(\"a\", -1)",
            "type_error: text.repeat: expected an int from 0 to 18446744073709551615 as argument 2, got -1",
        ),
        (
            "twice(|x, y| x, 2)",
            "type_error: twice: expected a function of 1 argument as argument 1, got one that takes 2 arguments",
        ),
        ("twice(|x| throw \"no\", 2)", "uncaught value: \"no\""),
        ("twice(|x| [1].pop2(), 2)", "type_error: a list has no method `pop2`; did you mean `pop`?"),
        ("twice(|x| \"s\", 2)", "type_error: the result: expected an int, got str"),
    ] {
        assert_eq!(eval(&mut session, text), expected, "{text}");
    }
    // The compiler knows them too.
    assert!(eval(&mut session, "product(1)").contains("Q0"), "{}", eval(&mut session, "product(1)"));
    assert!(eval(&mut session, "import geo\ngeo.distance(1, 2)").contains("distance"));
}

#[test]
fn names_that_cannot_be() {
    let error = |builder: Builder| builder.build().err().unwrap();
    for name in ["", "a b", "1a", "a.b.c", "a@1", "a.@1", "a.b@", ".a"] {
        assert_eq!(error(Engine::builder().constant(name, 1)), BuildError::Name(name.to_owned()), "{name}");
    }
    assert_eq!(error(Engine::builder().native("len", || 1)), BuildError::Taken("len".to_owned()));
    assert_eq!(error(Engine::builder().constant("math.tau2", 1)), BuildError::Taken("math.tau2".to_owned()));
    assert_eq!(error(Engine::builder().constant("a.b@1", 1).constant("a.b@2", 1)), BuildError::Taken("a.b".to_owned()));
}

#[test]
fn functions_with_rust_types() {
    let mut session = session(Engine::builder());
    let add = session.run(&Input::text("<t>", "|a, b| a + b")).unwrap();
    let vm = session.vm();
    let sum: Func<(i64, i64), i64> = vm.get(&add).unwrap();
    assert_eq!(sum.call(vm, (1, 2)).unwrap(), 3);
    let join: Func<(&str, String), String> = vm.get(&add).unwrap();
    assert_eq!(join.call(vm, ("a", "b".to_owned())).unwrap(), "ab");
    let wrong = vm.get::<Func<(i64,), i64>>(&add).unwrap_err();
    assert_eq!(wrong.to_string(), "type_error: expected a function of 1 argument, got one that takes 2 arguments");
    assert_eq!(join.call(vm, ("a", "b".to_owned())).unwrap(), "ab");
    let wrong: Func<(i64, i64), String> = vm.get(&add).unwrap();
    assert_eq!(wrong.call(vm, (1, 2)).unwrap_err().to_string(), "type_error: the result: expected a str, got int");
}

#[test]
fn values_there_and_back() {
    let mut session = session(Engine::builder());
    let vm = session.vm();
    let table: BTreeMap<String, Vec<(i64, Option<f64>)>> =
        BTreeMap::from([("a".to_owned(), vec![(1, None), (2, Some(0.5))]), ("b".to_owned(), vec![])]);
    let value = vm.make(table.clone()).unwrap();
    assert_eq!(vm.repr(&value).unwrap(), "[\"a\": [(1, nil), (2, 0.5)], \"b\": []]");
    assert_eq!(vm.get::<BTreeMap<String, Vec<(i64, Option<f64>)>>>(&value).unwrap(), table);
    let entries: Entries<String, Root> = vm.get(&value).unwrap();
    assert_eq!(entries.0.len(), 2);
    assert!(vm.make(u64::MAX).unwrap_err().to_string().starts_with("overflow"));
    // Millions of conversions do not fill the heap.
    for i in 0..20_000i64 {
        let list = vm.make(vec![i; 100]).unwrap();
        assert_eq!(vm.get::<Vec<i64>>(&list).unwrap().len(), 100);
    }
    assert!(vm.stats().heap_bytes < 8 << 20, "{}", vm.stats().heap_bytes);
}

#[test]
fn host_errors_keep_their_type() {
    let builder = Engine::builder()
        .native("query", |n: u32| if n == 0 { Err(DbError(7)) } else { Ok(n) })
        .native("relay", |cx: &mut Cx<'_>, f: Func<(), Root>| f.call(cx, ()));
    let mut session = session(builder);
    assert_eq!(eval(&mut session, "query(3)"), "3");
    assert_eq!(
        eval(&mut session, "try { query(0) } catch e { [e.kind, e.message] }"),
        "[\"error\", \"the database said 7\"]"
    );
    for text in ["query(0)", "relay(|| query(0))", "try { query(0) } catch e { throw e }"] {
        let error = session.run(&Input::text("<t>", text)).err().unwrap();
        let Error::Failed(failure) = error else { panic!("{error}") };
        assert_eq!(failure.host::<DbError>().map(|error| error.0), Some(7), "{text}");
        assert!(failure.host::<fmt::Error>().is_none());
    }
}

#[test]
fn a_panic_in_a_native_is_an_error_and_the_machine_goes_on() {
    let builder = Engine::builder()
        .native("boom", |n: i64| -> i64 { panic!("number {n}") })
        .native("relay", |cx: &mut Cx<'_>, f: Func<(), Root>| f.call(cx, ()));
    let mut session = session(builder);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for text in ["boom(3)", "relay(|| relay(|| boom(3)))", "[1].map(|x| boom(3))"] {
        let caught = format!("try {{ {text} }} catch e {{ e.message }}");
        assert_eq!(eval(&mut session, &caught), "\"boom: the host's function panicked: number 3\"");
    }
    std::panic::set_hook(hook);
    assert_eq!(eval(&mut session, "1 + 1"), "2");
}

struct Player {
    name: String,
    hp: i64,
}

impl HostType for Player {
    fn class() -> Class<Player> {
        Class::<Player>::new("game.Player@1")
            .constructor(|name: String, hp: Option<i64>| Player { name, hp: hp.unwrap_or(10) })
            .getter("name", |player| player.name.clone())
            .getter("hp", |player| player.hp)
            .setter("hp", |player, hp: i64| player.hp = hp)
            .method("str", |player: &Player| format!("{} with {}", player.name, player.hp))
            .method("eq", |player: &Player, other: Ref<'_, Player>| player.name == other.name)
            .method("shout", |player: &Player, word: &str| format!("{word}, {}!", player.name))
            .method_mut("hit", |player: &mut Player, by: i64| {
                player.hp -= by;
                player.hp
            })
            .function("pair", false, || (Player { name: "a".into(), hp: 1 }, Player { name: "b".into(), hp: 2 }))
            .function("each_hit", true, |cx: &mut Cx<'_>, me: Root, f: Func<(Root,), i64>| f.call(cx, (me,)))
            .portable(
                |player| format!("{}:{}", player.hp, player.name).into_bytes(),
                |bytes| {
                    let text = std::str::from_utf8(bytes).map_err(|_| DbError(1))?;
                    let (hp, name) = text.split_once(':').ok_or(DbError(2))?;
                    Ok::<_, DbError>(Player { name: name.to_owned(), hp: hp.parse().map_err(|_| DbError(3))? })
                },
            )
    }
}

struct World {
    ticks: u32,
}

impl HostType for World {
    fn class() -> Class<World> {
        Class::<World>::new("World")
            .getter("ticks", |world| world.ticks)
            .method_mut("tick", |world: &mut World| world.ticks += 1)
            .function(
                "during",
                true,
                |cx: &mut Cx<'_>, mut world: quipu::vm::host::RefMut<'_, World>, f: Func<(), Root>| {
                    world.ticks += 100;
                    f.call(cx, ())
                },
            )
    }
}

fn game() -> Builder {
    Engine::builder().class::<Player>().class::<World>()
}

#[test]
fn types_of_the_host() {
    let mut session = session(game());
    for (text, expected) in [
        (
            "let p = game.Player(\"Ada\")\n[p.name, p.hp, p.hit(3), p.hp, p.shout(\"hey\")]",
            "[\"Ada\", 10, 7, 7, \"hey, Ada!\"]",
        ),
        (
            "let p = game.Player(\"Ada\", 3)\np.hp = 5\np.hp += 1\n[str(p), repr(p), p is game.Player, type_of(p).name]",
            "[\"Ada with 6\", \"<Player>\", true, \"Player\"]",
        ),
        ("[game.Player(\"a\") == game.Player(\"a\", 3), game.Player(\"a\") == game.Player(\"b\")]", "[true, false]"),
        ("let (a, b) = game.Player.pair()\n[a.hp, b.hp, a?.nothing]", "[1, 2, nil]"),
        ("let p = game.Player(\"a\")\np.each_hit(|q| { q.hit(1); q.hit(1) })", "8"),
        ("match game.Player(\"a\") { p is game.Player => p.name, _ => 0 }", "\"a\""),
        ("game.Player(1)", "type_error: Player: expected a str as argument 1, got int"),
        ("game.Player(\"a\").hp = \"x\"", "type_error: Player.hp: expected an int as argument 2, got str"),
        ("game.Player(\"a\").name = \"x\"", "field_error: the field `name` of Player can only be read"),
        ("game.Player(\"a\").nme", "field_error: Player has no field `nme`; did you mean `name`?"),
        ("game.Player(\"a\").hti(3)", "field_error: an instance of Player has no method `hti`; did you mean `hit`?"),
        (
            "game.Player(\"a\").heal(3)",
            "field_error: an instance of Player has no method `heal`; it has hp, name, str(), eq(), shout(), hit(), each_hit()",
        ),
        (
            "game.Player(\"a\").armour",
            "field_error: Player has no field `armour`; it has hp, name, str(), eq(), shout(), hit(), each_hit()",
        ),
        (
            "game.Player(\"a\").armour = 1",
            "field_error: Player has no field `armour`; it has hp, name, str(), eq(), shout(), hit(), each_hit()",
        ),
        ("game.Player(\"a\").hit()", "arity_error: Player.hit takes 2 arguments, but 1 was given"),
        ("game.Player(\"a\") == 3", "type_error: Player.eq: expected a Player as argument 2, got int"),
        ("let f = game.Player(\"a\").hit", "field_error: Player has no field `hit`; the method is called with `hit()`"),
        ("World()", "type_error: the type World cannot be called"),
    ] {
        assert_eq!(eval(&mut session, &format!("import game\n{text}")), expected, "{text}");
    }
}

#[test]
fn data_that_is_lent_comes_back() {
    let mut session = session(game());
    let step =
        session.run(&Input::text("<t>", "var kept = nil\n|w| { kept = w; w.tick(); w.tick(); w.ticks }")).unwrap();
    let kept = session.run(&Input::text("<t>", "|f| f.free_vars()[\"kept\"].ticks")).unwrap();
    let vm = session.vm();
    let mut world = World { ticks: 5 };
    let seen: i64 = vm.scope(|scope| {
        let world = scope.lend_mut(&mut world).unwrap();
        scope.invoke(&step, (world,)).unwrap()
    });
    assert_eq!((seen, world.ticks), (7, 7));
    // What a program has kept is of no use any more.
    let error = vm.invoke::<_, i64>(&kept, (step.clone(),)).unwrap_err();
    assert_eq!(error.to_string(), "value_error: World.ticks: World cannot be used: the host has taken it back");
    // For reading only.
    let error = vm.scope(|scope| {
        let world = scope.lend(&world).unwrap();
        scope.invoke::<_, i64>(&step, (world,)).unwrap_err()
    });
    assert_eq!(error.to_string(), "value_error: World.tick: World cannot be used: the host lets it be read only");
}

#[test]
fn data_in_use_is_refused_and_nothing_panics() {
    let mut session = session(game());
    let play = session.run(&Input::text("<t>", "|w| try { w.during(|| w.tick()) } catch e { e.message }")).unwrap();
    let vm = session.vm();
    let mut world = World { ticks: 0 };
    let text: String = vm.scope(|scope| {
        let world = scope.lend_mut(&mut world).unwrap();
        scope.invoke(&play, (world,)).unwrap()
    });
    assert_eq!(text, "World.tick: World cannot be used: it is in use by a call that is under way");
    assert_eq!(world.ticks, 100);
}

#[test]
fn types_of_the_host_travel_in_images() {
    let engine = game().build().unwrap();
    let mut here = engine.session(Limits::default()).unwrap();
    let text = "import game\nlet p = game.Player(\"Ada\", 4)\nlet q = p\n|| { p.hit(1); [p.hp, q.hp, same(p, q), p is game.Player] }";
    let function = here.run(&Input::text("<t>", text)).unwrap();
    let image = here.vm().image(&function).unwrap();
    assert_eq!(image.needs(), ["game.Player@1", "same"]);
    let opened = Image::parse(image.dump(Form::default()), &()).unwrap();
    let mut there = engine.session(Limits::default()).unwrap();
    let copy = there.vm().load(&opened).unwrap();
    assert_eq!(there.vm().hash(&copy).unwrap(), image.hash());
    let result = there.vm().call(&copy, &[]).unwrap();
    assert_eq!(there.vm().repr(&result).unwrap(), "[3, 3, true, true]");
    // A machine needs no modules for it.
    let mut bare = engine.vm(Limits::default()).unwrap();
    let copy = bare.load(&opened).unwrap();
    let result = bare.call(&copy, &[]).unwrap();
    assert_eq!(bare.repr(&result).unwrap(), "[3, 3, true, true]");
    // A host without the class says so; one whose data cannot be read, too.
    let mut poor = Engine::new().session(Limits::default()).unwrap();
    assert!(poor.vm().load(&opened).unwrap_err().to_string().contains("game.Player@1"));
    // What has no form for images names the way to it.
    let mut world = World { ticks: 0 };
    let wrap = here.run(&Input::text("<t>", "|w| [1, [world: w]]")).unwrap();
    let error = here.vm().scope(|scope| {
        let world = scope.lend_mut(&mut world).unwrap();
        let wrapped: Root = scope.invoke(&wrap, (world,)).unwrap();
        scope
            .enter(|cx| {
                let wrapped = cx.rooted(&wrapped)?;
                Image::of(cx, wrapped).map(|_| ())
            })
            .unwrap_err()
    });
    assert!(error.to_string().starts_with("not_portable: root[1].world belongs to the host"), "{error}");
}

/// A native may give what no program has: no image is written then that could not be read again.
#[test]
fn what_is_no_value_is_not_saved() {
    fn list<'v>(cx: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
        Ok(cx.list(vec![Value::NIL, Value::ABSENT])?.into())
    }
    fn tuple<'v>(cx: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
        cx.tuple(&[Value::ABSENT])
    }
    fn map<'v>(cx: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
        let map = cx.map();
        map.insert(cx, Value::int(1), Value::ABSENT)?;
        Ok(map.into())
    }
    fn nothing<'v>(_: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
        Ok(Value::ABSENT)
    }
    let natives: [(&str, NativeFn); 4] = [("list", list), ("tuple", tuple), ("map", map), ("nothing", nothing)];
    for (name, native) in natives {
        let mut session = session(Engine::builder().define(NativeDef::new("h.give", 0, native)));
        let give = session.run(&Input::text("t.qp", "import h\nh.give")).unwrap();
        let given = session.vm().call(&give, &[]).unwrap();
        let error = session.vm().image(&given).err().unwrap_or_else(|| panic!("{name} is saved")).to_string();
        assert!(error.starts_with("not_portable: ") && error.contains("that is no value"), "{name}: {error}");
        assert!(session.vm().hash(&given).unwrap_err().to_string().starts_with("not_portable: "), "{name}");
    }
}

#[test]
fn host_data_is_dropped_with_its_instance() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    impl HostType for Counted {
        fn class() -> Class<Counted> {
            Class::new("Counted").constructor(|| {
                ALIVE.fetch_add(1, Ordering::Relaxed);
                Counted
            })
        }
    }
    let mut session = session(Engine::builder().class::<Counted>());
    assert_eq!(eval(&mut session, "for i in 0..200_000 { Counted() }"), "nil");
    assert!(ALIVE.load(Ordering::Relaxed) < 100_000, "{}", ALIVE.load(Ordering::Relaxed));
    session.vm().set_gc_stress(true);
    assert_eq!(eval(&mut session, "let xs = []; for i in 0..50 { xs.push(Counted()) }\nxs.len()"), "50");
    drop(session);
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}

#[test]
fn a_value_of_another_machine_is_refused() {
    let (mut one, mut two) = (session(Engine::builder()), session(Engine::builder()));
    let value = one.run(&Input::text("<t>", "[1]")).unwrap();
    let error: Failure = two.vm().get::<Vec<i64>>(&value).unwrap_err();
    assert_eq!(error.to_string(), "value_error: a value of another machine was given to this one");
    assert!(two.vm().call(&value, &[]).is_err() && two.vm().list(std::slice::from_ref(&value)).is_err());
    let output = Captured::default();
    two.vm().set_output(Box::new(output.clone()));
    assert_eq!(one.vm().get::<Vec<i64>>(&value).unwrap(), [1]);
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Config {
    name: String,
    port: u16,
    ratio: f64,
    tags: Vec<String>,
    limits: BTreeMap<String, u64>,
    pair: (i8, char),
    parent: Option<Box<Config>>,
    modes: Vec<Mode>,
    nothing: (),
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
enum Mode {
    Off,
    Level(i32),
    Point { x: f32, y: f32 },
    Both(bool, bool),
}

fn config() -> Config {
    let inner = Config {
        name: "inner".into(),
        port: 1,
        ratio: -0.5,
        tags: vec![],
        limits: BTreeMap::new(),
        pair: (-1, 'é'),
        parent: None,
        modes: vec![Mode::Off, Mode::Level(-3), Mode::Point { x: 1.0, y: 2.5 }, Mode::Both(true, false)],
        nothing: (),
    };
    let limits = BTreeMap::from([("cpu".into(), 4), ("mem".into(), 1 << 40)]);
    Config {
        name: "outer".into(),
        port: 8080,
        tags: vec!["a".into()],
        limits,
        parent: Some(Box::new(inner.clone())),
        ..inner
    }
}

#[test]
fn data_with_derives_goes_there_and_back() {
    let mut session = session(Engine::builder());
    let value = session.to_value(&config()).unwrap();
    assert_eq!(value.to::<Config>(&mut session).unwrap(), config());
    let modes = session.to_value(&config().modes).unwrap();
    assert_eq!(
        session.repr(&modes).unwrap(),
        "[\"Off\", [\"Level\": -3], [\"Point\": [\"x\": 1.0, \"y\": 2.5]], [\"Both\": (true, false)]]"
    );
    // A program changes it; an instance of a declared type is a struct too.
    let change = session.run(&Input::text("<t>", "|c| { c.port += 1; c.parent.tags = [\"x\", \"y\"]; c }")).unwrap();
    let Serde(changed): Serde<Config> = session.invoke(&change, (Serde(config()),)).unwrap();
    assert_eq!((changed.port, changed.parent.unwrap().tags), (8081, vec!["x".to_owned(), "y".to_owned()]));
    #[derive(Deserialize, PartialEq, Debug)]
    struct Point {
        x: i64,
        y: Option<i64>,
    }
    let point =
        session.run(&Input::text("<t>", "type Point(x, y)\n[Point(1, 2), Point(3, nil), [x: 4], (5, 6)]")).unwrap();
    let points: Vec<Point> = point.to(&mut session).unwrap();
    assert_eq!(
        points.iter().map(|p| (p.x, p.y)).collect::<Vec<_>>(),
        [(1, Some(2)), (3, None), (4, None), (5, Some(6))]
    );
}

#[test]
fn data_that_does_not_fit_names_the_place() {
    let mut session = session(Engine::builder().native("take", |c: Serde<Config>| c.0.port));
    let good = "[name: \"a\", port: 1, ratio: 1.0, tags: [], limits: [:], pair: (1, \"x\"), parent: nil, modes: [], nothing: nil]";
    for (change, expected) in [
        ("c.port = 70_000", "type_error: expected an int from 0 to 65535 at .port, got 70000"),
        ("c.tags = [\"a\", 1]", "type_error: expected a str at .tags[1], got int"),
        ("c.parent = [:]", "type_error: expected data that fits at .parent, got map (missing field `name`)"),
        ("c.remove(\"modes\")", "type_error: expected data that fits, got map (missing field `modes`)"),
        (
            "c.modes = [\"Of\"]",
            "type_error: expected data that fits at .modes[0], got map (unknown variant `Of`, expected one of `Off`, `Level`, `Point`, `Both`)",
        ),
        ("c.modes = [[Point: [x: 1, y: nil]]]", "type_error: expected a number at .modes[0].Point.y, got nil"),
        ("c.limits = [cpu: -1]", "type_error: expected an int from 0 to 18446744073709551615 at .limits.cpu, got -1"),
        ("c.pair = (1, 2, 3)", "type_error: expected a tuple of 2 at .pair, got one of 3"),
        ("c.parent = c", "type_error: expected data that fits"),
        ("c.tags = print", "type_error: expected a list at .tags, got function"),
    ] {
        let value = session.run(&Input::text("<t>", format!("let c = {good}\n{change}\nc"))).unwrap();
        let error = value.to::<Config>(&mut session).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{change}: {error}");
    }
    let error = eval(&mut session, "take([name: 1])");
    assert_eq!(error, "type_error: take: expected a str as argument 1 at .name, got int");
    let error = session.to_value(&HashMap::from([(Some(1.5f64).map(|_| vec![1]), 1)])).unwrap_err();
    assert!(error.to_string().starts_with("value_error"), "{error}");
}

#[test]
fn what_the_host_holds_outlives_calls_that_it_makes() {
    let mut session = session(Engine::builder());
    let churn = session.run(&Input::text("<t>", "|| { for i in 0..1_000 { [str(i)] }; \"a result\" }")).unwrap();
    session.vm().set_gc_stress(true);
    let texts: (String, String) = session
        .enter(|cx| {
            let held = cx.str(&"held by the host ".repeat(3))?;
            let churn = cx.rooted(&churn)?;
            let first = cx.call(churn, &[])?;
            cx.call(churn, &[])?;
            Ok((held.as_str().unwrap().to_owned(), first.as_str().unwrap().to_owned()))
        })
        .unwrap();
    assert_eq!(texts, ("held by the host ".repeat(3), "a result".to_owned()));
}

#[test]
fn code_outlives_calls_of_those_who_may_hold_it() {
    let mut session = session(Engine::builder());
    let churn = session.run(&Input::text("<t>", "|| { for i in 0..100 { [str(i)] }; 1 }")).unwrap();
    let other = session.run(&Input::text("<t>", "|x| [1, 2].map(|y| x * y)")).unwrap();
    session.vm().set_gc_stress(true);
    let (before, after) = session
        .enter(|cx| {
            let before: Vec<_> = cx.codes().into_keys().collect();
            drop(other);
            let churn = cx.rooted(&churn)?;
            cx.call(churn, &[])?;
            Ok((before, cx.codes()))
        })
        .unwrap();
    assert!(before.iter().all(|hash| after.contains_key(hash)));
    // A call from outside holds nothing. The first one is told that the handle was dropped.
    session.vm().call(&churn, &[]).unwrap();
    session.vm().call(&churn, &[]).unwrap();
    assert!(session.vm().stats().codes < before.len());
    session.invoke::<_, i64>(&churn, ()).unwrap();
}

#[test]
fn closures_are_made_with_what_their_code_takes() {
    let mut session = session(Engine::builder());
    let text = "let one = 1\nvar two = 2\ntype T(a) { fn m(self) = T(self.a) }\nlet f = |x| x + one\nlet g = || { two += 1; two }\n(f, g, T(1).m().m(), |x| x)";
    let program = session.run_whole(&Input::text("t.qp", text)).unwrap();
    let main = program.main.unwrap();
    let mut codes = vec![main.clone()];
    let mut next = 0;
    while let Some(code) = codes.get(next).cloned() {
        codes.extend(code.body().children.iter().cloned());
        next += 1;
    }
    let one = session.vm().int(1);
    let mut refused = 0;
    for code in &codes {
        for count in 0..4 {
            let captures = vec![one.clone(); count];
            let free = &code.body().free;
            let fits = free.len() == count && free.iter().all(|kind| *kind == FreeKind::Value) && !code.uses_owner();
            match session.vm().instantiate(code, &captures) {
                Ok(closure) => {
                    assert!(fits, "{:?}", code.debug().map(|debug| &debug.name));
                    // Whatever it does with what it was given, the machine stands it.
                    let _ = session.vm().call(&closure, &[]);
                    let _ = session.vm().call(&closure, std::slice::from_ref(&one));
                }
                Err(failure) => {
                    assert!(!fits);
                    assert!(failure.to_string().starts_with("value_error: "), "{failure}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 3 * codes.len());
    let error = session.vm().instantiate(&main, &[one]).unwrap_err();
    assert!(error.to_string().ends_with("takes 0 values from outside, not 1"), "{error}");
}

/// Hashes of functions are kept, so a `let` that they see is written once, whatever code does.
#[test]
fn a_let_is_given_a_value_once() {
    let sees = Body {
        registers: 1,
        free: vec![FreeKind::Cell],
        words: vec![Word::ax(Op::GetFreeCell, 0, 0), Word::abc(Op::Return, 0, 0, 0)],
        ..Body::default()
    };
    let makes = |var| Body {
        registers: 4,
        children: vec![Code::check(sees.clone(), None).unwrap()],
        closures: vec![ClosureSite {
            child: 0,
            sources: vec![CaptureSource::Register(0)],
            own_debug: OwnDebug::default(),
        }],
        words: vec![
            Word::ax(Op::NewCell, 0, var),
            Word::ax(Op::MakeClosure, 1, 0),
            Word::ax(Op::LoadInt, 2, 1),
            Word::abc(Op::InitCell, 0, 2, 0),
            Word::abc(Op::Yield, 3, 1, 0),
            Word::ax(Op::LoadInt, 2, 2),
            Word::abc(Op::InitCell, 0, 2, 0),
            Word::abc(Op::Return, 1, 0, 0),
        ],
        ..Body::default()
    };
    for var in [0, 1] {
        let mut session = session(Engine::builder());
        let main = session.vm().instantiate(&Code::check(makes(var), None).unwrap(), &[]).unwrap();
        let mut run = session.vm().start(&main, &[]).unwrap();
        let Ok(Step::Yield(function)) = session.vm().step(&mut run, Budget::Unlimited) else { panic!("no yield") };
        let before = session.vm().hash(&function).unwrap();
        let again = session.vm().step(&mut run, Budget::Unlimited).map(|_| ()).map_err(|failure| failure.to_string());
        let fresh = session.vm().image(&function).unwrap().hash();
        assert_eq!(session.vm().hash(&function).unwrap(), fresh, "{var}");
        if var == 1 {
            assert_eq!(again, Ok(()));
            assert_ne!(before, fresh);
        } else {
            assert!(
                again.unwrap_err().starts_with("type_error: a variable that is no var is given a value a second time")
            );
            assert_eq!(before, fresh);
        }
    }
}

#[test]
fn thousands_of_machines_in_one_process() {
    let engine = Engine::builder().native("twice", |n: i64| n * 2).build().unwrap();
    let text = "var sum = 0\n|n| { sum += twice(n); sum }";
    let mut machines: Vec<(Session, Func<(i64,), i64>)> = (0..3_000)
        .map(|_| {
            let mut session = engine.session(Limits::default()).unwrap();
            let add = session.run(&Input::text("add.qp", text)).unwrap();
            let add = session.get(&add).unwrap();
            (session, add)
        })
        .collect();
    // Two threads take half of them each, and each machine has its own state.
    let (first, second) = machines.split_at_mut(1_500);
    std::thread::scope(|scope| {
        for (half, begin) in [(first, 0i64), (second, 1_500)] {
            scope.spawn(move || {
                for (number, (session, add)) in (begin..).zip(half) {
                    assert_eq!(add.call(session, (number,)).unwrap(), number * 2);
                    assert_eq!(add.call(session, (1,)).unwrap(), number * 2 + 2);
                }
            });
        }
    });
    // What programs do not use is not made.
    assert!(engine.session(Limits::default()).unwrap().vm().stats().heap_bytes == 0);
    let largest = machines.iter().map(|(session, _)| session.stats().heap_bytes).max();
    assert!(largest.is_some_and(|bytes| bytes < 4_000), "{largest:?}");
}

#[test]
fn another_thread_interrupts_and_the_machine_goes_on() {
    let mut session = session(Engine::builder());
    let interrupt = session.interrupt_handle();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let result = std::thread::scope(|scope| {
        scope.spawn(move || {
            has_begun.recv().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            interrupt.interrupt();
        });
        begun.send(()).unwrap();
        session.run(&Input::text("<t>", "while true { try { while true {} } catch e { nil } }"))
    });
    let Err(Error::Failed(Failure::Stop(stop, trace))) = result else { panic!("it was not stopped") };
    assert_eq!(stop, Stop::Interrupted);
    assert!(!trace.is_empty());
    assert_eq!(eval(&mut session, "1 + 1"), "2");
}

#[test]
fn calls_from_the_host_leave_nothing_behind() {
    let builder = Engine::builder().native("back", |cx: &mut Cx<'_>, f: Func<(i64,), i64>, n: i64| f.call(cx, (n,)));
    let mut session = session(builder);
    let text = "fn deep(n) = if n == 0 { 0 } else { 1 + deep(n - 1) }\n|n| if n < 0 { throw \"no\" } else { deep(n) }";
    let deep = session.run(&Input::text("<t>", text)).unwrap();
    let deep: Func<(i64,), i64> = session.get(&deep).unwrap();
    let nested = session.run(&Input::text("<t>", "|n| back(|m| back(|k| k + 1, m) + 1, n)")).unwrap();
    let nested: Func<(i64,), i64> = session.get(&nested).unwrap();
    assert_eq!(nested.call(&mut session, (1,)).unwrap(), 3);
    assert_eq!(deep.call(&mut session, (1,)).unwrap(), 1);
    let before = session.vm().stats();
    for _ in 0..20_000 {
        assert_eq!(deep.call(&mut session, (1,)).unwrap(), 1);
    }
    assert_eq!(session.vm().stats().heap_bytes, before.heap_bytes);
    // However a call ends, the next one finds everything as it should be.
    for round in 0..200 {
        assert!(deep.call(&mut session, (-1,)).is_err());
        assert_eq!(deep.call(&mut session, (round * 50,)).unwrap(), round * 50);
        assert_eq!(nested.call(&mut session, (round,)).unwrap(), round + 2);
        session.set_limits(Limits { fuel: Some(100), ..Limits::default() });
        assert!(deep.call(&mut session, (10_000,)).is_err());
        session.set_limits(Limits { depth: 50, ..Limits::default() });
        assert!(deep.call(&mut session, (100,)).is_err());
        session.set_limits(Limits::default());
    }
    session.vm().set_gc_stress(true);
    for round in 0..50 {
        assert_eq!(nested.call(&mut session, (round,)).unwrap(), round + 2);
        assert!(deep.call(&mut session, (-1,)).is_err());
    }
    session.vm().set_gc_stress(false);
    assert!(session.vm().stats().heap_bytes < before.heap_bytes + (64 << 10), "{}", session.vm().stats().heap_bytes);
}

#[test]
fn compiling_says_all_that_is_wrong_and_where() {
    let engine = Engine::new();
    let input = Input::text("main.qp", "let a = one\nlet b = 2\nlet c = two\n");
    let Err(error) = engine.compile(&input) else { panic!("it compiles") };
    let places: Vec<(u32, u32)> = error.labels().map(|(source, label)| source.line_column(label.span.start)).collect();
    assert_eq!(places, [(1, 9), (3, 9)]);
    assert!(error.code().is_some() && error.trace().is_empty() && error.value().is_none());
}

#[test]
fn lists_and_maps_are_shared_with_the_program() {
    for stress in [false, true] {
        let mut session = session(Engine::builder().native("double", |cx: &mut Cx<'_>, list: ListOf<i64>| {
            for index in 0..list.len(cx)? {
                let item = list.get(cx, index)?.unwrap_or_default();
                list.set(cx, index, item * 2)?;
            }
            Ok::<_, Failure>(list)
        }));
        session.vm().set_gc_stress(stress);
        let program = "|list, map| { list.push(4); map[\"sum\"] = double(list).sum(); (list, map) }";
        let function = session.run(&Input::text("main.qp", program)).unwrap();
        let list = ListOf::<i64>::new(&mut session, [1, 2]).unwrap();
        list.push(&mut session, 3).unwrap();
        let map = MapOf::<String, i64>::new(&mut session, [("first".to_owned(), 1)]).unwrap();
        let (same, other): (ListOf<i64>, MapOf<String, i64>) = session.invoke(&function, (&list, map.clone())).unwrap();

        assert_eq!(
            (0..5).map(|i| list.get(&mut session, i).unwrap()).collect::<Vec<_>>(),
            [Some(2), Some(4), Some(6), Some(8), None]
        );
        assert_eq!(map.get(&mut session, "sum").unwrap(), Some(20));
        assert_eq!(same.pop(&mut session).unwrap(), Some(8));
        assert_eq!(list.len(&mut session).unwrap(), 3);
        assert!(!list.set(&mut session, 3, 0).unwrap());
        assert!(other.remove(&mut session, "first").unwrap() && !other.remove(&mut session, "first").unwrap());
        assert!(map.insert(&mut session, "sum".to_owned(), 21).unwrap());
        assert_eq!(other.entries(&mut session).unwrap(), [("sum".to_owned(), 21)]);

        // What the program puts in may be of another type.
        let spoil = session.run(&Input::text("spoil.qp", "|list| { list.push(\"x\") }")).unwrap();
        session.invoke::<_, ()>(&spoil, (&list,)).unwrap();
        assert_eq!(list.get(&mut session, 3).unwrap_err().to_string(), "type_error: [3]: expected an int, got str");
        assert!(list.pop(&mut session).is_err() && list.len(&mut session).unwrap() == 4);
        assert!(session.get::<ListOf<i64>>(map.value()).unwrap_err().to_string().contains("expected a list"));
        // Another machine refuses them.
        let mut stranger = Engine::new().session(Limits::default()).unwrap();
        assert!(list.len(&mut stranger).unwrap_err().to_string().contains("another machine"));
    }
}

#[test]
fn an_image_gets_what_whoever_loads_it_allows() {
    let engine = Engine::builder().native("drop_all", || 7_i64).build().unwrap();
    let mut session = engine.session(Limits::default()).unwrap();
    let source = "import image\nlet bytes = image.dump(|| drop_all())\nlet refused = try { image.load(bytes, []) } catch e { e }\n\
                  (image.load(bytes)(), image.load(bytes, [\"fs\"])())";
    // A machine that was granted nothing has nothing that a list could keep back.
    let value = session.run(&Input::text("a.qp", source)).unwrap();
    assert_eq!(session.vm().repr(&value).unwrap(), "(7, 7)");

    let engine = Engine::builder().native("drop_all", || 7_i64).capabilities(Capabilities::ALL).build().unwrap();
    let mut session = engine.session(Limits::default()).unwrap();
    let source = "import image\nlet bytes = image.dump(|| drop_all())\n(image.load(bytes)(), try { image.load(bytes, [\"fs\"]) } \
                  catch e { e.data })";
    let value = session.run(&Input::text("a.qp", source)).unwrap();
    assert_eq!(session.vm().repr(&value).unwrap(), "(7, [\"drop_all\"])");

    let function = session.run(&Input::text("b.qp", "import fs\n|| (drop_all(), fs.exists(\"/\"), print)")).unwrap();
    let image = session.vm().image(&function).unwrap();
    let mut vm = engine.vm(Limits::default()).unwrap();
    let Err(Failure::Uncaught(refused)) = vm.load_within(&image, |name| name == "print") else {
        panic!("it was loaded")
    };
    assert_eq!(refused.kind.as_deref(), Some("image_error"));
    assert!(refused.message.ends_with("more than it is allowed: drop_all, fs.exists"), "{}", refused.message);
    let function = vm.load_within(&image, |name| name != "fs.read").unwrap();
    assert!(vm.call(&function, &[]).is_ok());
}

#[test]
fn a_call_has_limits_of_its_own() {
    let within = |fuel| Limits { fuel: Some(fuel), ..Limits::default() };
    let mut session = session(game());
    let turns = session.run(&Input::text("<t>", "|n| { for _ in 0..n {}; n }")).unwrap();
    session.set_limits(within(10_000));
    let call = |session: &mut Session, fuel, n: i64| -> Result<i64, Option<Stop>> {
        let result = session.with_limits(within(fuel), |session| session.invoke(&turns, (n,)));
        result.map_err(|failure: Failure| failure.stop())
    };
    // Each call has so much, and all of them together have what the session has.
    assert_eq!(call(&mut session, 1_000, 100), Ok(100));
    assert_eq!(call(&mut session, 1_000, 2_000), Err(Some(Stop::Fuel)));
    assert_eq!(call(&mut session, 5_000, 4_000), Ok(4_000));
    let used = session.stats().fuel_used;
    assert!((5_000..6_000).contains(&used), "{used}");
    assert_eq!(call(&mut session, 1_000_000, 6_000), Err(Some(Stop::Fuel)));
    assert!(session.invoke::<_, i64>(&turns, (1,)).is_err());

    // A panic of the host leaves the session with its own.
    session.set_limits(Limits::default());
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        session.with_limits(within(1), |_| std::panic::panic_any(()));
    }));
    assert!(panics.is_err());
    assert_eq!(session.invoke::<_, i64>(&turns, (100_000,)).unwrap(), 100_000);

    let deep = session.run(&Input::text("<t>", "fn down(n) = if n == 0 { 0 } else { 1 + down(n - 1) }\ndown")).unwrap();
    let mut world = World { ticks: 0 };
    session.scope(|scope| {
        scope.lend_mut(&mut world).unwrap();
        let shallow = Limits { depth: 50, ..Limits::default() };
        let error = scope.with_limits(shallow, |scope| scope.invoke::<_, i64>(&deep, (100,))).unwrap_err();
        assert_eq!(error.code(), Some("Q0414"));
        assert_eq!(scope.invoke::<_, i64>(&deep, (100,)).unwrap(), 100);
    });
    let small = Limits { heap: Some(1 << 20), ..Limits::default() };
    let full = session.with_limits(small, |session| session.run(&Input::text("<t>", "\"x\" * 2_000_000")).map(drop));
    assert_eq!(full.unwrap_err().stop(), Some(Stop::Heap));
    assert!(session.run(&Input::text("<t>", "\"x\" * 2_000_000")).is_ok());
    let unbounded = session.with_limits(Limits { heap: None, ..Limits::default() }, |session| {
        session.run(&Input::text("<t>", "\"x\" * 2_000_000")).is_ok()
    });
    assert!(unbounded);
}

#[test]
fn a_session_keeps_what_its_natives_share() {
    #[derive(Default)]
    struct Sent(Vec<String>);

    let engine = Engine::builder().native("send", |cx: &mut Cx<'_>, text: &str| {
        cx.extension::<Sent>().0.push(text.to_owned());
    });
    let engine = engine.build().unwrap();
    let mut sessions = [(); 2].map(|()| engine.session(Limits::default()).unwrap());
    for (session, text) in sessions.iter_mut().zip(["send(\"a\")\nsend(\"b\")", "send(\"c\")"]) {
        session.run(&Input::text("<t>", text)).unwrap();
    }
    let sent = sessions.map(|mut session| std::mem::take(&mut session.extension::<Sent>().0));
    assert_eq!(sent, [vec!["a", "b"], vec!["c"]]);
}

#[test]
fn errors_that_main_returns_can_be_read() {
    let taken = Engine::builder().constant("print", 1).build().map(drop).unwrap_err();
    assert_eq!(format!("{taken:?}"), "there is a `print` already");
    assert_eq!(format!("{:?}", Error::from(taken)), "the engine cannot be built: there is a `print` already");
    let mut session = session(game());
    let function = session.run(&Input::text("a.qp", "|x| x.foo")).unwrap();
    let failure = session.invoke::<_, i64>(&function, (1,)).unwrap_err();
    assert_eq!(format!("{failure:?}"), "field_error: int has no field `foo`");
    let image = Image::parse(b"no".as_slice(), &()).map(drop).unwrap_err();
    assert_eq!(format!("{:?}", Error::from(image)), "this is no image: its first bytes are other ones");

    // A failure is reported as the error that it becomes.
    assert_eq!(failure.code(), Some("Q0403"));
    #[cfg(feature = "report")]
    {
        let shown = session.report(&failure);
        assert!(shown.contains("a.qp:1:5") && shown.contains("|x| x.foo"), "{shown}");
        assert_eq!(session.report(&Error::from(failure)), shown);
    }
}

#[test]
fn a_native_knows_its_name_whatever_was_called_in_between() {
    let picky: NativeFn = |cx, arguments| {
        let given = match arguments {
            [function, rest @ ..] => cx.call(*function, rest)?,
            [] => Value::NIL,
        };
        assert_eq!(cx.native_name(), Some("geo.picky"));
        Err(cx.fail_here(ErrorKind::Value, format!("got {}", given.kind_name())))
    };
    let inner: NativeFn = |cx, _| Err(cx.fail_here(ErrorKind::Value, "never"));
    let natives = [NativeDef::new("geo.picky", 0, picky).rest(), NativeDef::new("geo.inner", 0, inner)];
    let engine = natives.into_iter().fold(Engine::builder(), Builder::define).build().unwrap();
    for stress in [false, true] {
        let mut session = engine.session(Limits::default()).unwrap();
        session.vm().set_call_stress(stress);
        // By its own instruction, as a value, by way of others, and with collections in between.
        let text = "import geo\nlet f = geo.picky\n\
            let waste = || { var s = 0\n for i in 0..20_000 { s += \"${[i]}\".len() }; try { geo.inner() } catch e { e.message } }\n\
            let message = |f| try { f() } catch e { e.message }\n\
            [message(|| geo.picky()), message(f), message(|| f(waste)), message(|| [waste].map(f)), \
             message(|| geo.picky(geo.picky, || 1)), [1].map(|_| waste())[0]]";
        let messages = session.run(&Input::text("names.qp", text)).unwrap();
        let messages: Vec<String> = session.get(&messages).unwrap();
        let (nil, str, int) = ("geo.picky: got nil", "geo.picky: got str", "geo.picky: got int");
        assert_eq!(messages, [nil, nil, str, str, int, "geo.inner: never"]);
        // The native may be gone by now; then there is no name.
        session.run(&Input::text("waste.qp", "for i in 0..100_000 { [i, [i]] }")).unwrap();
        let message = session.enter(|cx| Err::<(), _>(cx.fail_here(ErrorKind::Value, "outside"))).unwrap_err();
        assert_eq!(message.to_string(), "value_error: outside");
    }
}
