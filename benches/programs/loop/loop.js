// Integer arithmetic in nested loops, nothing else.

function run(rounds) {
  let sum = 0;
  let a = 1;
  for (let i = 0; i < rounds; i++) {
    let j = 0;
    while (j < 10) {
      a = (a * 31 + j) % 65521;
      if (a % 2 === 0) sum += a;
      else sum -= i % 7;
      j += 1;
    }
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
