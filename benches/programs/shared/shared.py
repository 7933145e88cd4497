"""One counter shared by two closures: what one of them changes the other sees."""

import sys


def account(opening):
    balance = opening

    def deposit(amount):
        nonlocal balance
        balance += amount

    def read():
        return balance

    return deposit, read


def run(rounds):
    total = 0
    for i in range(rounds):
        deposit, read = account(i)
        deposit(read() % 7)
        deposit(3)
        total = (total + read()) % 1000003
    return total


print(run(int(sys.argv[1])))
