"""N queens: in how many ways they can stand on the board, by backtracking."""

import sys


def place(row, n, columns, rising, falling):
    if row == n:
        return 1
    ways = 0
    for column in range(n):
        up = row + column
        down = row - column + n - 1
        if columns[column] and rising[up] and falling[down]:
            columns[column] = False
            rising[up] = False
            falling[down] = False
            ways += place(row + 1, n, columns, rising, falling)
            columns[column] = True
            rising[up] = True
            falling[down] = True
    return ways


n = int(sys.argv[1])
print(place(0, n, [True] * n, [True] * (2 * n - 1), [True] * (2 * n - 1)))
