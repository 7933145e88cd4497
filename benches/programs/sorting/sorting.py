"""A sort by a comparator written in the language."""

import sys
from functools import cmp_to_key


def run(size):
    xs = []
    x = 1
    for _ in range(size):
        x = (x * 16807) % 2147483647
        xs.append(x)
    xs.sort(key=cmp_to_key(lambda a, b: b - a))
    total = 0
    for i in range(size):
        total = (total * 3 + xs[i]) % 1000003
    return total


print(run(int(sys.argv[1])))
