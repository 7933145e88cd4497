//! Programs by chance that use most of the language and end.

const PRELUDE: &str = r#"
type Sum(n, log = []) {
  fn add(self, k) { self.n = (self.n + k) % 1009; self.log.push(k); self }
  fn cmp(self, o) = self.n - o.n
  fn iter(self) = self.log
}
fn down(n) = if n <= 0 { 1 } else { 1 + down(n - 1) }
fn even(n) = if n == 0 { true } else { odd(n - 1) }
fn odd(n) = if n == 0 { false } else { even(n - 1) }
type Key(n) {
  fn eq(self, o) { var i = 0
   while i < 3 { i += 1 }
   self.n == o.n }
  fn hash(self) { for i in 0..2 { }
   self.n % 3 }
}
fn kept(f) = atomic(f)
fn resumed(f) = f.resume()
fn many(..rest) = rest.len()
fn each_twice(xs) { for x in xs { yield x; yield x } }
var a = 3
var b = 5
var c = 7
var s = ""
var xs = [4, 1, 3]
let m = [:]
"#;

/// A program that ends. `numbers` gives a number below another one, which is not 0.
pub fn program(numbers: &mut dyn FnMut(u64) -> u64) -> String {
    let mut text = PRELUDE.to_owned();
    let mut left = 12;
    while left > 0 {
        block(numbers, 0, 1, &mut left, &mut text);
    }
    text.push_str("print(a, b, c, s, xs, m)\n[a, b, c, s, xs, m, || (a, xs)]\n");
    text
}

/// A few statements; what contains them takes them at most three times each turn.
fn block(numbers: &mut dyn FnMut(u64) -> u64, depth: u32, count: u64, left: &mut i32, out: &mut String) {
    for _ in 0..count {
        *left -= 1;
        statement(numbers, depth, left, out);
    }
}

fn statement(numbers: &mut dyn FnMut(u64) -> u64, depth: u32, left: &mut i32, out: &mut String) {
    let k = numbers(9) + 1;
    let kind = if depth >= 3 || *left < 0 { numbers(16) } else { numbers(26) };
    let inner = |numbers: &mut dyn FnMut(u64) -> u64, left: &mut i32| {
        let mut body = String::new();
        let count = numbers(3) + 1;
        block(numbers, depth + 1, count, left, &mut body);
        body
    };
    let text = match kind {
        0 => format!("a = (a * {k} + b) % 1009\n"),
        1 => format!("b = (b + a // {k} - c) % 997\n"),
        2 => format!("c = match (a % 3, xs) {{ (0, _) => {k}, (1, [x, ..rest]) => x + rest.len(), _ => c }}\n"),
        3 => format!("xs = [..xs.take(9), a % 50].map(|x| (x * {k} + b) % 97)\n"),
        4 => format!("m[\"k${{a % 7}}\"] = [b, {k}]\n"),
        5 => "for (k, v) in m { c = (c + v[0] + k.len()) % 997 }\n".to_owned(),
        6 => "xs.sort(|p, q| q - p)\nprint(xs)\n".to_owned(),
        7 => format!("s = \"${{s[..20]}}<${{a % {k}}}>\"\nprint(s)\n"),
        8 => format!("b = (b + down(a % {}) + if even(a % 9) {{ 1 }} else {{ 0 }}) % 997\n", k + 3),
        9 => format!("c = (c + Sum(a).add({k}).add(b).n) % 997\nif Sum(a) < Sum(b) {{ c += 1 }}\n"),
        10 => "a = (a + xs.fold(0, |p, q| (p * 3 + q) % 1009) + xs.group_by(|x| x % 3).len()) % 1009\n".to_owned(),
        11 => format!("m.get_or_insert({k}, || [a, {k}]).push(b)\n"),
        12 => format!(
            "{{\nlet keys = [:]\nfor i in 0..{k} {{ keys[Key(a + i)] = i }}\nb = (b + keys.len() + (keys.get(Key(a)) ?? 0)) % 997\n}}\n"
        ),
        13 => format!(
            "c = (c + kept(|| {{ a = (a + {k}) % 1009; xs.len() }}) + resumed(fiber(|| {{ yield {k} }}))) % 997\n"
        ),
        14 => format!(
            "{{\nlet t = \"ab\" * {}\nlet own = [(t): {k}]\nif t == \"${{t}}\" {{ b = (b + own[\"${{t}}\"]) % 997 }}\nb = (b + many(..xs, a) + t.replace(\"b\", \"cc\").len()) % 997\n}}\n",
            k * 300
        ),
        15 => format!("c = (c + ([a, b, {k}] * {}).sorted().unique().len()) % 997\n", k * 20),
        16 => format!("if a % {} == 0 {{\n{}}} else {{\n{}}}\n", k % 3 + 2, inner(numbers, left), inner(numbers, left)),
        17 => format!("for i in 0..{} {{\na += i\n{}}}\n", k % 4, inner(numbers, left)),
        18 => format!(
            "{{\nvar w = {}\nwhile w > 0 {{\nw -= 1\n{}if a % 5 == 4 {{ break }}\n}}\n}}\n",
            k % 4,
            inner(numbers, left)
        ),
        19 => format!(
            "for y in fiber(|| {{ for i in 0..{} {{\nyield i + a\n{}}} }}) {{\nb = (b + y) % 997\n{}}}\n",
            k % 4,
            inner(numbers, left),
            inner(numbers, left)
        ),
        20 => format!(
            "try {{\n{}if a % 3 == 0 {{ throw [a, {k}] }}\nxs[{k} + 40]\n}} catch e {{\nb = (b + if e is error {{ 1 }} else {{ e[0] }}) % 997\n{}}}\n",
            inner(numbers, left),
            inner(numbers, left)
        ),
        21 => format!(
            "{{\nvar n = {k}\nlet step = |x| {{ n += x; a = (a + n) % 1009; n }}\nc = (c + step(1) + step(2)) % 997\n{}b = step(0)\n}}\n",
            inner(numbers, left)
        ),
        22 => format!(
            "for x in fiber(|| each_twice(xs.take({}))) {{\nc = (c + x) % 997\n{}}}\n",
            k % 4,
            inner(numbers, left)
        ),
        23 => format!("xs = xs.take({}).map(|x| {{\n{}(x + a) % 97\n}})\n", k % 4, inner(numbers, left)),
        24 => format!(
            "{{\nlet f = fiber(|x| {{ let y = [1, 2].map(|i| yield x * i)\n{}y.len() }})\nprint(f.resume({k}), f.resume(a), f.resume(b), f.done())\n}}\n",
            inner(numbers, left)
        ),
        _ => format!(
            "try {{ atomic(|| {{\n{}if b % 2 == 0 {{ throw {k} }}\n}}) }} catch e {{ c += 1 }}\n",
            inner(numbers, left)
        ),
    };
    out.push_str(&text);
}
