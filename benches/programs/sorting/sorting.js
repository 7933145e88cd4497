// A sort by a comparator written in the language.

function run(size) {
  const xs = [];
  let x = 1;
  for (let i = 0; i < size; i++) {
    x = (x * 16807) % 2147483647;
    xs.push(x);
  }
  xs.sort((a, b) => b - a);
  let sum = 0;
  for (let i = 0; i < size; i++) sum = (sum * 3 + xs[i]) % 1000003;
  return sum;
}

console.log(run(Number(process.argv[2])));
