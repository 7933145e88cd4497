#!/usr/bin/env python3
"""Runs the tasks of this folder in three languages and prints CPU milliseconds for one time each, side by side.

Usage: benches/stdlib/compare.py [VM]. What a task works on is made before; its cost is measured and taken off.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
VM = sys.argv[1] if len(sys.argv) > 1 else "target/dist/vm"
COMMANDS = {
    "Quipu": [VM, "run", str(HERE / "tasks.qp")],
    "Python": ["python3.11", str(HERE / "tasks.py")],
    "Lua": ["lua5.4", str(HERE / "tasks.lua")],
}
TASKS = [
    "json_parse", "json_stringify", "sort_ints", "sort_ints_by_function", "sort_strs", "sort_strs_by_function",
    "split", "join", "count_words",
]
TIMES = 4


def cpu(command):
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime


with tempfile.TemporaryDirectory() as folder:
    cpu([VM, "run", str(HERE / "data.qp"), folder])
    print(f"{'task':24}" + "".join(f"{language:>10}" for language in COMMANDS))
    for task in TASKS:
        row = f"{task:24}"
        for command in COMMANDS.values():
            least, most = (min(cpu([*command, folder, task, str(times)]) for _ in range(3)) for times in (0, TIMES))
            row += f"{max(0.0, most - least) / TIMES * 1000:10.1f}"
        print(row, flush=True)
