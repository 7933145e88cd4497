"""An interpreter of a small language with parentheses: tokens, a tree of objects, and a function that walks it."""

import sys

NUM, VAR, OP, IF, SET, WHILE, DO, CALL = range(8)


class Num:
    __slots__ = ("value",)
    kind = NUM

    def __init__(self, value):
        self.value = value


class Var:
    __slots__ = ("slot",)
    kind = VAR

    def __init__(self, slot):
        self.slot = slot


class Op:
    __slots__ = ("name", "left", "right")
    kind = OP

    def __init__(self, name, left, right):
        self.name = name
        self.left = left
        self.right = right


class If:
    __slots__ = ("condition", "yes", "no")
    kind = IF

    def __init__(self, condition, yes, no):
        self.condition = condition
        self.yes = yes
        self.no = no


class Set:
    __slots__ = ("slot", "value")
    kind = SET

    def __init__(self, slot, value):
        self.slot = slot
        self.value = value


class While:
    __slots__ = ("condition", "body")
    kind = WHILE

    def __init__(self, condition, body):
        self.condition = condition
        self.body = body


class Do:
    __slots__ = ("steps",)
    kind = DO

    def __init__(self, steps):
        self.steps = steps


class Call:
    __slots__ = ("function", "args")
    kind = CALL

    def __init__(self, function, args):
        self.function = function
        self.args = args


class Function:
    __slots__ = ("slots", "body")

    def __init__(self):
        self.slots = 0
        self.body = None


SOURCE = """
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
"""


def tokenize(text):
    return text.replace("(", " ( ").replace(")", " ) ").split()


class Parser:
    def __init__(self, tokens, functions):
        self.tokens = tokens
        self.functions = functions
        self.at = 0
        self.slots = []

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def program(self):
        while self.at < len(self.tokens):
            assert self.next() == "(" and self.next() == "def"
            function = Function()
            self.functions[self.next()] = function
            self.next()
            slots = []
            token = self.next()
            while token != ")":
                slots.append(token)
                token = self.next()
            self.slots = slots
            function.slots = len(slots)
            function.body = self.expression()
            self.next()

    def expression(self):
        token = self.next()
        if token != "(":
            return Num(int(token)) if token[0].isdigit() else Var(self.slots.index(token))
        head = self.next()
        slot = self.slots.index(self.next()) if head == "set" else None
        parts = []
        while self.tokens[self.at] != ")":
            parts.append(self.expression())
        self.next()
        if head == "if":
            return If(parts[0], parts[1], parts[2])
        if head == "set":
            return Set(slot, parts[0])
        if head == "while":
            return While(parts[0], parts[1])
        if head == "do":
            return Do(parts)
        if head in ("+", "-", "*", "//", "%", "<", "="):
            return Op(head, parts[0], parts[1])
        return Call(self.functions[head], parts)


def evaluate(node, frame):
    kind = node.kind
    if kind == NUM:
        return node.value
    if kind == VAR:
        return frame[node.slot]
    if kind == OP:
        return operate(node.name, evaluate(node.left, frame), evaluate(node.right, frame))
    if kind == IF:
        if evaluate(node.condition, frame) != 0:
            return evaluate(node.yes, frame)
        return evaluate(node.no, frame)
    if kind == SET:
        result = evaluate(node.value, frame)
        frame[node.slot] = result
        return result
    if kind == WHILE:
        while evaluate(node.condition, frame) != 0:
            evaluate(node.body, frame)
        return 0
    if kind == DO:
        result = 0
        for step in node.steps:
            result = evaluate(step, frame)
        return result
    if kind == CALL:
        inner = []
        for arg in node.args:
            inner.append(evaluate(arg, frame))
        return evaluate(node.function.body, inner)
    raise ValueError("no such node")


def operate(name, a, b):
    if name == "+":
        return a + b
    if name == "-":
        return a - b
    if name == "*":
        return a * b
    if name == "//":
        return a // b
    if name == "%":
        return a % b
    if name == "<":
        return 1 if a < b else 0
    if name == "=":
        return 1 if a == b else 0
    raise ValueError("no such operator")


functions = {}
Parser(tokenize(SOURCE), functions).program()
print(evaluate(functions["main"].body, [int(sys.argv[1])]))
