"""Maps with string keys: words counted, some of them made on the way."""

import sys


def run(size):
    words = []
    for i in range(2000):
        words.append(f"word{i * 7 % 2000}")
    counts = {}
    at = 1
    for i in range(size):
        at = (at * 16807) % 2147483647
        word = f"word{at % 3000}" if i % 8 == 0 else words[at % 2000]
        counts[word] = counts.get(word, 0) + 1
    total = 0
    for word, count in counts.items():
        total += count * len(word)
    return total * 10000 + len(counts)


print(run(int(sys.argv[1])))
