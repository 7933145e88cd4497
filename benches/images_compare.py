#!/usr/bin/env python3
"""Saves and loads the values of `cargo bench --profile dist --bench images` with pickle, cloudpickle and dill, and prints a table.

The packages come from PyPI into a virtual environment in `target/`; without them only pickle is measured. Times are CPU
time of the best of some rounds.
"""

import pathlib
import pickle
import subprocess
import sys
import time
import venv

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "target" / "images_compare"
PACKAGES = ["cloudpickle", "dill"]


def enter_environment():
    """Goes on in the virtual environment, which is made when it is missing."""
    python = FOLDER / "bin" / "python"
    if pathlib.Path(sys.prefix) == FOLDER:
        return
    try:
        if not python.exists():
            venv.create(FOLDER, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"skipped: cloudpickle and dill, which cannot be installed here ({error})", file=sys.stderr)
        return
    sys.exit(subprocess.run([python, __file__]).returncode)


def counter(k):
    n = 0

    def add():
        nonlocal n
        n += k
        return n

    return add


VALUES = [
    ("a counter: one closure over one cell", lambda: counter(5)),
    ("16,000 closures, each with a cell of its own", lambda: [counter(i) for i in range(16_000)]),
    ("1,000,000 lists of one element", lambda: [[i] for i in range(1_000_000)]),
    ("a list of 1,000,000 ints", lambda: [i * 1_000_003 for i in range(1_000_000)]),
]


def best(work):
    """The least CPU time of a call, over at least two rounds and half a second."""
    least, total, rounds = float("inf"), 0.0, 0
    while rounds < 2 or (total < 0.5 and rounds < 2000):
        start = time.process_time()
        work()
        took = time.process_time() - start
        least, total, rounds = min(least, took), total + took, rounds + 1
    return least


def shown(seconds):
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def main():
    enter_environment()
    libraries = [("pickle", pickle)]
    for name in PACKAGES:
        try:
            libraries.append((name, __import__(name)))
        except ImportError:
            pass
    print("| value | " + " | ".join(f"{name}: bytes, save, load" for name, _ in libraries) + " |")
    print("| --- |" + " --- |" * len(libraries))
    for title, make in VALUES:
        value, cells = make(), []
        for _, library in libraries:
            try:
                data = library.dumps(value, protocol=5)
                save, load = best(lambda: library.dumps(value, protocol=5)), best(lambda: library.loads(data))
                cells.append(f"{len(data):,}, {shown(save)}, {shown(load)}")
            except (AttributeError, TypeError, RecursionError, pickle.PickleError):
                cells.append("cannot")
        print(f"| {title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
