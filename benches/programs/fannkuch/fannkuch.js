// Fannkuch: for every order of n numbers, how many prefix reversals bring 1 to the front.

function flipsOf(order, flipped) {
  const n = order.length;
  for (let i = 0; i < n; i++) flipped[i] = order[i];
  let flips = 0;
  let first = flipped[0];
  while (first !== 0) {
    let low = 0;
    let high = first;
    while (low < high) {
      const swapped = flipped[low];
      flipped[low] = flipped[high];
      flipped[high] = swapped;
      low += 1;
      high -= 1;
    }
    flips += 1;
    first = flipped[0];
  }
  return flips;
}

function run(n) {
  const order = Array.from({ length: n }, (_, i) => i);
  const flipped = new Array(n).fill(0);
  const count = new Array(n).fill(0);
  let most = 0;
  let checksum = 0;
  let sign = 1;
  let r = n;
  for (;;) {
    while (r > 1) {
      count[r - 1] = r;
      r -= 1;
    }
    const flips = flipsOf(order, flipped);
    if (flips > most) most = flips;
    checksum += sign * flips;
    sign = -sign;
    // The next order: rotate ever longer prefixes, each as often as it is long.
    for (;;) {
      if (r === n) return checksum * 100 + most;
      const first = order[0];
      for (let i = 0; i < r; i++) order[i] = order[i + 1];
      order[r] = first;
      count[r] -= 1;
      if (count[r] > 0) break;
      r += 1;
    }
  }
}

console.log(run(Number(process.argv[2])));
