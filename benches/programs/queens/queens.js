// N queens: in how many ways they can stand on the board, by backtracking.

function place(row, n, columns, rising, falling) {
  if (row === n) return 1;
  let ways = 0;
  for (let column = 0; column < n; column++) {
    const up = row + column;
    const down = row - column + n - 1;
    if (columns[column] && rising[up] && falling[down]) {
      columns[column] = false;
      rising[up] = false;
      falling[down] = false;
      ways += place(row + 1, n, columns, rising, falling);
      columns[column] = true;
      rising[up] = true;
      falling[down] = true;
    }
  }
  return ways;
}

const free = (n) => new Array(n).fill(true);
const n = Number(process.argv[2]);
console.log(place(0, n, free(n), free(2 * n - 1), free(2 * n - 1)));
