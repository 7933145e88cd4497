// Map, filter and fold with lambdas that take a variable along.

function run(rounds) {
  const numbers = Array.from({ length: 1000 }, (_, i) => i);
  let sum = 0;
  for (let k = 0; k < rounds; k++) {
    const step = k % 5 + 1;
    sum += numbers
      .map((x) => x * step + k)
      .filter((x) => x % 3 !== 0)
      .reduce((total, x) => (total + x) % 1000003, 0);
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
