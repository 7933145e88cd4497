//! The facade: engines, sessions and modules from memory.

use crate::support::Captured;
use quipu::load::Memory;
use quipu::vm::{Failure, Limits, Stop};
use quipu::{Engine, Error, Input, Session};

fn session(engine: &Engine) -> (Session, Captured) {
    let mut session = engine.session(Limits::default()).unwrap();
    let output = Captured::default();
    session.vm().set_output(Box::new(output.clone()));
    (session, output)
}

fn value(session: &mut Session, text: &str) -> String {
    let value = session.run(&Input::text("<test>", text)).unwrap();
    session.vm().repr(&value).unwrap()
}

/// The codes of what does not compile, with the names of the sources.
fn codes(error: Error) -> Vec<(String, &'static str)> {
    let Error::Invalid(found) = error else { panic!("{error}") };
    let each = |found: &quipu::lang::diagnostic::Diagnostics| {
        let name = found.source.name().to_string();
        found.list.iter().map(move |diagnostic| (name.clone(), diagnostic.code)).collect::<Vec<_>>()
    };
    found.iter().flat_map(each).collect()
}

#[test]
fn the_last_value_is_what_a_run_gives() {
    let (mut session, _) = session(&Engine::new());
    assert_eq!(value(&mut session, "[1, 2, 3].sum()"), "6");
    assert_eq!(value(&mut session, "let x = 1"), "nil");
    assert_eq!(value(&mut session, ""), "nil");
}

#[test]
fn modules_come_from_memory_and_run_once_in_a_session() {
    let modules = Memory::new()
        .with("main.qp", "import \"./lib/counter\"\nprint(counter.next())\n")
        .with(
            "lib/counter.qp",
            "import \"../base\" { start }\nprint(\"counter\")\nvar n = start\nexport fn next() { n += 1; n }\n",
        )
        .with("base.qp", "print(\"base\")\nexport let start = 10\n");
    let engine = Engine::new().with_resolver(modules);
    let (mut first, output) = session(&engine);
    first.run(&Input::file("main.qp")).unwrap();
    first.run(&Input::file("main.qp")).unwrap();
    assert_eq!(output.text(), "base\ncounter\n11\n12\n");
    let (mut second, output) = session(&engine);
    second.run(&Input::file("main.qp")).unwrap();
    assert_eq!(output.text(), "base\ncounter\n11\n");
}

#[test]
fn errors_of_modules_and_importers_come_together() {
    let modules = Memory::new()
        .with("main.qp", "import \"./a\"\nimport \"./b\"\nimport \"./aa\"\nprint(wrong, a.x)\n")
        .with("a.qp", "export let x = wrong\n")
        .with("b.qp", "import \"./c\"\n")
        .with("c.qp", "import \"./b\"\n");
    let error = Engine::new().with_resolver(modules).check(&Input::file("main.qp")).unwrap_err();
    let expected = [("a.qp", "Q0201"), ("c.qp", "Q0209"), ("main.qp", "Q0208"), ("main.qp", "Q0201")];
    assert_eq!(codes(error), expected.map(|(name, code)| (name.to_owned(), code)));
}

#[test]
fn a_module_imported_on_two_ways_is_one() {
    let modules = Memory::new()
        .with("main.qp", "import \"./left\"\nimport \"./right\"\nprint(left.shared == right.shared, same(left.shared, right.shared))\n")
        .with("left.qp", "import \"./base\"\nexport let shared = base.items\n")
        .with("right.qp", "import \"./base\" { items }\nexport let shared = items\n")
        .with("base.qp", "export let items = []\n");
    let (mut session, output) = session(&Engine::new().with_resolver(modules));
    session.run(&Input::file("main.qp")).unwrap();
    assert_eq!(output.text(), "true true\n");
}

