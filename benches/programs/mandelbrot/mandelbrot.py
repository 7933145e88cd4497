"""Floating point arithmetic: how many points of a grid stay within the Mandelbrot set for fifty steps."""

import sys


def run(size):
    inside = 0
    for row in range(size):
        ci = 2.0 * row / size - 1.0
        for column in range(size):
            cr = 2.0 * column / size - 1.5
            zr = zi = 0.0
            steps = 0
            while steps < 50 and zr * zr + zi * zi <= 4.0:
                zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
                steps += 1
            if steps == 50:
                inside += 1
    return inside


print(run(int(sys.argv[1])))
