//! What a text is cut into, and what the layout makes of it.

use quipu_lang::token::{Findings, Kind, Token, lay_out, lex};

fn raw(text: &str) -> Vec<Token> {
    let mut findings = Findings::default();
    let tokens = lex(text, &mut findings);
    assert!(findings.into_sorted().is_empty(), "{text}");
    tokens
}

/// The kinds that the lexer makes.
fn kinds(text: &str) -> Vec<Kind> {
    raw(text).iter().map(|token| token.kind).collect()
}

/// The laid out tokens as text: `;` for a newline that counts, and roles that the text does not show behind a colon.
fn laid_out(text: &str) -> String {
    let mut findings = Findings::default();
    let tokens = lex(text, &mut findings);
    let layout = lay_out(text, &tokens, &mut findings);
    let words: Vec<String> = layout
        .tokens
        .iter()
        .map(|token| {
            let text = &text[token.span.start as usize..token.span.end as usize];
            match token.kind {
                Kind::Newline => ";".into(),
                // Put in by the layout.
                kind if text.is_empty() => format!(":{kind:?}"),
                Kind::BarOpen | Kind::BarClose | Kind::BarsEmpty | Kind::OrSlip => format!("{text}:{:?}", token.kind),
                Kind::ArmsOpen | Kind::MethodsOpen | Kind::MembersOpen => format!("{text}:{:?}", token.kind),
                Kind::ReturnAlone | Kind::YieldAlone | Kind::Error => format!("{text}:{:?}", token.kind),
                Kind::Name if matches!(kinds(text).as_slice(), [Kind::Name]) => text.into(),
                Kind::Name => format!("{text}:Name"),
                _ => text.into(),
            }
        })
        .collect();
    words.join(" ")
}

#[test]
fn every_byte_is_in_a_token_or_is_white() {
    let text = "let x = [1, 2.5]# c\n## d\nfn f(a) = \"a${a + \"b\"}c\" |> r#\"x\"#  ?? b\"y\"\n";
    let mut end = 0;
    for token in raw(text) {
        assert!(token.span.start >= end && token.span.start < token.span.end);
        let between = &text[end as usize..token.span.start as usize];
        assert!(between.trim().is_empty() || between == "# c", "{between:?}");
        end = token.span.end;
    }
}

#[test]
fn numbers_end_before_ranges_and_methods() {
    use Kind::*;
    assert_eq!(kinds("1..2"), [Int, DotDot, Int]);
    assert_eq!(kinds("1..=n"), [Int, DotDotEqual, Name]);
    assert_eq!(kinds("1.5.f"), [Float, Dot, Name]);
    assert_eq!(kinds("1.f"), [Int, Dot, Name]);
    assert_eq!(kinds("1e-3-2"), [Float, Minus, Int]);
    assert_eq!(kinds("0x1e-3"), [Int, Minus, Int]);
    assert_eq!(kinds("1_0e1_0"), [Float]);
}

#[test]
fn long_operators_win() {
    use Kind::*;
    assert_eq!(kinds("a**=b"), [Name, StarStarAssign, Name]);
    assert_eq!(kinds("a//=b//c"), [Name, SlashSlashAssign, Name, SlashSlash, Name]);
    assert_eq!(kinds("a<<=b<<c<=d"), [Name, ShiftLeftAssign, Name, ShiftLeft, Name, LessEqual, Name]);
    assert_eq!(kinds("a??=b??c?.d"), [Name, CoalesceAssign, Name, Coalesce, Name, SafeDot, Name]);
    assert_eq!(kinds("a|>b||c|d|=e"), [Name, Pipe, Name, BarsEmpty, Name, Bar, Name, BarAssign, Name]);
    assert_eq!(kinds("a=>b==c=d"), [Name, Arrow, Name, Equal, Name, Assign, Name]);
}

#[test]
fn prefixes_of_literals_are_names_otherwise() {
    use Kind::*;
    assert_eq!(kinds("r b rb r1"), [Name, Name, Name, Name]);
    assert_eq!(kinds("r # x"), [Name]);
    assert_eq!(kinds("r\"a\" b\"c\""), [Str, Bytes]);
    assert_eq!(kinds("letter iffy nill _let"), [Name, Name, Name, Name]);
}

