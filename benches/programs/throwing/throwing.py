"""Exceptions thrown two calls deep and caught, every third time."""

import sys


def check(i):
    if i % 3 == 0:
        raise ValueError("a multiple of three", i)
    return i


def guarded(i):
    return check(i) + 1


def run(rounds):
    fine = caught = 0
    for i in range(rounds):
        try:
            fine += guarded(i) % 7
        except ValueError as e:
            caught += e.args[1] % 5
    return fine * 1000 + caught % 1000


print(run(int(sys.argv[1])))
