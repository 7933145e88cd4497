// Closures made and called: a counter with a variable of its own, made, called three times and forgotten.

function counter(start) {
  let n = start;
  return () => {
    n += 1;
    return n;
  };
}

function run(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    const next = counter(i);
    sum = (sum + next() + next() * 2 + next() * 3) % 1000003;
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
