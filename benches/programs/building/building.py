"""Strings built: pieces put together in place, gathered in a list and joined."""

import sys


def run(rounds):
    length = stars = 0
    for round in range(rounds):
        lines = []
        for i in range(50):
            bar = ""
            for _ in range(i % 8):
                bar += "*"
            lines.append(f"line {i} of round {round}: {bar}")
        text = "\n".join(lines)
        length += len(text)
        if text.endswith("*"):
            stars += 1
    return length * 10 + stars % 10


print(run(int(sys.argv[1])))
