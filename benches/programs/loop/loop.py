"""Integer arithmetic in nested loops, nothing else."""

import sys


def run(rounds):
    total = 0
    a = 1
    for i in range(rounds):
        j = 0
        while j < 10:
            a = (a * 31 + j) % 65521
            if a % 2 == 0:
                total += a
            else:
                total -= i % 7
            j += 1
    return total


print(run(int(sys.argv[1])))
