"""Fannkuch: for every order of n numbers, how many prefix reversals bring 1 to the front."""

import sys


def flips_of(order, flipped):
    flipped[:] = order
    flips = 0
    first = flipped[0]
    while first != 0:
        low, high = 0, first
        while low < high:
            flipped[low], flipped[high] = flipped[high], flipped[low]
            low += 1
            high -= 1
        flips += 1
        first = flipped[0]
    return flips


def run(n):
    order = list(range(n))
    flipped = [0] * n
    count = [0] * n
    most, checksum, sign = 0, 0, 1
    r = n
    while True:
        while r > 1:
            count[r - 1] = r
            r -= 1
        flips = flips_of(order, flipped)
        if flips > most:
            most = flips
        checksum += sign * flips
        sign = -sign
        # The next order: rotate ever longer prefixes, each as often as it is long.
        while True:
            if r == n:
                return checksum * 100 + most
            first = order[0]
            for i in range(r):
                order[i] = order[i + 1]
            order[r] = first
            count[r] -= 1
            if count[r] > 0:
                break
            r += 1


print(run(int(sys.argv[1])))
