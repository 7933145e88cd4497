//! What functions take from outside, in which order, and whether as a value or through a cell.

use std::sync::Arc;

use crate::front;
use crate::front::compile_text;
use quipu_code::span::{Source, Span};
use quipu_code::{Code, FreeKind, Op};
use quipu_lang::compile::{Arity, Export, ExportKind, Imported, Interface, Outer, Unit, compile, imports};
use quipu_lang::parse::parse;

/// The first function with this name, wherever it stands.
fn function(code: &Code, name: &str) -> Option<Code> {
    if code.debug().is_some_and(|debug| debug.name == name) {
        return Some(code.clone());
    }
    code.body().children.iter().find_map(|child| function(child, name))
}

/// The free variables of a function as `name` for a value and `[name]` for a cell.
fn free(text: &str, name: &str) -> String {
    let unit = compile_text(text).unwrap();
    let code = function(&unit.main, name).unwrap();
    let names = &code.debug().unwrap().free;
    let free = names.iter().zip(&code.body().free).map(|(name, kind)| match kind {
        FreeKind::Value => name.clone(),
        FreeKind::Cell => format!("[{name}]"),
    });
    free.collect::<Vec<_>>().join(" ")
}

/// How many cells a function makes.
fn cells(text: &str, name: &str) -> usize {
    let unit = compile_text(text).unwrap();
    let code = function(&unit.main, name).unwrap();
    code.body().words.iter().filter(|word| word.op() == Some(Op::NewCell)).count()
}

#[test]
fn natives_and_own_names_are_not_free() {
    assert_eq!(free("fn f(a) { let b = len(a); print(b, f) }", "f"), "");
    assert_eq!(free("type T(a) { fn m(self) = T(self.a) }", "m"), "");
}

#[test]
fn order_is_that_of_the_text() {
    let lets = "let a = 1; let b = 2; let c = 3; let d = 4\n";
    assert_eq!(free(&format!("{lets} fn f(x = c, y = a) {{ b; a; c }}"), "f"), "c a b");
    assert_eq!(free(&format!("{lets} fn f() {{ a; let g = || c + b; d; b }}"), "f"), "a c b d");
    assert_eq!(free(&format!("{lets} fn f() {{ while a {{ b }} ; c }}"), "f"), "a b c");
    assert_eq!(free(&format!("{lets} fn f(xs) {{ xs[d] = a; let (p is b, _) = c }}"), "f"), "d a b c");
    assert_eq!(free(&format!("{lets} fn f(x) = x |> c |> a(b)"), "f"), "c a b");
    assert_eq!(free(&format!("{lets} fn f(x) = match x {{ 1 if c => a, y is d => b }}"), "f"), "c a d b");
}

#[test]
fn values_and_cells() {
    assert_eq!(free("let a = 1; var b = 2; fn f() = a + b", "f"), "a [b]");
    assert_eq!(free("fn f() = later; let later = 1; fn g() = later", "f"), "[later]");
    assert_eq!(free("fn f() = later; let later = 1; fn g() = later", "g"), "later");
    assert_eq!(free("let f = fn(n) = f(n)", "<closure>"), "[f]");
    assert_eq!(free("let f = 1; fn g() { let h = || f; let f = 2 }", "g"), "f");
}

#[test]
fn the_nearest_earlier_declaration_counts() {
    // Natives count as declared before the program.
    assert_eq!(free("fn f(x) = len(x); let len = 1", "f"), "");
    // A later one of the same block only when there is no earlier one at all.
    assert_eq!(free("let a = 1; { fn f() = a; let a = 2; f() }", "f"), "a");
    assert_eq!(free("{ fn f() = a; let a = 2; f() }; let a = 1", "f"), "[a]");
    // The innermost block that declares it later.
    assert_eq!(cells("fn out() { { fn f() = a; let a = 2; f() }; let a = 1 }", "out"), 1);
    // Inside an `fn` its own name is nearer than anything outside.
    assert_eq!(free("let f = 1; fn f() = f", "f"), "");
    assert_eq!(free("fn f(f) = || f", "<closure>"), "f");
}

