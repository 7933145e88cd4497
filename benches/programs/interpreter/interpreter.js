// An interpreter of a small language with parentheses: tokens, a tree of objects, and a function that walks it.

const NUM = 1, VAR = 2, OP = 3, IF = 4, SET = 5, WHILE = 6, DO = 7, CALL = 8;

const SOURCE = `
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
`;

const tokenize = (text) => text.replaceAll("(", " ( ").replaceAll(")", " ) ").trim().split(/\s+/);

class Parser {
  constructor(tokens, functions) {
    this.tokens = tokens;
    this.functions = functions;
    this.at = 0;
    this.slots = [];
  }

  next() {
    this.at += 1;
    return this.tokens[this.at - 1];
  }

  program() {
    while (this.at < this.tokens.length) {
      if (this.next() !== "(" || this.next() !== "def") throw new Error("a definition expected");
      const func = { slots: 0, body: null };
      this.functions.set(this.next(), func);
      this.next();
      const slots = [];
      let token = this.next();
      while (token !== ")") {
        slots.push(token);
        token = this.next();
      }
      this.slots = slots;
      func.slots = slots.length;
      func.body = this.expression();
      this.next();
    }
  }

  expression() {
    const token = this.next();
    if (token !== "(") {
      if (/^\d/.test(token)) return { kind: NUM, value: Number(token) };
      return { kind: VAR, slot: this.slots.indexOf(token) };
    }
    const head = this.next();
    const slot = head === "set" ? this.slots.indexOf(this.next()) : null;
    const parts = [];
    while (this.tokens[this.at] !== ")") parts.push(this.expression());
    this.next();
    switch (head) {
      case "if": return { kind: IF, condition: parts[0], yes: parts[1], no: parts[2] };
      case "set": return { kind: SET, slot, value: parts[0] };
      case "while": return { kind: WHILE, condition: parts[0], body: parts[1] };
      case "do": return { kind: DO, steps: parts };
      case "+": case "-": case "*": case "//": case "%": case "<": case "=":
        return { kind: OP, name: head, left: parts[0], right: parts[1] };
      default: return { kind: CALL, func: this.functions.get(head), args: parts };
    }
  }
}

function evaluate(node, frame) {
  switch (node.kind) {
    case NUM: return node.value;
    case VAR: return frame[node.slot];
    case OP: return operate(node.name, evaluate(node.left, frame), evaluate(node.right, frame));
    case IF: return evaluate(node.condition, frame) !== 0 ? evaluate(node.yes, frame) : evaluate(node.no, frame);
    case SET: {
      const result = evaluate(node.value, frame);
      frame[node.slot] = result;
      return result;
    }
    case WHILE:
      while (evaluate(node.condition, frame) !== 0) evaluate(node.body, frame);
      return 0;
    case DO: {
      let result = 0;
      for (const step of node.steps) result = evaluate(step, frame);
      return result;
    }
    case CALL: {
      const inner = [];
      for (const arg of node.args) inner.push(evaluate(arg, frame));
      return evaluate(node.func.body, inner);
    }
    default: throw new Error("no such node");
  }
}

function operate(name, a, b) {
  switch (name) {
    case "+": return a + b;
    case "-": return a - b;
    case "*": return a * b;
    case "//": return Math.floor(a / b);
    case "%": return a % b;
    case "<": return a < b ? 1 : 0;
    case "=": return a === b ? 1 : 0;
    default: throw new Error("no such operator");
  }
}

const functions = new Map();
new Parser(tokenize(SOURCE), functions).program();
console.log(evaluate(functions.get("main").body, [Number(process.argv[2])]));
