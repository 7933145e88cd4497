"""Map, filter and fold with lambdas that take a variable along."""

import sys
from functools import reduce


def run(rounds):
    numbers = list(range(1000))
    total = 0
    for k in range(rounds):
        step = k % 5 + 1
        scaled = map(lambda x: x * step + k, numbers)
        kept = filter(lambda x: x % 3 != 0, scaled)
        total += reduce(lambda sum, x: (sum + x) % 1000003, kept, 0)
    return total


print(run(int(sys.argv[1])))
