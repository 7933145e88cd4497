"""Maps with int keys, far apart: counted up, looked up, removed from."""

import sys


def run(size):
    counts = {}
    key = 1
    for i in range(size):
        key = (key * 16807) % 2147483647
        slot = key % 50021 * 31
        counts[slot] = counts.get(slot, 0) + i % 5
    total = 0
    for i in range(size):
        found = counts.get(i % 60000 * 31)
        if found is not None:
            total += found * (i % 3 + 1)
    for i in range(size // 10):
        counts.pop(i * 62, None)
    return total + len(counts)


print(run(int(sys.argv[1])))
