"""The spectral norm of an infinite matrix, cut off: float arithmetic over lists and many small calls."""

import math
import sys


def entry(i, j):
    return 1.0 / ((i + j) * (i + j + 1) * 0.5 + i + 1)


def times(v, out):
    n = len(v)
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += entry(i, j) * v[j]
        out[i] = total


def times_transposed(v, out):
    n = len(v)
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += entry(j, i) * v[j]
        out[i] = total


def run(n):
    u = [1.0] * n
    v = [0.0] * n
    between = [0.0] * n
    for _ in range(10):
        times(u, between)
        times_transposed(between, v)
        times(v, between)
        times_transposed(between, u)
    uv = vv = 0.0
    for i in range(n):
        uv += u[i] * v[i]
        vv += v[i] * v[i]
    return math.floor(math.sqrt(uv / vv) * 1e9)


print(run(int(sys.argv[1])))
