# One task of the comparison: folder, name of the task, how often.
import functools
import json
import sys

folder, task, times = sys.argv[1], sys.argv[2], int(sys.argv[3])


def contents(name):
    with open(folder + "/" + name, encoding="utf-8") as file:
        return file.read()


def document():
    return contents("document.json")


def text():
    return contents("text.txt")


def numbers():
    x = 1
    out = []
    for _ in range(1_000_000):
        x = (x * 1_103_515_245 + 12_345) % 2_147_483_648
        out.append(x)
    return out


def strings():
    return [str(x) for x in numbers()]


def count(t):
    counts = {}
    for word in t.split():
        counts[word] = counts.get(word, 0) + 1
    return counts


by_difference = functools.cmp_to_key(lambda a, b: a - b)
by_order = functools.cmp_to_key(lambda a, b: -1 if a < b else 1 if b < a else 0)

# What a task works on, and its work.
tasks = {
    "json_parse": (document, json.loads),
    "json_stringify": (
        lambda: json.loads(document()),
        lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":")),
    ),
    "sort_ints": (numbers, lambda xs: xs.copy().sort()),
    "sort_ints_by_function": (numbers, lambda xs: xs.copy().sort(key=by_difference)),
    "sort_strs": (strings, lambda xs: xs.copy().sort()),
    "sort_strs_by_function": (strings, lambda xs: xs.copy().sort(key=by_order)),
    "split": (text, lambda t: t.split(" ")),
    "join": (lambda: text().split(" "), lambda parts: " ".join(parts)),
    "count_words": (text, count),
}
prepare, work = tasks[task]
given = prepare()
for _ in range(times):
    work(given)
