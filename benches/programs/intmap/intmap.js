// Maps with int keys, far apart: counted up, looked up, removed from.

function run(size) {
  const counts = new Map();
  let key = 1;
  for (let i = 0; i < size; i++) {
    key = (key * 16807) % 2147483647;
    const slot = key % 50021 * 31;
    counts.set(slot, (counts.get(slot) ?? 0) + i % 5);
  }
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const found = counts.get(i % 60000 * 31);
    if (found !== undefined) sum += found * (i % 3 + 1);
  }
  for (let i = 0; i < Math.floor(size / 10); i++) counts.delete(i * 62);
  return sum + counts.size;
}

console.log(run(Number(process.argv[2])));
