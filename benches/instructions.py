"""Counts the instructions of the programs of the comparison with callgrind, of one `vm` or of two beside each other.

    python3 benches/instructions.py BASE [NEW] [--only NAME,..]

Counts are repeatable, so they decide where times are noise. Needs valgrind. Run it from the project's root."""
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path("benches/programs")


def rows():
    for line in (PROGRAMS / "list.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, size, result, *_ = line.split()
            yield name, size, result


def count(vm, name, size, result):
    """Instructions of one run, which has to print the right result."""
    with tempfile.NamedTemporaryFile() as out:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}"]
        run = subprocess.run(
            [*tool, vm, str(PROGRAMS / name / f"{name}.qp"), size], capture_output=True, text=True, check=True
        )
    assert run.stdout.strip() == result, f"{vm} {name}: {run.stdout!r}"
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def main():
    arguments = sys.argv[1:]
    only = None
    if "--only" in arguments:
        at = arguments.index("--only")
        only = arguments[at + 1].split(",")
        del arguments[at : at + 2]
    ratios = []
    for name, size, result in rows():
        if only and name not in only:
            continue
        counts = [count(vm, name, size, result) for vm in arguments]
        ratio = counts[-1] / counts[0]
        ratios.append(ratio)
        print(f"{name:14}", *(f"{number:15,}" for number in counts), f"{ratio:8.4f}", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"{'geometric mean':14} {mean:.4f}, worst {max(ratios):.4f}")


main()