#[test]
fn imports_may_not_be_nested_without_end() {
    let mut modules = Memory::new();
    for i in 0..300 {
        modules = modules.with(format!("m{i}.qp"), format!("import \"./m{}\"\nexport let x = 1\n", i + 1));
    }
    let modules = modules.with("m300.qp", "export let x = 1\n");
    let error = Engine::new().with_resolver(modules).check(&Input::file("m0.qp")).unwrap_err();
    assert_eq!(codes(error), [("m199.qp".to_owned(), "Q0112")]);
}

#[test]
fn what_a_host_does_not_grant_is_not_there() {
    let text = "import os\nimport image { save }\nprint(os.args, os.args, os.exit)\nsave(1)";
    let error = Engine::new().check(&Input::text("<test>", text)).unwrap_err();
    let Error::Invalid(found) = error else { panic!("it compiles") };
    let titles: Vec<&str> = found.iter().flat_map(|found| &found.list).map(|error| error.title.as_str()).collect();
    let names = ["the module `os`", "`image.save`", "`os.args`", "`os.exit`"];
    let expected = names.map(|name| format!("this host does not grant {name}"));
    assert_eq!(titles, expected);
}

#[test]
fn a_standard_module_in_quotes_is_known_for_one() {
    let advice = |modules: Memory| {
        let Err(Error::Invalid(found)) = Engine::new().with_resolver(modules).check(&Input::file("main.qp")) else {
            panic!("no error")
        };
        let help = found[0].list[0].help.clone().unwrap();
        (help.text, help.patch.unwrap().1)
    };
    let main = || Memory::new().with("main.qp", "import \"json\" as j\n");
    let (text, patch) = advice(main());
    assert_eq!(
        (text.as_str(), patch.as_str()),
        ("standard modules are imported without quotes: `import json`", "json")
    );
    assert_eq!(advice(main().with("json.qp", "")).1, "\"./json\"");
}

#[test]
fn a_session_goes_on_after_an_error_and_after_a_limit() {
    let engine = Engine::new();
    let (mut session, _) = session(&engine);
    let Err(Error::Failed(Failure::Uncaught(uncaught))) = session.run(&Input::text("<test>", "nil + 1")) else {
        panic!("no error")
    };
    assert_eq!(uncaught.kind.as_deref(), Some("type_error"));
    session.vm().set_limits(Limits { fuel: Some(1000), ..Limits::default() });
    let stopped = session.run(&Input::text("<test>", "while true {}"));
    assert!(matches!(stopped, Err(Error::Failed(Failure::Stop(Stop::Fuel, _)))));
    session.vm().set_limits(Limits::default());
    assert_eq!(value(&mut session, "1 + 1"), "2");
}

#[test]
fn engines_are_shared_between_threads() {
    let engine = Engine::new();
    std::thread::scope(|scope| {
        for i in 0..4 {
            let engine = &engine;
            scope.spawn(move || {
                let (mut session, _) = session(engine);
                assert_eq!(value(&mut session, &format!("{i} * 2")), (i * 2).to_string());
            });
        }
    });
}

#[test]
fn a_program_is_compiled_once_for_many_sessions() {
    let modules = Memory::new()
        .with("main.qp", "import \"./counter\"\nprint(counter.next())\ncounter.next()")
        .with("counter.qp", "print(\"once\")\nvar n = 0\nexport fn next() { n += 1; n }");
    let engine = Engine::new().with_resolver(modules);
    let program = engine.compile(&Input::file("main.qp")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (mut session, output) = session(&engine);
                for expected in ["2", "4"] {
                    let ran = session.run_program(&program).unwrap();
                    assert_eq!(session.vm().repr(&ran.value).unwrap(), expected);
                }
                assert_eq!(output.text(), "once\n1\n3\n");
            });
        }
    });
    // Compiled anew, its modules are others; what has run beside them stays.
    let again = engine.compile(&Input::file("main.qp")).unwrap();
    let (mut session, _) = session(&engine);
    for (program, expected) in [(&program, "2"), (&again, "2"), (&again, "4")] {
        let ran = session.run_program(program).unwrap();
        assert_eq!(session.vm().repr(&ran.value).unwrap(), expected);
    }
}
