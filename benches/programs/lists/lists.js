// Arrays: pushed to, read and written by index.

function fill(size, seed) {
  const xs = [];
  for (let i = 0; i < size; i++) xs.push((i * 7 + seed) % 1009);
  return xs;
}

function reverse(xs) {
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    [xs[low], xs[high]] = [xs[high], xs[low]];
    low += 1;
    high -= 1;
  }
}

function run(rounds) {
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    const xs = fill(1000, round);
    reverse(xs);
    for (let i = 1; i < xs.length; i++) xs[i] = (xs[i] + xs[i - 1]) % 4093;
    for (const x of xs) sum += x;
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
