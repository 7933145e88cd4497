"""Lists: appended to, read and written by index."""

import sys


def fill(size, seed):
    xs = []
    for i in range(size):
        xs.append((i * 7 + seed) % 1009)
    return xs


def reverse(xs):
    low, high = 0, len(xs) - 1
    while low < high:
        xs[low], xs[high] = xs[high], xs[low]
        low += 1
        high -= 1


def run(rounds):
    total = 0
    for round in range(rounds):
        xs = fill(1000, round)
        reverse(xs)
        for i in range(1, len(xs)):
            xs[i] = (xs[i] + xs[i - 1]) % 4093
        for x in xs:
            total += x
    return total


print(run(int(sys.argv[1])))
