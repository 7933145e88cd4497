"""Generators: two that hand a number to and fro, and short-lived ones that count."""

import sys


def player(step):
    at = yield
    while True:
        at = yield (at + step) % 1000003


def count_to(n):
    for i in range(n):
        yield i


def run(rounds):
    ping, pong = player(3), player(5)
    next(ping)
    next(pong)
    ball = 1
    for _ in range(rounds):
        ball = pong.send(ping.send(ball))
    total = ball
    for _ in range(rounds // 20):
        for i in count_to(10):
            total += i
    return total


print(run(int(sys.argv[1])))