#[test]
fn functions_between_take_it_along() {
    let text = "var a = 1; let b = 2; fn f() { fn g() { fn h() = a + b; h }; g }";
    for name in ["f", "g", "h"] {
        assert_eq!(free(text, name), "[a] b");
    }
    assert_eq!(free("fn f() { fn g() { fn h() = f; h }; g }", "g"), "f");
    assert_eq!(free("fn f() { fn g() { fn h() = f; h }; g }", "f"), "");
    assert_eq!(free("type T() { fn m() { fn h() = T; h } }", "h"), "T");
    assert_eq!(free("type T() { fn m() { type U() { fn n() = (T, U) }; U } }", "n"), "T");
}

#[test]
fn cells_are_made_only_where_needed() {
    assert_eq!(cells("var a = 1; a += 1; fn f() = 1", "<main>"), 0);
    assert_eq!(cells("let a = 1; fn f() = a", "<main>"), 0);
    assert_eq!(cells("fn a() = 1; fn b() = a(); fn c() = b() + a()", "<main>"), 0);
    assert_eq!(cells("fn even(n) = odd(n); fn odd(n) = even(n)", "<main>"), 1);
    assert_eq!(cells("var a = 1; fn f() = a; fn g() = a", "<main>"), 1);
    assert_eq!(cells("fn f(a, (b, c)) = || a + b + c", "f"), 0);
    assert_eq!(cells("fn f(xs) { for x in xs { xs.push(|| x) } }", "f"), 0);
}

#[test]
fn code_does_not_depend_on_names() {
    let hash = |text: &str| compile_text(text).unwrap().main.hash();
    assert_eq!(hash("fn f(x) = x + 1"), hash("# a comment\nfn g(y) =\n  y + 1"));
    assert_eq!(
        hash("let a = 1; var b = a; let f = |x, ..y| { b += x }"),
        hash("let p = 1; var q = p; let r = |s, ..t| { q += s }")
    );
    assert_ne!(hash("fn f(x) = x + 1"), hash("fn f(x) = x + 2"));
    assert_ne!(hash("fn f(x) = x.a"), hash("fn f(x) = x.b"));
    assert_ne!(hash("let a = 1; fn f() = a"), hash("var a = 1; fn f() = a"));
    assert_ne!(hash("type T(a)"), hash("type U(a)"));
}

/// Compiles a file whose first import statement gives two values, `area` and `unit`.
fn with_module(text: &str) -> Unit {
    let export = |name: &str, slot| Export {
        name: name.into(),
        kind: ExportKind::Slot(slot),
        arity: None,
        doc: None,
        span: Span::default(),
    };
    let module = Arc::new(Interface { exports: vec![export("area", 0), export("unit", 1)] });
    let source = Source::new("test.qp", text);
    let parsed = parse(&source);
    let interfaces = vec![Some(module); imports(&parsed).len()];
    compile(&parsed, &source, &interfaces, &front::Host, &[]).unwrap()
}

#[test]
fn imported_values_are_free_variables_of_the_file() {
    let unit = with_module("import \"./m\" as m\nimport \"./m\" { area as a }\nfn f() = m.unit + a + m.unit");
    assert_eq!(unit.imports, [Imported::Export { import: 0, slot: 1 }, Imported::Export { import: 1, slot: 0 }]);
    assert_eq!(unit.main.body().free, [FreeKind::Value, FreeKind::Value]);
    assert_eq!(function(&unit.main, "f").unwrap().body().free, [FreeKind::Value, FreeKind::Value]);
    assert_eq!(with_module("import \"./m\" as m").imports, []);
}

