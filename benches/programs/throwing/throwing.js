// Exceptions thrown two calls deep and caught, every third time.

class Multiple extends Error {
  constructor(message, data) {
    super(message);
    this.data = data;
  }
}

function check(i) {
  if (i % 3 === 0) throw new Multiple("a multiple of three", i);
  return i;
}

function guarded(i) {
  return check(i) + 1;
}

function run(rounds) {
  let fine = 0;
  let caught = 0;
  for (let i = 0; i < rounds; i++) {
    try {
      fine += guarded(i) % 7;
    } catch (e) {
      caught += e.data % 5;
    }
  }
  return fine * 1000 + caught % 1000;
}

console.log(run(Number(process.argv[2])));
