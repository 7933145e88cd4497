"""Composition chains: twelve functions composed into one, which is then called."""

import sys


def compose(f, g):
    return lambda x: g(f(x))


def add(n):
    return lambda x: x + n


def scale(n):
    return lambda x: (x * n) % 10007


def chain(seed):
    f = add(seed)
    for k in range(1, 7):
        f = compose(compose(f, scale(k)), add(k))
    return f


def run(rounds):
    total = 0
    for i in range(rounds):
        f = chain(i)
        for x in range(10):
            total = (total + f(x)) % 1000003
    return total


print(run(int(sys.argv[1])))
