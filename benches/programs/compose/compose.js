// Composition chains: twelve functions composed into one, which is then called.

const compose = (f, g) => (x) => g(f(x));
const add = (n) => (x) => x + n;
const scale = (n) => (x) => (x * n) % 10007;

function chain(seed) {
  let f = add(seed);
  for (let k = 1; k <= 6; k++) f = compose(compose(f, scale(k)), add(k));
  return f;
}

function run(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    const f = chain(i);
    for (let x = 0; x < 10; x++) sum = (sum + f(x)) % 1000003;
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
