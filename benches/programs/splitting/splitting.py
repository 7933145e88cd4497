"""Strings taken apart at commas and put together again in another order."""

import sys


def run(rounds):
    fields = []
    for i in range(100):
        fields.append(f"field{i * 37 % 1000}")
    line = ",".join(fields)
    total = 0
    for round in range(rounds):
        parts = line.split(",")
        turned = parts[1:]
        turned.append(parts[0])
        line = ",".join(turned)
        total += len(parts[round % 100]) + len(line)
    return total


print(run(int(sys.argv[1])))
