//! An interpreter of a small language with parentheses: tokens, a tree, and a function that walks it.

use std::collections::HashMap;

#[derive(Clone, Copy)]
enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Less,
    Equal,
}

enum Node {
    Num(i64),
    Var(usize),
    Op(Operator, Box<[Node; 2]>),
    If(Box<[Node; 3]>),
    Set(usize, Box<Node>),
    While(Box<[Node; 2]>),
    Do(Vec<Node>),
    Call(usize, Vec<Node>),
}

const SOURCE: &str = "
(def fib (n)
  (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(def collatz (limit best n steps)
  (do
    (while (< 0 limit)
      (do
        (set n limit)
        (set steps 0)
        (while (< 1 n)
          (do
            (if (= (% n 2) 0) (set n (// n 2)) (set n (+ (* 3 n) 1)))
            (set steps (+ steps 1))))
        (if (< best steps) (set best steps) 0)
        (set limit (- limit 1))))
    best))
(def main (size)
  (+ (* 1000 (fib (+ 10 (% size 3)))) (collatz (* size 10) 0 0 0)))
";

struct Parser<'t> {
    tokens: Vec<&'t str>,
    at: usize,
    names: HashMap<&'t str, usize>,
    slots: Vec<&'t str>,
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> &'t str {
        self.at += 1;
        self.tokens[self.at - 1]
    }

    fn slot(&self, name: &str) -> usize {
        self.slots.iter().position(|known| *known == name).expect("a known variable")
    }

    /// The bodies of all functions.
    fn program(&mut self) -> Vec<Node> {
        let mut bodies = Vec::new();
        while self.at < self.tokens.len() {
            assert!(self.next() == "(" && self.next() == "def");
            let name = self.next();
            self.names.insert(name, bodies.len());
            self.next();
            self.slots.clear();
            loop {
                match self.next() {
                    ")" => break,
                    slot => self.slots.push(slot),
                }
            }
            bodies.push(self.expression());
            self.next();
        }
        bodies
    }

    fn expression(&mut self) -> Node {
        let token = self.next();
        if token != "(" {
            return token.parse().map_or_else(|_| Node::Var(self.slot(token)), Node::Num);
        }
        let head = self.next();
        let slot = if head == "set" {
            let name = self.next();
            self.slot(name)
        } else {
            0
        };
        let mut parts = Vec::new();
        while self.tokens[self.at] != ")" {
            parts.push(self.expression());
        }
        self.next();
        let operator = match head {
            "if" => return Node::If(exactly(parts)),
            "set" => {
                let [value] = *exactly(parts);
                return Node::Set(slot, Box::new(value));
            }
            "while" => return Node::While(exactly(parts)),
            "do" => return Node::Do(parts),
            "+" => Operator::Add,
            "-" => Operator::Sub,
            "*" => Operator::Mul,
            "//" => Operator::Div,
            "%" => Operator::Rem,
            "<" => Operator::Less,
            "=" => Operator::Equal,
            _ => return Node::Call(self.names[head], parts),
        };
        Node::Op(operator, exactly(parts))
    }
}

fn exactly<const N: usize>(parts: Vec<Node>) -> Box<[Node; N]> {
    parts.try_into().ok().expect("the right number of operands")
}

fn evaluate(node: &Node, frame: &mut [i64], bodies: &[Node]) -> i64 {
    match node {
        Node::Num(value) => *value,
        Node::Var(slot) => frame[*slot],
        Node::Op(operator, operands) => {
            let a = evaluate(&operands[0], frame, bodies);
            let b = evaluate(&operands[1], frame, bodies);
            operate(*operator, a, b)
        }
        Node::If(parts) => {
            let chosen = if evaluate(&parts[0], frame, bodies) != 0 { &parts[1] } else { &parts[2] };
            evaluate(chosen, frame, bodies)
        }
        Node::Set(slot, value) => {
            let result = evaluate(value, frame, bodies);
            frame[*slot] = result;
            result
        }
        Node::While(parts) => {
            while evaluate(&parts[0], frame, bodies) != 0 {
                evaluate(&parts[1], frame, bodies);
            }
            0
        }
        Node::Do(steps) => steps.iter().fold(0, |_, step| evaluate(step, frame, bodies)),
        Node::Call(function, args) => {
            let mut inner: Vec<i64> = args.iter().map(|arg| evaluate(arg, frame, bodies)).collect();
            evaluate(&bodies[*function], &mut inner, bodies)
        }
    }
}

fn operate(operator: Operator, a: i64, b: i64) -> i64 {
    match operator {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mul => a * b,
        Operator::Div => a.div_euclid(b),
        Operator::Rem => a.rem_euclid(b),
        Operator::Less => i64::from(a < b),
        Operator::Equal => i64::from(a == b),
    }
}

fn run(size: i64) -> i64 {
    let spaced = SOURCE.replace('(', " ( ").replace(')', " ) ");
    let tokens = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens, at: 0, names: HashMap::new(), slots: Vec::new() };
    let bodies = parser.program();
    evaluate(&bodies[parser.names["main"]], &mut [size], &bodies)
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
