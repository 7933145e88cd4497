"""Methods called on objects: of one class, and of three classes in turn."""

import sys


class Account:
    __slots__ = ("balance",)

    def __init__(self, balance):
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount
        return self

    def worth(self):
        return self.balance


class Square:
    __slots__ = ("side",)

    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side * self.side

    def grow(self, by):
        self.side = (self.side + by) % 17


class Rect:
    __slots__ = ("width", "height")

    def __init__(self, width, height):
        self.width = width
        self.height = height

    def area(self):
        return self.width * self.height

    def grow(self, by):
        self.width = (self.width + by) % 13


class Triangle:
    __slots__ = ("base", "height")

    def __init__(self, base, height):
        self.base = base
        self.height = height

    def area(self):
        return self.base * self.height

    def grow(self, by):
        self.height = (self.height + by) % 11


def run(rounds):
    account = Account(0)
    shapes = [Square(1), Rect(2, 3), Triangle(4, 5), Rect(6, 7)]
    total = 0
    for i in range(rounds):
        account.deposit(i % 10).deposit(1)
        for shape in shapes:
            shape.grow(i % 3)
            total += shape.area()
    return total + account.worth()


print(run(int(sys.argv[1])))