#[test]
fn imports_further_on_come_through_cells() {
    let text = "fn f() = m.unit + a\nimport \"./m\" as m\nimport \"./m\" { area as a }\nfn g() = m.unit";
    let unit = with_module(text);
    assert_eq!(unit.imports, [Imported::Export { import: 0, slot: 1 }, Imported::Export { import: 1, slot: 0 }]);
    assert_eq!(function(&unit.main, "f").unwrap().body().free, [FreeKind::Cell, FreeKind::Cell]);
    assert_eq!(function(&unit.main, "g").unwrap().body().free, [FreeKind::Value]);
    let count = |op| unit.main.body().words.iter().filter(|word| word.op() == Some(op)).count();
    assert_eq!((count(Op::NewCell), count(Op::InitCell)), (2, 2));
}

/// Compiles a text with the variables `let n`, `var total`, `let f`, which takes one argument, and another `let n` around it.
fn inside(text: &str) -> Result<Unit, String> {
    let outer = |name, mutable| Outer { name, mutable, arity: None };
    let arity = Some(Arity { required: 1, ..Arity::default() });
    let f = Outer { name: "f", mutable: false, arity };
    let outer = [outer("n", false), outer("total", true), f, outer("n", false), outer("print", false)];
    let source = Source::new("test.qp", text);
    compile(&parse(&source), &source, &[], &front::Host, &outer).map_err(|found| {
        let texts = found.iter().map(|one| {
            let help = one.help.as_ref().map_or(String::new(), |help| format!("; {}", help.text));
            format!("{} {}{help}", one.code, one.title)
        });
        texts.collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn variables_around_a_text_are_its_free_variables() {
    let unit = inside("fn g() = total + n\ntotal += f(n)\nprint").unwrap();
    assert_eq!(unit.imports, [Imported::Outer(1), Imported::Outer(3), Imported::Outer(2), Imported::Outer(4)]);
    let kinds = [FreeKind::Cell, FreeKind::Value, FreeKind::Value, FreeKind::Value];
    assert_eq!(unit.main.body().free, kinds);
    assert_eq!(unit.main.debug().unwrap().free, ["total", "n", "f", "print"]);
    assert_eq!(function(&unit.main, "g").unwrap().body().free, [FreeKind::Cell, FreeKind::Value]);
    // Only what is mentioned is taken, and what the text declares itself hides it.
    assert_eq!(inside("let n = 1\nn").unwrap().imports, []);
    assert_eq!(inside("let n = n\n|| n").unwrap().imports, [Imported::Outer(3)]);
    assert_eq!(inside("|n| n").unwrap().imports, []);
}

#[test]
fn functions_in_a_text_have_the_hash_that_they_have_in_a_file() {
    let file = compile_text("let n = 3; var total = 0; fn h(x) = x + n; fn g() { total += n }").unwrap();
    let text = inside("fn h(x) = x + n; fn g() { total += n }").unwrap();
    for name in ["h", "g"] {
        assert_eq!(function(&file.main, name).unwrap().hash(), function(&text.main, name).unwrap().hash());
    }
}

#[test]
fn mistakes_about_variables_around_a_text() {
    let error = |text: &str| inside(text).unwrap_err();
    let bound = "Q0202 `n` is bound outside of this text and cannot be assigned to";
    assert_eq!(error("n = 1"), format!("{bound}; copy it into a variable first: `var n = n`"));
    assert_eq!(error("f(1, 2)"), "Q0204 `f` takes 1 argument, but 2 are given");
    assert_eq!(error("totl"), "Q0201 nothing is called `totl` here; did you mean `total`?");
}

#[test]
fn the_last_export_of_a_name_counts() {
    let unit = compile_text("export let a = 1\nexport fn b(x, y = 1) = x\nexport let a = 2").unwrap();
    let exports: Vec<_> = unit.interface.exports.iter().map(|export| (export.name.as_str(), &export.kind)).collect();
    assert_eq!(exports, [("b", &ExportKind::Slot(1)), ("a", &ExportKind::Slot(2))]);
    assert_eq!(unit.interface.exports[0].arity.unwrap().to_string(), "1 to 2 arguments");
}
