"""Closures made and called: a counter with a variable of its own, made, called three times and forgotten."""

import sys


def counter(start):
    n = start

    def step():
        nonlocal n
        n += 1
        return n

    return step


def run(rounds):
    total = 0
    for i in range(rounds):
        step = counter(i)
        total = (total + step() + step() * 2 + step() * 3) % 1000003
    return total


print(run(int(sys.argv[1])))
