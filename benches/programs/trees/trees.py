"""Binary trees: many small objects made, walked and forgotten, beside one tree that stays."""

import sys


class Node:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


def grow(depth):
    if depth == 0:
        return Node(None, None)
    return Node(grow(depth - 1), grow(depth - 1))


def count(tree):
    if tree.left is None:
        return 1
    return 1 + count(tree.left) + count(tree.right)


def run(most):
    lasting = grow(most)
    total = 0
    for depth in range(4, most + 1, 4):
        for _ in range(2 ** (most - depth + 4)):
            total += count(grow(depth))
    return total + count(lasting)


print(run(int(sys.argv[1])))