#[test]
fn strings_with_holes_are_cut_into_texts() {
    use Kind::*;
    assert_eq!(kinds(r#""a${b}c""#), [StrOpen, StrText, HoleOpen, Name, HoleClose, StrText, StrClose]);
    assert_eq!(kinds(r#""${ {} }""#), [StrOpen, HoleOpen, BlockOpen, BraceClose, HoleClose, StrClose]);
    assert_eq!(kinds(r#""$a$ \${""#), [Str]);
    assert_eq!(kinds(r#""${a:>8}${f([b: c])}""#)[..6], [StrOpen, HoleOpen, Name, Spec, HoleClose, HoleOpen]);
    assert_eq!(kinds(r#""${[b: c]:x}""#)[3..8], [Name, Colon, Name, SquareClose, Spec]);
    assert_eq!(kinds("\"\"\"\n a${b}\n \"\"\""), [StrOpen, StrText, HoleOpen, Name, HoleClose, StrText, StrClose]);
}

#[test]
fn only_doc_comments_are_tokens() {
    use Kind::*;
    assert_eq!(kinds("#!x\n# a\n## b\n### c\n##"), [Newline, Newline, Doc, Newline, Newline, Doc]);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(kinds("\u{feff}a"), [Kind::Name]);
}

#[test]
fn newlines_count_between_statements_only() {
    assert_eq!(laid_out("\n\na\n\nb\n"), "a ; b");
    assert_eq!(laid_out("a +\nb\n- c"), "a + b ; - c");
    assert_eq!(laid_out("f(a\n(b)\n[c])"), "f ( a ( b ) [ c ] )");
    assert_eq!(laid_out("f({\na\nb\n})"), "f ( { a ; b } )");
    assert_eq!(laid_out("a\n.b\n?? c\n# d\n|> e"), "a . b ?? c |> e");
    assert_eq!(laid_out("if a {\n}\nelse {\n}\nb"), "if a { } else { } ; b");
    assert_eq!(laid_out("a\nnot b\nnot in c"), "a ; not b not in c");
}

#[test]
fn what_can_only_begin_a_statement_ends_the_one_before() {
    assert_eq!(laid_out("a +\nlet b"), "a + ; let b");
    assert_eq!(laid_out("export\nfn f"), "export fn f");
    assert_eq!(laid_out("f(\nlet: 1"), "f ( let : 1 :Error :ParenClose");
    assert_eq!(laid_out("f(a\nlet b"), "f ( a :Error :ParenClose ; let b");
}

#[test]
fn words_are_names_where_they_cannot_be_words() {
    assert_eq!(laid_out("a.if ?.fn"), "a . if:Name ?. fn:Name");
    assert_eq!(laid_out("[if: 1, fn\n: 2, nil]"), "[ if:Name : 1 , fn:Name : 2 , nil ]");
}

#[test]
fn bars_are_told_apart() {
    assert_eq!(laid_out("|a| b | c"), "|:BarOpen a |:BarClose b | c");
    assert_eq!(laid_out("|a, b,| c"), "|:BarOpen a , b , |:BarClose c");
    assert_eq!(laid_out("|| a"), "||:BarsEmpty a");
    assert_eq!(laid_out("a || b"), "a ||:OrSlip b");
    assert_eq!(laid_out("f(|(a | b)| c, |d| e)"), "f ( |:BarOpen ( a | b ) |:BarClose c , |:BarOpen d |:BarClose e )");
    assert_eq!(laid_out("|a||b| c"), "|:BarOpen a |:BarClose |:BarOpen b |:BarClose c");
    assert_eq!(laid_out("a\n| b |"), "a ; |:BarOpen b |:BarClose");
    assert_eq!(laid_out("1 | 2 => |a| a"), "1 | 2 => |:BarOpen a |:BarClose a");
}

#[test]
fn braces_go_to_the_word_that_waits_for_them() {
    assert_eq!(laid_out("match a { }"), "match a {:ArmsOpen }");
    assert_eq!(laid_out("match { a } { }"), "match { a } {:ArmsOpen }");
    assert_eq!(laid_out("match fn(a) { b } { }"), "match fn ( a ) { b } {:ArmsOpen }");
    assert_eq!(laid_out("if match a { } { }"), "if match a {:ArmsOpen } { }");
    assert_eq!(laid_out("match a { b if c => { } }"), "match a {:ArmsOpen b if c => { } }");
    assert_eq!(laid_out("type T(a) { }\ntype U\n{ }"), "type T ( a ) {:MethodsOpen } ; type U ; { }");
    assert_eq!(laid_out("import a { b\nc }"), "import a {:MembersOpen b c }");
}

#[test]
fn return_and_yield_stand_alone_before_an_end() {
    assert_eq!(laid_out("return\na"), "return:ReturnAlone ; a");
    assert_eq!(laid_out("{ return } (yield) [yield, return a]"), {
        "{ return:ReturnAlone } ( yield:YieldAlone ) [ yield:YieldAlone , return a ]"
    });
    assert_eq!(laid_out("(yield\na)"), "( yield a )");
    assert_eq!(laid_out("yield -a"), "yield - a");
}

#[test]
fn brackets_match_afterwards() {
    assert_eq!(laid_out("{ ( }"), "{ ( :Error :ParenClose }");
    assert_eq!(laid_out("( ]"), "( ]");
    assert_eq!(laid_out("a )"), "a ):Error");
    assert_eq!(laid_out("{ a"), "{ a :BraceClose");
}

#[test]
fn doc_comments_know_what_they_stand_before() {
    let text = "## a\n## b\nlet x = 1 ## c\n## d\nf()";
    let mut findings = Findings::default();
    let layout = lay_out(text, &lex(text, &mut findings), &mut findings);
    let before: Vec<usize> = layout.docs.iter().map(|doc| doc.before).collect();
    assert_eq!(before, [0, 0, 5]);
    assert_eq!(layout.tokens[5].kind, Kind::Name);
}
